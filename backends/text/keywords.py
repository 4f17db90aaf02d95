# SPDX-License-Identifier: Apache-2.0
"""The words of a text that carry its meaning, by their stems: for finding by rule whether a text tells something.

English endings and irregular verbs are taken off by rule; of scripts without spaces pairs of characters are compared.
It knows no synonyms, so what it finds is a lower bound.
"""

from __future__ import annotations

import functools
import re

_WORD = re.compile(r"[^\W\d_]+")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")
_CJK_RUN = re.compile(rf"{_CJK.pattern}+")
_ENDINGS = re.compile(r"(?:'s|ing|ed|es|s|ly|er|en|e)\Z")
_Y = re.compile(r"(?<=[^\Waeiou])(?:ies|ied)\Z")
_DOUBLE = re.compile(r"([b-df-hj-np-tv-z])\1\Z")
_SHORTEST = 3
_COMMON = frozenset(
    """the and but for with that this from they them their there then than have has had was were are his her him she
    who what when where which while into onto over under about after before again between because each every other
    some such only very more most not all any both can could will would should may might must does did been being its
    own same too just also how why out off down upon your our you one two three make made makes take took takes taken
    get got gets goes went gone come came comes said says""".split()  # noqa: SIM905
)
# Forms of irregular verbs and nouns, behind the word that they are forms of.
_FORMS = """
bear bore borne born; beat beaten; become became; begin began begun; bend bent; bite bit bitten; bleed bled; blow blew
blown; break broke broken; bring brought; build built; burn burnt; buy bought; catch caught; choose chose chosen;
cling clung; creep crept; deal dealt; dig dug; draw drew drawn; dream dreamt; drink drank drunk; drive drove driven;
eat ate eaten; fall fell fallen; feed fed; feel felt; fight fought; find found; flee fled; fly flew flown; forget
forgot forgotten; forgive forgave forgiven; freeze froze frozen; give gave given; grind ground; grow grew grown; hang
hung; hear heard; hide hid hidden; hold held; keep kept; kneel knelt; know knew known; lay laid; lead led; lean leant;
leap leapt; learn learnt; leave left; lend lent; lie lain; light lit; lose lost; mean meant; meet met; pay paid; ride
rode ridden; ring rang rung; rise rose risen; run ran; see saw seen; seek sought; sell sold; send sent; sew sewn;
shake shook shaken; shine shone; shoot shot; show shown; shrink shrank shrunk; sing sang sung; sink sank sunk; sit
sat; sleep slept; slide slid; speak spoke spoken; speed sped; spend spent; spin spun; spoil spoilt; stand stood; steal
stole stolen; stick stuck; sting stung; strike struck; swear swore sworn; sweep swept; swim swam swum; swing swung;
teach taught; tear tore torn; tell told; think thought; throw threw thrown; understand understood; wake woke woken;
wear wore worn; weave wove woven; weep wept; win won; wind wound; write wrote written; child children; foot feet;
goose geese; knife knives; life lives; loaf loaves; man men; mouse mice; shelf shelves; tooth teeth; wife wives; wolf
wolves; woman women
"""
_PAST = {group.split()[0]: group.split()[1] for group in _FORMS.split(";")} | {"beat": "beat", "lie": "lay"}
_IRREGULAR_PAST = {"is": "was", "are": "were", "has": "had", "does": "did", "goes": "went"}
_SIBILANT = re.compile(r"(?:ss|sh|ch|x|zz|o)es\Z")
_BASE = {form: group.split()[0] for group in _FORMS.split(";") for form in group.split()[1:]}


def spaced_pairs(text: str) -> str:
    """Return ``text`` with the runs of scripts without spaces as their pairs of characters, so that words can be found
    in it by spaces; other text stays as it is."""
    return _CJK_RUN.sub(lambda run: f" {' '.join(letter_pairs(run[0]))} ", text)


def letter_pairs(text: str) -> tuple[str, ...]:
    """Return the pairs of characters in ``text`` of scripts without spaces, each once, in order; a lone one alone."""
    runs = (run for run in _CJK_RUN.findall(text.lower()))
    pairs = (run[start : start + 2] for run in runs for start in range(max(1, len(run) - 1)))
    return tuple(dict.fromkeys(pairs))


@functools.lru_cache(maxsize=4096)
def content_words(text: str) -> frozenset[str]:
    """Return the stems of the words of ``text`` that carry meaning; of scripts without spaces pairs of characters."""
    stems: set[str] = set()
    for word in _WORD.findall(text.lower()):
        if _CJK.search(word):
            stems.update(word[start : start + 2] for start in range(max(1, len(word) - 1)))
        elif len(word) >= _SHORTEST and word not in _COMMON:
            stems.add(stem_of(word))
    return frozenset(stems)


def stem_of(word: str) -> str:
    """Return a lower-case word without its ending, at least three letters of it, as all its forms have it."""
    word = _Y.sub("y", _BASE.get(word, word))
    stem = _ENDINGS.sub("", word)
    stem = stem if len(stem) >= _SHORTEST else word
    single = _DOUBLE.sub(r"\1", stem)
    return single if len(single) >= _SHORTEST else stem


def is_other_form(word: str) -> bool:
    """Whether a lower-case English word is a form of another one by no rule ("broke", "geese")."""
    return word in _BASE


def past_of(verb: str) -> str:
    """Return the past tense of an English verb in the third person of the present ("sees", "slows"), by rule."""
    if verb in _IRREGULAR_PAST:
        return _IRREGULAR_PAST[verb]
    if verb.endswith("ies"):
        return f"{verb[:-3]}ied"
    base = verb[:-2] if _SIBILANT.search(verb) else verb[:-1]
    if base in _PAST:
        return _PAST[base]
    return base + ("d" if base.endswith("e") else "ed")


def told(point: str, text: str) -> float:
    """Return which part of the content words of ``point`` is in ``text``: 0 to 1; 1 for a point without any."""
    wanted = content_words(point)
    return len(wanted & content_words(text)) / len(wanted) if wanted else 1.0
