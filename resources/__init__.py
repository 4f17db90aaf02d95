# SPDX-License-Identifier: Apache-2.0
"""Package data, opened in one place: the same way in a checkout, a wheel and a bundle."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def resource(name: str) -> Traversable:
    """Return the resource with a slash-separated name, for example ``prompts/write.toml``."""
    return files(__name__).joinpath(*name.split("/"))


def read_text(name: str) -> str:
    """Return a text resource, decoded as UTF-8. Raises FileNotFoundError."""
    return resource(name).read_text(encoding="utf-8")


def file_path(name: str) -> Path:
    """Return the path of a resource that another program must open (a model, an icon)."""
    return Path(str(resource(name)))
