# SPDX-License-Identifier: Apache-2.0
"""File formats: a neutral document, and what it is written to. Knows nothing of projects or models."""
