# SPDX-License-Identifier: Apache-2.0
"""Measurements of speed, and what they need: run from a checkout."""
