# SPDX-License-Identifier: Apache-2.0
"""What stands beside the text."""
