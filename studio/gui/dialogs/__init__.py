# SPDX-License-Identifier: Apache-2.0
"""Forms that are open for a moment."""
