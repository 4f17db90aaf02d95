# SPDX-License-Identifier: Apache-2.0
"""Many documents without a window: job files, the ledger of what is done, and the run that writes them side by side."""
