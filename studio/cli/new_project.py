# SPDX-License-Identifier: Apache-2.0
"""Begins a document: everything that can be refused is refused before a project file is made."""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backends.base import Backend
from studio.cli.brief import read_brief
from studio.cli.length import wanted_words
from studio.cli.options import MAX_SEED, kept_model, run_model, run_settings, user_settings
from studio.cli.places import Places, places_for_new
from studio.cli.run import load_model
from studio.project.records import Brief
from studio.project.store import Project
from studio.writing.runner import require_room_for_brief


@contextmanager
def new_project(arguments: argparse.Namespace, out: Path | None) -> Iterator[tuple[Project, Backend, Places]]:
    """Check brief, places and model, make the project, and yield it with its loaded model.

    Raises UserError, BackendError or ProjectError with nothing left behind.
    """
    brief = _brief(arguments)
    places = places_for_new(brief.text, arguments.project, out)
    settings = run_settings(arguments, run_model(arguments, user_settings().model))
    seed = random.randrange(MAX_SEED + 1) if arguments.seed is None else arguments.seed
    with load_model(settings, places.project) as backend:
        require_room_for_brief(backend, brief)
        model = kept_model(settings, backend.capabilities)
        with Project.create(places.project, brief, seed=seed, model=model) as project:
            print(f"Project {places.project}, seed {seed}, model {backend.capabilities.model_name}", file=sys.stderr)
            yield project, backend, places


def _brief(arguments: argparse.Namespace) -> Brief:
    settings = user_settings()
    language = arguments.language or settings.language
    return Brief(
        text=read_brief(arguments.brief),
        words=wanted_words(arguments, language),
        kind=arguments.kind or settings.kind,
        language=language,
    )
