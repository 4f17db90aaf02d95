# SPDX-License-Identifier: Apache-2.0
"""Longhand: plans, writes and remembers long documents."""
