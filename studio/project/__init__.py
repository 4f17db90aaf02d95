# SPDX-License-Identifier: Apache-2.0
"""The project file: one SQLite file with brief, plan, texts and run log. Everything goes through ``store.Project``."""
