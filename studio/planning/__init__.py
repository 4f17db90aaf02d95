# SPDX-License-Identifier: Apache-2.0
"""Build plan requests and parse their answers; no model is called here."""
