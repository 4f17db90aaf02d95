# SPDX-License-Identifier: Apache-2.0
"""The version of this program."""

from __future__ import annotations

from importlib import metadata


def longhand_version() -> str:
    """Return the installed version; a checkout that is not installed says so."""
    try:
        return metadata.version("longhand")
    except metadata.PackageNotFoundError:
        return "of this checkout (not installed)"
