# SPDX-License-Identifier: Apache-2.0
"""Options that several commands share, and what comes of them. Settings stand in for options that are not given."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from backends.server_address import ServerSettings, base_address, is_server, server_of
from backends.types import Capabilities, ModelSettings
from studio.cli.length import add_length_options
from studio.settings import Settings, all_settings, is_language_tag, load_settings

if TYPE_CHECKING:
    from backends.text.ban_list import BanList

MAX_SEED = 2**32 - 1
_Given = TypeVar("_Given")


def add_brief_options(parser: argparse.ArgumentParser) -> None:
    """Add what describes a new document."""
    parser.add_argument("brief", metavar="BRIEF", help="what to write about: text, or the path of a text file")
    add_length_options(parser)
    add_kind_options(parser)
    parser.add_argument(
        "--seed",
        type=whole_number(0, MAX_SEED),
        metavar="S",
        help="seed of the random choices; without it a new one is taken",
    )


def add_kind_options(parser: argparse.ArgumentParser) -> None:
    """Add what a document is: its kind and its language."""
    parser.add_argument("--kind", choices=_kinds(), help="kind of document")
    parser.add_argument("--language", type=_language, metavar="TAG", help="language of the document, such as en or de")


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Add what says how the model is opened."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model",
        metavar="MODEL",
        help="model that writes: a GGUF file, or a safetensors folder with the extra torch; without it the starter",
    )
    group.add_argument("--gpu-layers", type=_gpu_layers, metavar="auto|N", help="layers of the model on the GPU")
    group.add_argument("--threads", type=whole_number(1, 1024), metavar="N", help="processor threads of the engine")
    group.add_argument("--context", type=whole_number(1, 1_048_576), metavar="N", help="context of the model in tokens")
    group.add_argument("--device", metavar="NAME", help="device that the model runs on")
    group.add_argument(
        "--embeddings",
        metavar="FILE|own",
        help="find what is remembered by its meaning too: an embedding model (GGUF), or own for the model that writes",
    )


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """Add what names a server that runs the model; ``--model`` is the model's name there."""
    group = parser.add_argument_group("server")
    group.add_argument(
        "--endpoint", metavar="URL", help="OpenAI-compatible server that runs the model named by --model"
    )
    group.add_argument(
        "--plain-http", action="store_true", help="let text go unencrypted to a server on another machine"
    )


def add_ban_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--ban-list``."""
    parser.add_argument(
        "--ban-list",
        metavar="FILE|cliches",
        help="what may not be written: a text file with a phrase a line, or the list that comes with Longhand",
    )


def run_bans(arguments: argparse.Namespace) -> BanList | None:
    """Return what may not be written, by the option or the settings. Raises BanListUnusable."""
    from studio.ban_lists import named_bans

    return named_bans(_given(arguments.ban_list, user_settings().ban_list))


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="print one JSON object to standard output")


def add_project_argument(parser: argparse.ArgumentParser) -> None:
    """Add the project file that a command works on."""
    parser.add_argument("project", metavar="PROJECT", type=Path, help="project file (.longhand)")


def model_settings(arguments: argparse.Namespace, model: str) -> ModelSettings:
    """Return how to open ``model`` (empty: the starter model) with the options given and the settings."""
    settings = user_settings()
    return ModelSettings(
        path=model,
        context_tokens=_given(arguments.context, settings.context),
        threads=_given(arguments.threads, settings.threads),
        gpu_layers=_given(arguments.gpu_layers, settings.gpu_layers),
        device=_given(arguments.device, settings.device),
        embeddings=_given(arguments.embeddings, settings.embeddings),
    )


def run_settings(arguments: argparse.Namespace, model: str) -> ModelSettings | ServerSettings:
    """Return how to open a model that is a file, or on a server where its name is that of one."""
    if not is_server(model):
        return model_settings(arguments, model)
    return replace(
        server_of(model),
        context_tokens=_given(arguments.context, user_settings().context),
        plain_http=arguments.plain_http,
        embeddings=_given(arguments.embeddings, user_settings().embeddings),
    )


def run_model(arguments: argparse.Namespace, otherwise: str) -> str:
    """Return the model that was asked for, as a project keeps it: a path, or the address of a server with a name.

    Raises EndpointInvalid.
    """
    if arguments.endpoint:
        return ServerSettings(base_address(arguments.endpoint), arguments.model or "").path
    return otherwise if arguments.model is None and is_server(otherwise) else model_of(arguments, otherwise)


def kept_model(settings: ModelSettings | ServerSettings, capabilities: Capabilities) -> str:
    """Return what a project keeps of an opened model; one on a server is kept by the name that it has there."""
    if not capabilities.endpoint:
        return settings.path
    return ServerSettings(capabilities.endpoint, capabilities.model_name).path


def model_of(arguments: argparse.Namespace, otherwise: str) -> str:
    """Return the absolute path of the model that was asked for, or the path given for the other case."""
    model = _given(arguments.model, otherwise)
    return str(Path(model).expanduser().absolute()) if model else ""


@cache
def user_settings() -> Settings:
    """Return the user's settings; what is wrong with them is said once on stderr."""
    loaded = load_settings()
    for warning in loaded.warnings:
        print(f"longhand: {warning}", file=sys.stderr)
    return loaded.settings


def _given(option: _Given | None, otherwise: _Given) -> _Given:
    return otherwise if option is None else option


def whole_number(minimum: int, maximum: int) -> Callable[[str], int]:
    """Return the type of an option that takes a whole number between two bounds."""

    def convert(text: str) -> int:
        try:
            value = int(text.replace(",", "").replace("_", ""))
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number.") from None
        if not minimum <= value <= maximum:
            raise argparse.ArgumentTypeError(f"{text} is not between {minimum:,} and {maximum:,}.")
        return value

    return convert


def fitted_words(text: str) -> int:
    """Return the length that a document or one section of it is to be brought to."""
    from studio.planning.budget import MAX_DOCUMENT_WORDS

    return whole_number(1, MAX_DOCUMENT_WORDS)(text)


def _gpu_layers(text: str) -> int:
    return -1 if text == "auto" else whole_number(0, 1000)(text)


def _language(text: str) -> str:
    if not is_language_tag(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a language tag; give one such as en, de or pt-BR.")
    return text


def _kinds() -> tuple[str, ...]:
    return next(setting.choices for setting in all_settings() if setting.key == "kind")
