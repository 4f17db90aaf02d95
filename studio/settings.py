# SPDX-License-Identifier: Apache-2.0
"""Every setting once: the file, the dialog, the command line and docs/settings.md come from the fields of ``Settings``.

The file is TOML in the user's configuration folder. What this version does not know is kept when it is saved again.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from backends.errors import ExplainedError
from resources import resource

CONFIG_VARIABLE = "LONGHAND_CONFIG"
"""Environment variable with the path of another settings file."""

Value = str | int

DOCUMENTS, ENGINE, WINDOW = "documents", "engine", "window"
"""What settings are about; the dialog shows them in these groups."""

_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,16}(?:-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as dialogs and documentation see it; bounds are inclusive, no choices means free text or number."""

    key: str
    type: type[str] | type[int]
    default: Value
    label: str
    text: str
    minimum: int | None
    maximum: int | None
    choices: tuple[str, ...]
    group: str

    def check(self, value: object) -> str:
        """Return what is wrong with a value, as a sentence; empty if nothing is."""
        if type(value) is not self.type:
            return f"{self.key} must be a {'number' if self.type is int else 'text in quotes'}."
        if self.choices and value not in self.choices:
            return f"{self.key} must be one of {', '.join(self.choices)}."
        if isinstance(value, int) and not self._within(value):
            return f"{self.key} must be between {self.minimum:,} and {self.maximum:,}."
        return ""

    def _within(self, value: int) -> bool:
        return (self.minimum is None or value >= self.minimum) and (self.maximum is None or value <= self.maximum)


@dataclass(frozen=True, slots=True)
class _Text:
    """What a field's metadata carries besides its name, type and default."""

    label: str
    text: str
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[str, ...] = ()
    group: str = ENGINE


def _setting(default: Value, text: _Text) -> Any:
    return field(default=default, metadata={"setting": text})


def _kinds() -> tuple[str, ...]:
    """The names of all kinds of documents: those that come with the program, then the author's own."""
    built_in = sorted(entry.name for entry in resource("kinds").iterdir())
    try:
        own = sorted(os.listdir(settings_folder() / "kinds"))
    except OSError:
        own = []
    return tuple(dict.fromkeys(name.removesuffix(".toml") for name in (*built_in, *own) if name.endswith(".toml")))


def settings_path() -> Path:
    """Return the path of the settings file: LONGHAND_CONFIG, or settings.toml in the user's configuration folder."""
    if named := os.environ.get(CONFIG_VARIABLE):
        return Path(named)
    import platformdirs

    return platformdirs.user_config_path("longhand", appauthor=False) / "settings.toml"


def settings_folder() -> Path:
    """Return the folder of the settings file, which also has what the author made: kinds of documents."""
    return settings_path().parent


