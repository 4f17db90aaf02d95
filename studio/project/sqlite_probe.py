# SPDX-License-Identifier: Apache-2.0
"""Prints as JSON which SQLite this program has: ``python -m studio.project.sqlite_probe``. Run in a child process."""

from __future__ import annotations

import json
import sqlite3

if __name__ == "__main__":
    print(json.dumps({"version": sqlite3.sqlite_version}))
