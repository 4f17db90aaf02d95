# SPDX-License-Identifier: Apache-2.0
"""Run a document; the only floor that calls a model."""
