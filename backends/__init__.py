# SPDX-License-Identifier: Apache-2.0
"""Models that run here, behind one face; never imports the studio."""
