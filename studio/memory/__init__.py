# SPDX-License-Identifier: Apache-2.0
"""What the model is told: summaries and the composed context; no model is called here."""
