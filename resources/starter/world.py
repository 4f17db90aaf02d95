# SPDX-License-Identifier: Apache-2.0
"""A small world behind one document: people, places, things, and the words that stand for them in the event texts."""

from __future__ import annotations

import random
import re
import zlib
from dataclasses import dataclass, field

from resources.starter.phrases import capitalised, choose_alternatives, pairs, title_case, with_article, word_lists

PREMISES = ("find", "find", "find", "lost", "deliver", "build", "missing", "save", "stranger", "contest")
_HELD_OUT_SHARE = 8
_SLOT = re.compile(r"\{(\w+)\}")
_PRONOUNS = {
    "f": {"he": "she", "him": "her", "his": "her", "himself": "herself"},
    "m": {"he": "he", "him": "him", "his": "his", "himself": "himself"},
    "n": {"he": "it", "him": "it", "his": "its", "himself": "itself"},
}
_ADJECTIVE_SHARE = 0.5


def is_held_out(name: str) -> bool:
    """Tell if a name is kept for the evaluation: no training example contains it."""
    return zlib.crc32(name.encode()) % _HELD_OUT_SHARE == 0


def _syllable_name(gender: str, rng: random.Random) -> str:
    lists = word_lists("names")
    middle = rng.choice(lists["middle"]) if rng.random() < 0.45 else ""
    return rng.choice(lists["start"]) + middle + rng.choice(lists[f"end{gender}"])


def draw_name(gender: str, rng: random.Random, held_out: bool) -> str:
    """Draw a first name, 45 % from the lists, from the training names or from the held-out ones."""
    lists = word_lists("names")
    while True:
        listed = rng.random() < 0.45
        name = rng.choice(lists["female" if gender == "f" else "male"]) if listed else _syllable_name(gender, rng)
        if is_held_out(name) == held_out and len(name) < 11:
            return f"{name} {rng.choice(lists['surname'])}" if rng.random() < 0.04 else name


def draw_town(rng: random.Random) -> str:
    """Draw the name of a town."""
    lists = word_lists("names")
    return rng.choice(lists["townstart"]) + rng.choice(lists["townend"])


def draw_role(rng: random.Random, elder: bool = False) -> str:
    """Draw a calling; an ``elder`` is never a child."""
    lists = word_lists("words")
    while True:
        role = rng.choice(lists["role"])
        if not (elder and role in lists["notelder"]):
            return role


@dataclass(slots=True)
class Person:
    """Somebody with a name, a grammatical gender (f, m, n for animals) and a calling."""

    name: str
    gender: str
    role: str


def draw_person(rng: random.Random, held_out: bool, taken: set[str], elder: bool = False) -> Person:
    """Draw a person whose first name does not begin like a name already taken."""
    role = draw_role(rng, elder)
    gender = pairs("rolegender").get(role) or rng.choice("fm")
    while True:
        name = draw_name(gender, rng, held_out)
        if all(name[:3] != other[:3] for other in taken):
            taken.add(name)
            return Person(name, gender, role)


def draw_place(rng: random.Random, name: str = "place") -> tuple[str, str]:
    """Draw a place from a list, as (noun phrase with its article, preposition)."""
    place, _, preposition = rng.choice(word_lists("words")[name]).partition("|")
    return place, preposition


def noun_phrase(rng: random.Random, noun_list: str, adjective_list: str) -> str:
    """Draw a noun, half of the time with an adjective before it."""
    lists = word_lists("words")
    noun = rng.choice(lists[noun_list])
    if rng.random() < _ADJECTIVE_SHARE and " " not in noun:
        adjective = rng.choice(lists[adjective_list])
        return f"{adjective} {noun}"
    return noun


