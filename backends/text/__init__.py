# SPDX-License-Identifier: Apache-2.0
"""How text is measured, in one place, for both layers."""
