# SPDX-License-Identifier: Apache-2.0
"""Lists of row ids in a few bytes: what a text consists of.

Neighbouring paragraphs were mostly stored one after the other, so a list is kept as runs of consecutive ids, each as
two variable-length integers (LEB128; the step from the end of the run before in zigzag form, as Protocol Buffers
write signed numbers, and the length). A section of 10,000 paragraphs in one piece takes 5 bytes, and each place where
it was changed adds about 6.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


def pack(ids: Sequence[int]) -> bytes:
    """Return the list in its stored form."""
    packed = bytearray()
    end = 0
    for first, count in _runs(ids):
        _put(packed, _zigzag(first - end))
        _put(packed, count)
        end = first + count
    return bytes(packed)


def unpack(packed: bytes) -> list[int]:
    """Return the ids of a stored list. Raises ``ValueError`` for bytes that are none."""
    numbers = _numbers(packed)
    if len(numbers) % 2:
        raise ValueError("not a list of ids: it ends too early")
    ids: list[int] = []
    end = 0
    for step, count in zip(numbers[::2], numbers[1::2], strict=True):
        # Zigzag: even numbers are steps forward, odd ones back.
        first = end + (step >> 1 if step & 1 == 0 else -(step >> 1) - 1)
        end = first + count
        if not 1 <= count <= _MOST or first < 1 or len(ids) + count > _MOST:
            raise ValueError("not a list of ids")
        ids.extend(range(first, end))
    return ids


# Far more paragraphs than any text has; damage must not fill the memory.
_MOST = 1_000_000


def _runs(ids: Iterable[int]) -> Iterator[tuple[int, int]]:
    first = count = 0
    for each in ids:
        if count and each == first + count:
            count += 1
            continue
        if count:
            yield first, count
        first, count = each, 1
    if count:
        yield first, count


def _put(packed: bytearray, number: int) -> None:
    while number >= 0x80:
        packed.append(number & 0x7F | 0x80)
        number >>= 7
    packed.append(number)


def _numbers(packed: bytes) -> list[int]:
    numbers: list[int] = []
    number = shift = 0
    for byte in packed:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number)
            number = shift = 0
    if shift:
        raise ValueError("not a list of ids: it ends too early")
    return numbers


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1
