# SPDX-License-Identifier: Apache-2.0
"""Frozen dataclasses as JSON values and back, for an explicit list of classes and nothing else.

The decoder is compiled once for each class from its field types. It accepts exactly what the encoder makes: every
field present, none unknown, each of its declared type.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import math
import types
import typing
from collections.abc import Callable
from typing import Any

from backends import messages
from backends import types as model_types
from backends.errors import ProtocolError

_CLASSES: frozenset[type] = frozenset(
    {
        model_types.Message,
        model_types.Prompt,
        model_types.SamplingParams,
        model_types.LengthTarget,
        model_types.RepetitionPolicy,
        model_types.Constraint,
        model_types.GenerationRequest,
        model_types.Capabilities,
        model_types.ModelSettings,
        messages.Hello,
        messages.Open,
        messages.Opened,
        messages.Submit,
        messages.Cancel,
        messages.CountTokens,
        messages.CountPrompt,
        messages.Counted,
        messages.Embed,
        messages.Embedded,
        messages.Stored,
        messages.Forget,
        messages.Failed,
        messages.Ping,
        messages.Heartbeat,
        messages.Close,
    }
)
_ENUMS: frozenset[type] = frozenset(
    {
        model_types.Role,
        model_types.LengthUnit,
        model_types.LengthBound,
        model_types.CountingProfile,
        model_types.CacheType,
        messages.Subject,
    }
)
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1

Decoder = Callable[[Any], Any]


def to_json(value: Any) -> Any:
    """Return a value of plain dicts, lists, strings and numbers. Raises ProtocolError for a class not listed."""
    kind = type(value)
    if kind in _CLASSES:
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if kind in _ENUMS:
        return value.value
    if kind is tuple:
        return [to_json(item) for item in value]
    if value is None or kind in (str, int, float, bool):
        return value
    raise ProtocolError(f"A {kind.__name__} cannot be sent to the engine.")


def from_json(kind: type, value: Any) -> Any:
    """Return the ``kind`` that ``value`` describes. Raises ProtocolError where it does not describe one."""
    return _decoder(kind)(value)


@functools.cache
def _decoder(kind: Any) -> Decoder:
    if kind in _CLASSES:
        return _object_decoder(kind)
    if kind in _ENUMS:
        return functools.partial(_enum_value, kind)
    if kind in _PLAIN:
        return _PLAIN[kind]
    arguments = typing.get_args(kind)
    if typing.get_origin(kind) is tuple:
        return functools.partial(_items, _decoder(arguments[0]))
    if typing.get_origin(kind) in (types.UnionType, typing.Union) and arguments[1:] == (types.NoneType,):
        return functools.partial(_optional, _decoder(arguments[0]))
    raise ProtocolError(f"{kind} has no form on the wire.")


def _object_decoder(kind: type) -> Decoder:
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    expected = frozenset(names)
    decoders: list[tuple[str, Decoder]] = []

    def decode(value: Any) -> Any:
        if not isinstance(value, dict) or value.keys() != expected:
            raise ProtocolError(f"A {kind.__name__} with other fields than {sorted(expected)}.")
        if not decoders:
            # Filled at the first use: a class may mention itself or one listed later.
            decoders.extend((name, _decoder(hints[name])) for name in names)
        return kind(**{name: decoder(value[name]) for name, decoder in decoders})

    return decode


def _enum_value(kind: type[enum.Enum], value: Any) -> Any:
    try:
        return kind(value)
    except ValueError as error:
        raise ProtocolError(f"{value!r:.60} is no {kind.__name__}.") from error


def _items(decoder: Decoder, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ProtocolError("A list was expected.")
    return tuple(decoder(item) for item in value)


def _optional(decoder: Decoder, value: Any) -> Any:
    return None if value is None else decoder(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ProtocolError("A text was expected.")
    try:
        # JSON can smuggle half characters in by escapes; no later code could print or store them.
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ProtocolError("A text that is not Unicode.") from error
    return value


def _whole_number(value: Any) -> int:
    if type(value) is not int or not _SMALLEST <= value <= _LARGEST:
        raise ProtocolError("A whole number of at most 64 bits was expected.")
    return value


def _number(value: Any) -> float:
    if type(value) is int:
        return float(_whole_number(value))
    if type(value) is not float or not math.isfinite(value):
        raise ProtocolError("A finite number was expected.")
    return value


def _truth(value: Any) -> bool:
    if type(value) is not bool:
        raise ProtocolError("True or false was expected.")
    return value


_PLAIN: dict[Any, Decoder] = {str: _text, int: _whole_number, float: _number, bool: _truth}
