# SPDX-License-Identifier: Apache-2.0
"""Briefs as people type them: with and without names, short and long, with and without a length."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resources.starter.phrases import capitalised, with_article
from resources.starter.world import World

if TYPE_CHECKING:
    from resources.starter.document import Document

_DEEDS = {
    "find": ("finds {a_obj}", "discovers {a_obj}", "finds {a_obj} and follows it {to_far}", "comes across {a_obj}",
             "has {a_obj} with a secret", "wants to know the secret of {a_obj}"),
    "lost": ("loses {a_obj}", "looks for {a_obj} that was stolen", "wants {his} {obj} back", "searches for {a_obj}"),
    "deliver": ("must bring {a_obj} {to_far}", "has to deliver {a_obj}", "carries {a_obj} {to_far}",
                "promises to deliver {a_obj}"),
    "build": ("builds {a_big}", "wants to build {a_big}", "decides to build {a_big} for {his} village"),
    "missing": ("looks for {his} missing {kin}", "goes {to_far} to find {his} {kin}", "searches for {his} lost {kin}"),
    "save": ("saves {his} village from a {danger}", "faces a {danger}", "warns everyone of a {danger}"),
    "stranger": ("takes in a stranger", "meets a stranger with a secret", "gives a bed to a stranger"),
    "contest": ("enters the {contest}", "wants to win the {contest}", "takes part in a {contest}"),
}  # fmt: skip
_ABOUT = ("A {kind} about {who} who {deed}{where}.", "{kind} about {who} who {deed}{where}",
          "Write a {kind} about {who} who {deed}{where}.", "A {kind} of {words} words about {who} who {deed}{where}.",
          "A {kind} of {words} words about {who} who {deed}{where}", "{Who} {deed}{where}.", "{Who} {deed}{where}",
          "A {words}-word {kind}: {who} {deed}{where}.", "Tell the {kind} of {who} who {deed}{where}.",
          "I would like a {kind} about {who} who {deed}{where}.")  # fmt: skip
_NAMED = ("A {kind} about {name}, {who}, who {deed}{where}.", "{name} is {who}{where}. One day {he} {deed}.",
          "{name}, {who}, {deed}{where}.", "A {kind} of {words} words about {name}, {who} who {deed}{where}.",
          "{name} {deed}{where}.", "The {kind} of {name}, {who}, who {deed}.",
          "A {kind} about {who} called {name} who {deed}{where}.")  # fmt: skip
_REPORTS = ("A {doctype} of {words} words about the {subject} in {town}.", "A {doctype} on the {subject} in {town}",
            "A {doctype} about the {subject}.", "The {subject} in {town}: how it works and what should be done.",
            "Write a {doctype} about the {subject} in {town} for the {manager}.", "{A_doctype} for a {subject}.",
            "A {doctype} of {words} words on the {subject}, written by {name}, the {manager}.",
            "How to use and look after a {subject}.", "What is wrong with the {subject} in {town}?",
            "A {doctype} about a {subject}")  # fmt: skip


def _where(world: World) -> str:
    rng, values = world.rng, world.values
    if rng.random() < 0.6:
        return ""
    return rng.choice((
        f" in {values['town']}", f" in the {values['towntype']} of {values['town']}", f" in {values['season']}",
        f" in a small {values['towntype']}", f" in {with_article(values['towntype'])}", f" one {values['season']}",
    ))  # fmt: skip


def _who(world: World, named: bool) -> str:
    role = world.values["role"]
    if world.rng.random() < 0.3:
        return with_article(f"{world.values['trait']} {role}")
    return with_article(f"{world.rng.choice(('young', 'old', 'poor'))} {role}") if (
        world.rng.random() < 0.15 and not named and not role.startswith(("young", "old"))
    ) else with_article(role)  # fmt: skip


def _extras(world: World) -> str:
    people, values, rng = world.people, world.values, world.rng
    extras = (
        f" {people['H'].name} has a friend, {people['F'].name}, {with_article(values['frole'])}.",
        f" {people['R'].name}, {with_article(values['rrole'])}, stands in the way.",
        f" {people['E'].name}, an old {values['erole']}, knows more than anyone.",
        f" With {people['A'].name} the {values['animal']}.",
        f" It is set in {values['town']} in {values['season']}.",
    )
    return "".join(rng.sample(extras, rng.choice((1, 1, 2, 3))))


def make_brief(document: Document) -> str:
    """Write a brief for a document; about half of the briefs of stories have no names at all."""
    world = document.world
    rng = world.rng
    words = rng.choice((600, 800, 1000, 1200, 1500, 2000, 2000, 2500, 3000, 4000, 5000, 8000, 10000, 20000, 50000))
    values = {"words": f"{words:,}" if rng.random() < 0.7 else str(words), "name": world.people["H"].name}
    if world.premise == "report":
        pattern = rng.choice(_REPORTS)
        values.update({key: world.values[key] for key in ("subject", "town", "manager", "doctype")})
        return pattern.format(**values, A_doctype=capitalised(with_article(values["doctype"])))
    named = rng.random() < 0.5
    who = _who(world, named)
    kind = rng.choice((document.kind, "story", "story", "tale", "short story"))
    deed = world.text(rng.choice(_DEEDS[world.premise]), {})
    values.update({"kind": kind, "who": who, "Who": capitalised(who), "deed": deed, "where": _where(world)})
    values["he"] = {"f": "she", "m": "he"}[world.people["H"].gender]
    brief = capitalised(rng.choice(_NAMED if named else _ABOUT).format(**values))
    return brief + _extras(world) if named and rng.random() < 0.45 and brief.endswith(".") else brief


def document_title(document: Document) -> str:
    """Choose the title of the whole document."""
    world = document.world
    if world.premise == "report":
        pattern = world.rng.choice(
            ("The {subject} in {town}", "The {subject}: {a_doctype}", "{A_doctype} on the {subject}")
        )
    else:
        patterns = ["{H} and {topic}", "The {role} of {town}", "{topic}", "The {role} and {topic}", "{H}'s journey",
                    "the {season} of {topic}", "the road {to_far}", "{H} of {town}"]  # fmt: skip
        pattern = world.rng.choice(patterns)
    return world.text(pattern, {}, title=True)


def make_notes(world: World) -> str:
    """Write notes of an author about the people of a story."""
    people, values = world.people, world.values
    notes = [
        f"{people['H'].name} is {with_article(values['role'])}.",
        f"{people['F'].name}, {with_article(values['frole'])}, is {people['H'].name}'s friend.",
        f"{people['R'].name} is {with_article(values['rrole'])}.",
        f"{people['E'].name} is an old {values['erole']}.",
        f"{people['A'].name} is {with_article(values['animal'])}.",
        f"The {values['towntype']} is called {values['town']}.",
        f"It is {values['season']}.",
    ]
    return " ".join([notes[0], *world.rng.sample(notes[1:], world.rng.randint(1, 4))])


def make_facts(world: World) -> list[str]:
    """List facts of a story as the memory of the studio keeps them."""
    people, values, rng = world.people, world.values, world.rng
    facts = [
        f"{people['H'].name} is {with_article(values['role'])}",
        f"{people['H'].name} lives in {values['town']}",
        f"{people['F'].name} is {with_article(values['frole'])}",
        f"{people['R'].name} is {with_article(values['rrole'])}",
        f"{people['E'].name} is {with_article(values['erole'])}",
        f"{people['A'].name} is {with_article(values['animal'])}",
        f"it is {values['season']}",
    ]
    return rng.sample(facts, rng.randint(1, 5))