@dataclass(slots=True)
class World:
    """Everything about one document that stays the same from section to section; ``wide`` draws on all texts."""

    rng: random.Random
    premise: str
    held_out: bool
    wide: bool = False
    people: dict[str, Person] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def text(self, pattern: str, bound: dict[str, str], title: bool = False) -> str:
        """Fill a pattern. ``bound`` keeps what is drawn for one event, so that point, text and summary agree."""
        chosen = choose_alternatives(pattern, self.rng)
        filled = _SLOT.sub(lambda match: self._value(match[1], bound), chosen)
        return title_case(filled) if title else filled

    def _value(self, slot: str, bound: dict[str, str]) -> str:
        key = slot[0].lower() + slot[1:]
        if len(slot) == 1:
            return self._person(slot, bound).name
        value = self._lookup(key, bound)
        return capitalised(value) if slot[0].isupper() else value

    def _lookup(self, key: str, bound: dict[str, str]) -> str:
        prefix, _, rest = key.partition("_")
        if key in _PRONOUNS["m"]:
            return _PRONOUNS[self.people["H"].gender][key]
        if rest in _PRONOUNS["m"]:
            return _PRONOUNS[self._person(prefix.upper(), bound).gender][rest]
        if prefix == "a" and rest:
            return with_article(self._lookup(rest[0].lower() + rest[1:], bound))
        if prefix == "the" and rest:
            return f"the {self._lookup(rest, bound)}"
        if prefix in ("at", "to") and rest in ("place", "far", "home"):
            return self._whereabouts(prefix, rest, bound)
        if key in self.values:
            return self.values[key]
        if key not in bound:
            self._bind(key, bound)
        return bound[key]

    def _whereabouts(self, preposition: str, key: str, bound: dict[str, str]) -> str:
        place = self._lookup(key, bound)
        source = bound if f"{key}.at" in bound else self.values
        return f"{source[f'{key}.at'] if preposition == 'at' else 'to'} {place}"

    def _person(self, letter: str, bound: dict[str, str]) -> Person:
        if letter not in self.people:
            if "X" not in bound:
                person = draw_person(self.rng, self.held_out, self.names)
                bound.update({"X": person.name, "X.gender": person.gender, "role2": person.role})
            return Person(bound["X"], bound["X.gender"], bound["role2"])
        return self.people[letter]

    def _bind(self, key: str, bound: dict[str, str]) -> None:
        base = key.rstrip("0123456789")
        drawers = {
            "place": self._bind_place,
            "thing": lambda k, b: b.update({k: noun_phrase(self.rng, "thing", "thingadj")}),
            "obj": lambda k, b: b.update({k: noun_phrase(self.rng, "obj", "adj")}),
            "big": lambda k, b: b.update({k: noun_phrase(self.rng, "big", "bigadj")}),
            "quantity": self._bind_quantity,
            "unit": self._bind_quantity,
            "low": self._bind_numbers,
            "high": self._bind_numbers,
            "town": lambda k, b: b.update({k: draw_town(self.rng)}),
            "role": lambda k, b: self._person("X", b),
        }
        if base in drawers:
            drawers[base](key, bound)
        else:
            entries = word_lists("words")[base]
            bound[key] = self.rng.choice([entry for entry in entries if entry not in bound.values()] or entries)

    def _bind_place(self, key: str, bound: dict[str, str]) -> None:
        avoided = {self.values.get("far"), self.values.get("home")}
        while (drawn := draw_place(self.rng))[0] in avoided:
            pass
        bound[key], bound[f"{key}.at"] = drawn

    def _bind_quantity(self, _: str, bound: dict[str, str]) -> None:
        bound["quantity"], bound["unit"] = self.rng.choice(sorted(pairs("quantity").items()))

    def _bind_numbers(self, _: str, bound: dict[str, str]) -> None:
        low = self.rng.choice((1, 10)) * self.rng.randint(9, 60)
        bound["low"] = str(low)
        bound["high"] = str(low + max(2, low * self.rng.randint(10, 80) // 100))


def _topic(world: World) -> str:
    values, people = world.values, world.people
    return {
        "build": f"the {values['big']}",
        "missing": people["M"].name,
        "stranger": people["M"].name,
        "save": f"the {values['danger']}",
        "contest": f"the {values['contest']}",
    }.get(world.premise, f"the {values['obj']}")


def story_world(rng: random.Random, held_out: bool = False) -> World:
    """Draw a world for a story: hero, friend, elder, rival, missing person or stranger, animal, places, things."""
    world = World(rng, rng.choice(PREMISES), held_out)
    for letter in "HFERM":
        world.people[letter] = draw_person(rng, held_out, world.names, elder=letter == "E")
    animal = rng.choice(word_lists("words")["animal"])
    world.people["A"] = Person(draw_name(rng.choice("fm"), rng, held_out).split()[0], "n", animal)
    lists, values = word_lists("words"), world.values
    role = world.people["H"].role
    home, _, preposition = pairs("home").get(role, "").partition("|")
    values["home"], values["home.at"] = (home, preposition) if home else draw_place(rng, "homes")
    while True:
        values["far"], values["far.at"] = draw_place(rng)
        if values["far"] != values["home"]:
            break
    values.update({"role": role, "frole": world.people["F"].role, "erole": world.people["E"].role})
    values.update({"rrole": world.people["R"].role, "animal": animal, "town": draw_town(rng)})
    values["trait"], values["f_trait"] = rng.sample(lists["trait"], 2)
    values["obj"] = noun_phrase(rng, "obj" if rng.random() < 0.8 else "thing", "adj")
    values["big"] = noun_phrase(rng, "big", "bigadj")
    for key in ("danger", "contest", "season", "kin", "towntype"):
        values[key] = rng.choice(lists[key])
    values["topic"] = _topic(world)
    return world


def report_world(rng: random.Random, held_out: bool = False) -> World:
    """Draw a world for a report or a manual: a subject in a town, and the person who is responsible for it."""
    world = World(rng, "report", held_out)
    world.people["H"] = draw_person(rng, held_out, world.names, elder=True)
    lists = word_lists("words")
    for key in ("subject", "manager", "doctype"):
        world.values[key] = rng.choice(lists[key])
    world.values["town"] = draw_town(rng)
    return world
