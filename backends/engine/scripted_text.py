# SPDX-License-Identifier: Apache-2.0
"""The plain English that scripted engines write: a small grammar of sentences, walked token by token.

The state after each token is small and immutable, so a sequence can be rewound and forked like one with a KV cache,
and what comes next depends only on the prompt and on the text so far, whatever the sampler made of it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

NOUNS = """harbour lantern ladder garden window letter river bridge kitchen engine mountain orchard market cellar ferry
chapel meadow compass blanket kettle captain farmer teacher painter sailor baker doctor widow stranger neighbour clerk
gate barrel mirror carpet hammer bottle basket candle thread pocket shadow thunder valley island tunnel station cottage
harvest winter secret journey promise question answer story mistake accident evening morning silence""".split()  # noqa: SIM905
ADJECTIVES = """old narrow bright heavy quiet broken golden distant careful hungry wooden gentle bitter hollow crooked
faded sudden patient clumsy honest dusty frozen velvet purple modest stubborn familiar foreign empty crowded""".split()  # noqa: SIM905
VERBS = """watched carried followed repaired forgot remembered opened crossed noticed painted counted ignored admired
borrowed questioned visited missed studied feared wanted found left passed measured hid mentioned described trusted
examined avoided""".split()  # noqa: SIM905
ADVERBS = """slowly quietly carefully suddenly gladly rarely often finally nearly secretly calmly bravely badly politely
eagerly""".split()  # noqa: SIM905
NAMES = """Anna Peter Maria Thomas Clara Henry Ruth Oscar Ella Victor Nora Simon Alice Martin Greta Felix""".split()  # noqa: SIM905
PLACES = ["near", "behind", "beside", "above", "under", "beyond", "across", "outside", "inside", "before"]
LINKS = ["while", "because", "although", "until", "since", "whenever"]
CLASSES = {"N": NOUNS, "A": ADJECTIVES, "V": VERBS, "D": ADVERBS, "W": NAMES, "P": PLACES, "C": LINKS}

TEMPLATES = [
    template.split()
    for template in (
        "The A N V the N P the A N",
        "W D V the A N C the N V a N",
        "A N V W P the N and the A N",
        "Nobody V the N C W V every A N",
        "D the N V a A N P the N",
        "P the A N W V the N and D V the N",
        "Every N V some A N C the N D V W",
        "Later W V a N with the A N",
        "Some N D V the N of the A N",
        "Perhaps the A N V W C the N V the A N P a N",
        "Then W and W V the A N",
        "Two A N V the N P the N of W",
        "Once the N V W and the A N D V the N",
        "Neither N V W C every N V the A N",
        "With a A N W V the N P the N",
        "Only the N of W D V the A N",
        "Yesterday W V a A N and D V the N",
        "There the N V the N C the A N D V the A N",
    )
]
SENTENCE = -1


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text is: counts so far, and the slot of the sentence template that comes next."""

    length: int = 0
    words: int = 0
    sentences: int = 0
    in_paragraph: int = 0
    template: int = 0
    slot: int = SENTENCE
    sentence_start: int = 0
    json: bool = False
    in_string: bool = False
    string_words: int = 0
    loop_period: int = 0
    next_loop: int = 0

    @property
    def at_sentence_start(self) -> bool:
        """Whether the next word begins a sentence."""
        return self.slot == SENTENCE


def mix(*numbers: int) -> int:
    """Return a well spread number below 2**32 that depends on all arguments."""
    value = 0
    for number in numbers:
        value = zlib.crc32(number.to_bytes(8, "little", signed=True), value)
    return value


def follow(place: Place, piece: str, chance: int) -> Place:
    """Return the place after a piece of text. ``chance`` decides between sentence templates."""
    if place.json or (not place.length and piece.startswith("{")):
        return _follow_json(place, piece)
    counts = (place.length + 1, place.words, place.sentences, place.in_paragraph)
    if "\n" in piece:
        return _moved(place, place.length + 1, place.words, place.sentences, 0, SENTENCE)
    if piece.rstrip('"”').endswith((".", "!", "?")):
        return _moved(place, counts[0], place.words, place.sentences + 1, place.in_paragraph + 1, SENTENCE)
    if not piece.strip() or not piece.strip()[0].isalnum():
        return _moved(place, *counts, place.slot)
    words = place.words + 1
    if place.slot == SENTENCE:
        template = _template(piece.strip(), chance)
        return _moved(place, counts[0], words, counts[2], counts[3], 1, template, place.length)
    return _moved(place, counts[0], words, counts[2], counts[3], place.slot + 1)


def _moved(
    place: Place,
    length: int,
    words: int,
    sentences: int,
    in_paragraph: int,
    slot: int,
    template: int | None = None,
    start: int | None = None,
) -> Place:
    return Place(
        length,
        words,
        sentences,
        in_paragraph,
        place.template if template is None else template,
        slot,
        place.sentence_start if start is None else start,
        loop_period=place.loop_period,
        next_loop=place.next_loop,
    )


def _follow_json(place: Place, piece: str) -> Place:
    inside, words = place.in_string, place.string_words
    if piece.strip()[:1].isalnum():
        words += 1
    for _ in range(piece.count('"')):
        inside, words = not inside, 0
    return Place(place.length + 1, json=True, in_string=inside, string_words=words)


def first_words() -> list[str]:
    """Return the words that may begin a sentence, as written there."""
    words: dict[str, None] = {}
    for template in TEMPLATES:
        for word in CLASSES.get(template[0], [template[0]]):
            words[word.capitalize()] = None
    return list(words)


def _template(word: str, chance: int) -> int:
    fitting = [
        number
        for number, template in enumerate(TEMPLATES)
        if word == template[0] or (template[0] in CLASSES and word.lower() in _lowered(template[0]))
    ]
    choices = fitting or range(len(TEMPLATES))
    return choices[chance % len(choices)]


def _lowered(kind: str) -> list[str]:
    return [word.lower() for word in CLASSES[kind]]


def slot_words(place: Place, clauses: int) -> list[str] | None:
    """Return the words that fit the next slot, or None where the sentence is complete after ``clauses`` clauses."""
    template = TEMPLATES[place.template]
    clause, slot = divmod(place.slot, len(template) + 1)
    if slot == len(template):
        return None if clause + 1 >= clauses else LINKS
    return [word if word in NAMES else word.lower() for word in CLASSES.get(template[slot], [template[slot]])]