@dataclass(frozen=True, slots=True)
class Settings:
    """The values in use. Change them with ``dataclasses.replace``; ``save_settings`` checks them."""

    model: str = _setting("", _Text("Model", "Path of the GGUF file that writes; empty means the starter model."))
    kind: str = _setting("story", _Text("Kind", "Kind of a new document.", choices=_kinds(), group=DOCUMENTS))
    language: str = _setting(
        "en", _Text("Language", "Language of a new document, as a tag such as en, de or pt-BR.", group=DOCUMENTS)
    )
    words: int = _setting(2000, _Text("Words", "Length of a new document in words.", 20, 1_000_000, group=DOCUMENTS))
    gpu_layers: int = _setting(
        -1,
        _Text("Layers on the GPU", "How many layers of the model run on the GPU; -1 takes as many as fit.", -1, 1000),
    )
    device: str = _setting("", _Text("Device", "Device that the model runs on; empty lets the engine choose."))
    threads: int = _setting(
        0, _Text("Threads", "Processor threads of the engine; 0 measures what is fastest.", 0, 1024)
    )
    context: int = _setting(
        0, _Text("Context", "Context of the model in tokens; 0 takes the model's own, at most 8,192.", 0, 1_048_576)
    )
    thinking: int = _setting(
        0,
        _Text(
            "Thinking",
            "How many tokens a thinking model may think before each passage, hidden; 0 lets it write at once.",
            0,
            32_768,
        ),
    )
    states: int = _setting(
        2048,
        _Text(
            "Kept states",
            "Disk space in MB for what models have read of all projects, so that going on with one need not read it "
            "again; 0 keeps nothing.",
            0,
            1_000_000,
        ),
    )
    embeddings: str = _setting(
        "",
        _Text(
            "Embeddings",
            "What finds facts, summaries and notes by their meaning besides their words: the path of an embedding "
            "model (GGUF), own for the model that writes, empty for nothing.",
        ),
    )
    ban_list: str = _setting(
        "",
        _Text(
            "Ban list",
            "What may not be written: the path of a list, cliches for the one that comes with Longhand, empty for "
            "nothing.",
            group=DOCUMENTS,
        ),
    )
    theme: str = _setting(
        "system",
        _Text(
            "Theme",
            "Colours of the window; system follows the desktop.",
            choices=("system", "light", "dark", "sepia"),
            group=WINDOW,
        ),
    )
    motion: str = _setting(
        "system",
        _Text(
            "Motion",
            "Whether text that is taken back fades; system follows the desktop, reduced shows no motion.",
            choices=("system", "reduced"),
            group=WINDOW,
        ),
    )
    text_font: str = _setting(
        "",
        _Text(
            "Font of the text",
            "Family of the font that documents are shown in; empty means the serif that comes with Longhand.",
            group=WINDOW,
        ),
    )
    text_points: int = _setting(
        13, _Text("Size of the text", "Size of the text of documents in points.", 8, 48, group=WINDOW)
    )
    line_height: int = _setting(
        150,
        _Text(
            "Line height",
            "Height of a line of the text of documents, in percent of the size of the text.",
            100,
            300,
            group=WINDOW,
        ),
    )
    interface_points: int = _setting(
        0,
        _Text(
            "Size of the interface", "Size of menus and panels in points; 0 takes the system's.", 0, 32, group=WINDOW
        ),
    )


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings that are usable in any case, and one sentence for each thing in the file that was not."""

    settings: Settings
    warnings: tuple[str, ...] = ()


class SettingsError(ExplainedError):
    """The settings could not be saved; the file is as it was."""

    hint = "Check that the configuration folder can be written."
    retryable = True


def is_language_tag(text: str) -> bool:
    """Say whether a text has the form of a language tag (BCP 47), such as en, de or pt-BR."""
    return bool(_LANGUAGE_TAG.fullmatch(text))


def all_settings() -> tuple[Setting, ...]:
    """Return every setting in the order of the dialog."""
    defaults = Settings()
    return tuple(
        _describe(item.name, getattr(defaults, item.name), item.metadata["setting"]) for item in fields(Settings)
    )


def load_settings() -> LoadedSettings:
    """Read the settings file; defaults stand in for whatever is missing or unusable. Never raises."""
    path = settings_path()
    table, problem = _read_table(path)
    if problem:
        return LoadedSettings(Settings(), (f"The settings in {path} are not used: {problem}.",))
    known = {setting.key: setting for setting in all_settings()}
    warnings = [f"{path}: the setting {key} is unknown and was left alone." for key in table if key not in known]
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known:
            continue
        if wrong := known[key].check(value):
            warnings.append(f"{path}: {wrong}")
        else:
            values[key] = value
    return LoadedSettings(Settings(**values), tuple(warnings))


def save_settings(settings: Settings) -> None:
    """Write the settings that differ from the defaults, and keep what the file has besides.

    A file that cannot be read is kept with the suffix .damaged. Raises ValueError for a value out of its bounds,
    SettingsError where the file cannot be written.
    """
    changed: dict[str, Any] = {}
    for setting in all_settings():
        value = getattr(settings, setting.key)
        if wrong := setting.check(value):
            raise ValueError(wrong)
        if value != setting.default:
            changed[setting.key] = value
    path = settings_path()
    try:
        _replace_file(path, changed)
    except OSError as error:
        raise SettingsError(f"The settings were not saved to {path}: {error.strerror or error}.") from error


def render_reference() -> str:
    """Return docs/settings.md."""
    rows = [_reference_row(setting) for setting in all_settings()]
    return (
        "# Settings\n\n"
        "Longhand keeps its settings in `settings.toml` in the user's configuration folder (`~/.config/longhand` on\n"
        "Linux, `~/Library/Application Support/longhand` on macOS, `%LOCALAPPDATA%\\longhand` on Windows); the\n"
        f"environment variable `{CONFIG_VARIABLE}` names another file. Options of a command come before settings.\n\n"
        "This page is written by `studio.settings.render_reference`; a test holds it up to date.\n\n"
        "| key | type | default | allowed | meaning |\n| --- | --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"
    )


def _describe(key: str, default: Value, text: _Text) -> Setting:
    return Setting(
        key, type(default), default, text.label, text.text, text.minimum, text.maximum, text.choices, text.group
    )


def _reference_row(setting: Setting) -> str:
    allowed = ", ".join(setting.choices) or "any text"
    if setting.type is int:
        allowed = f"{setting.minimum:,} to {setting.maximum:,}"
    kind = "number" if setting.type is int else "text"
    return f"| `{setting.key}` | {kind} | `{_toml_value(setting.default)}` | {allowed} | {setting.text} |"


def _read_table(path: Path) -> tuple[dict[str, Any], str]:
    """Return the file's table, and why it cannot be used (empty if it can). A missing file is an empty table."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")), ""
    except FileNotFoundError:
        return {}, ""
    except OSError as error:
        return {}, f"it cannot be read ({error.strerror or error})"
    except UnicodeDecodeError:
        return {}, "it is not UTF-8 text"
    except tomllib.TOMLDecodeError as error:
        return {}, f"it is not valid TOML ({error})"


def _replace_file(path: Path, changed: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table, problem = _read_table(path)
    if problem:
        os.replace(path, path.with_name(path.name + ".damaged"))
    known = {setting.key for setting in all_settings()}
    kept = {key: value for key, value in table.items() if key not in known}
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(_toml_table({**changed, **kept}))
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _toml_table(table: Mapping[str, Any], prefix: str = "") -> str:
    """Values first, then the tables below, as TOML demands."""
    lines = [
        f"{_toml_key(key)} = {_toml_value(value)}\n" for key, value in table.items() if not isinstance(value, dict)
    ]
    for key, value in table.items():
        if isinstance(value, dict):
            name = prefix + _toml_key(key)
            lines.append(f"\n[{name}]\n{_toml_table(value, name + '.')}")
    return "".join(lines)


def _toml_key(key: str) -> str:
    return key if key.isascii() and key.replace("-", "").replace("_", "").isalnum() else _toml_value(key)


def _toml_value(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            # A JSON string is a TOML string, but for the one control character that JSON leaves alone.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list():
            return "[" + ", ".join(map(_toml_value, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{_toml_key(key)} = {_toml_value(item)}" for key, item in value.items()) + "}"
        case datetime() | date() | time():
            return value.isoformat()
    return str(value)
