# SPDX-License-Identifier: Apache-2.0
"""Where a project and its Markdown file lie. Nothing that exists is ever chosen or overwritten."""

from __future__ import annotations

import errno
import itertools
import os
import shlex
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from studio.cli.errors import UserError
from studio.formats.export import format_of

PROJECT_SUFFIX = ".longhand"
OUTPUT_SUFFIX = ".md"
_SLUG_WORDS, _SLUG_CHARACTERS = 6, 48


@dataclass(frozen=True, slots=True)
class Places:
    """The project file, and the Markdown file that the finished document is written to."""

    project: Path
    out: Path


def places_for_new(brief: str, project: Path | None, out: Path | None) -> Places:
    """Return free places for a new document: as given, beside each other, or named after the brief in this folder.

    Raises UserError where a file is there already, or where its folder is missing or may not be written to.
    """
    for path in (project, out):
        _require_file_name(path)
    if project is not None:
        places = Places(project, out or output_beside(project))
    elif out is not None:
        places = Places(out.with_suffix(PROJECT_SUFFIX), out)
    else:
        return _named_after(brief)
    _require_apart(places)
    _require_free_project(places.project)
    require_free_output(places.out)
    return places


def output_beside(project: Path) -> Path:
    """Return the Markdown file that belongs to a project when no other is named."""
    return project.with_suffix(OUTPUT_SUFFIX)


def places_for_existing(project: Path, out: Path | None) -> Places:
    """Return the places of a project that exists. Raises UserError where both are one file."""
    _require_file_name(project)
    _require_file_name(out)
    places = Places(project, out or output_beside(project))
    _require_apart(places)
    return places


def require_free_project(project: Path) -> None:
    """Raise UserError where a file is there already, or its folder cannot be used."""
    _require_file_name(project)
    _require_free_project(project)


def require_free_output(out: Path) -> None:
    """Raise UserError where a file is there already, or its folder cannot be used; FormatUnknown for its suffix."""
    format_of(out)
    if os.path.lexists(out):
        free = _free_name(out)
        raise UserError(f"{out} is already there and is not overwritten.", hint=f"A free name: --out {_quoted(free)}")
    _require_folder(out)


def resume_command(places: Places) -> str:
    """Return the command line that goes on with a project."""
    words = ["longhand", "resume", str(places.project)]
    if places.out != output_beside(places.project):
        words += ["--out", str(places.out)]
    return shlex.join(words)


def _require_free_project(project: Path) -> None:
    if os.path.lexists(project):
        raise UserError(
            f"The project {project} is already there and is not overwritten.",
            hint=f"Go on with it: longhand resume {_quoted(project)}; or take a free name: "
            f"--project {_quoted(_free_name(project))}",
        )
    _require_folder(project)


def _require_apart(places: Places) -> None:
    if places.out.absolute() == places.project.absolute():
        raise UserError(
            f"{places.out} cannot be both project and output.",
            hint=f"Let the project end in {PROJECT_SUFFIX} and the output in {OUTPUT_SUFFIX}.",
        )


def _require_file_name(path: Path | None) -> None:
    """A folder, or a name that the file system cannot have, is no place for a file."""
    if path is None:
        return
    if os.path.isdir(path):
        raise UserError(f"{path} is a folder.", hint="Name a file in it.")
    try:
        os.lstat(path)
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise UserError(f"The name {path} is too long.", hint="Choose a shorter name.") from error


def _require_folder(path: Path) -> None:
    folder = path.absolute().parent
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}.", hint="Make the folder first, or choose another.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"You may not write to the folder {folder}.", hint="Choose a folder that you may write to.")


def _named_after(brief: str) -> Places:
    """A second document from the same brief gets a number: the author named no file, so none can be refused."""
    slug = slug_of(brief)
    _require_folder(Path(slug))
    names = itertools.chain([slug], (f"{slug}-{number}" for number in itertools.count(2)))
    pairs = (Places(Path(name + PROJECT_SUFFIX), Path(name + OUTPUT_SUFFIX)) for name in names)
    return next(pair for pair in pairs if not (os.path.lexists(pair.project) or os.path.lexists(pair.out)))


def slug_of(text: str) -> str:
    """Return a file name made of the first words of a text: lower case, hyphens, letters of any script."""
    plain = unicodedata.normalize("NFC", text[:1000]).lower()
    words = "".join(sign if sign.isalnum() or unicodedata.category(sign)[0] == "M" else " " for sign in plain).split()
    slug = "-".join(words[:_SLUG_WORDS])[:_SLUG_CHARACTERS].strip("-")
    return slug or "document"


def _free_name(path: Path) -> Path:
    names = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in itertools.count(2))
    return next(name for name in names if not os.path.lexists(name))


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
