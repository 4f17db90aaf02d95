# SPDX-License-Identifier: Apache-2.0
"""The window: widgets that hold no rules, and one thread that does the work."""
