# SPDX-License-Identifier: Apache-2.0
"""Documents of the generator: a plan, its points, the passages and the summaries, which agree by construction."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import pairwise

from resources.starter.briefs import document_title, make_brief
from resources.starter.phrases import Event, load_events, load_fillers, word_lists
from resources.starter.world import World, report_world, story_world

STORIES = ("story_opening", "story_middle", "story_actions", "story_demands", "story_ending")
REPORTS, FILLERS = ("report",), ("story_fillers",)
# What a wide training has besides: ten times the text, for many hours or a graphics card.
MORE_STORIES = ("story_beginnings", "story_roads", "story_discoveries", "story_deeds", "story_decisions")
MORE_REPORTS, MORE_FILLERS = ("report_themes", "report_instructions"), ("story_moments",)
_MIDDLE = ("plan", "way", "trouble", "find", "help", "turn")
_OPEN_EVENT_SHARE = 0.35
_MIN_POINTS, _MAX_POINTS = 2, 4


@dataclass(slots=True)
class Scene:
    """One event as it happens in a document."""

    event: Event
    bound: dict[str, str]
    point: str
    title: str
    summary: str
    passage: str = ""
    is_point: bool = True


@dataclass(slots=True)
class Section:
    """A section of the plan: its title and scenes; ``parts`` groups the scenes into requests."""

    title: str
    scenes: list[Scene]
    parts: list[list[Scene]] = field(default_factory=list)

    @property
    def points(self) -> list[str]:
        """The points, in order; some scenes are told without being a point, as the room in a section asks for it."""
        return [scene.point for scene in self.scenes if scene.is_point]

    def summary(self) -> str:
        """One or two sentences: what the first and the last scene changed."""
        chosen = (self.scenes[0], self.scenes[-1]) if len(self.scenes) > 1 else (self.scenes[0],)
        return " ".join(scene.summary for scene in chosen)


@dataclass(slots=True)
class Document:
    """A whole generated document."""

    kind: str
    world: World
    title: str
    brief: str
    sections: list[Section]


def _realise(world: World, event: Event, titles: set[str]) -> Scene:
    """Bind an event: draw what it needs, then its point, a title that is not used yet, and its summary."""
    rng = world.rng
    bound: dict[str, str] = {}
    if event.verbs:
        bound["verbs"], bound["verbed"] = rng.choice(event.verbs)
    point = world.text(rng.choice(event.points), bound)
    for _ in range(12):
        title = world.text(rng.choice(event.titles), bound, title=True)
        if title not in titles:
            break
    titles.add(title)
    return Scene(event, bound, point, title, world.text(rng.choice(event.summaries), bound))


class _Writer:
    """Writes the passages of one document; remembers what was said, so that nothing is said twice."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.present: set[str] = {"obj"} if world.premise in ("find", "lost", "deliver") else set()
        self.fillers = (
            [] if world.premise == "report" else list(load_fillers(*FILLERS, *(MORE_FILLERS if world.wide else ())))
        )
        self.said: set[str] = set()
        world.rng.shuffle(self.fillers)

    def scene(self, scene: Scene, fullness: float) -> str:
        """Write the paragraphs of a scene; ``fullness`` 0-1 is the share of the extra lines and fillers."""
        rng = self.world.rng
        lines = [text for core, text in scene.event.lines if core or rng.random() < fullness]
        sentences = [self.world.text(line, scene.bound) for line in lines if line not in self.said]
        self.said.update(lines)
        self.present |= scene.event.gives
        paragraphs = self._paragraphs(sentences)
        while self.fillers and rng.random() < fullness * 0.6:
            filler = self._filler(scene.bound)
            if filler:
                paragraphs.insert(rng.randint(1, len(paragraphs)), filler)
        scene.passage = "\n\n".join(paragraphs)
        return scene.passage

    def _filler(self, bound: dict[str, str]) -> str:
        for index, (needs, text) in enumerate(self.fillers):
            if not needs or needs in self.present:
                del self.fillers[index]
                return self.world.text(text, bound)
        self.fillers.clear()
        return ""

    def _paragraphs(self, sentences: list[str]) -> list[str]:
        rng = self.world.rng
        paragraphs: list[list[str]] = []
        for sentence in sentences:
            spoken = sentence.startswith('"')
            if not paragraphs or len(paragraphs[-1]) >= rng.choice((3, 4, 5)) or (spoken and rng.random() < 0.5):
                paragraphs.append([])
            paragraphs[-1].append(sentence)
        return [" ".join(paragraph) for paragraph in paragraphs]


def _pick(world: World, pool: list[Event], present: set[str], used: set[str]) -> Event | None:
    fitting = [
        event
        for event in pool
        if event.name not in used and (not event.premises or world.premise in event.premises) and event.needs <= present
    ]
    return world.rng.choice(fitting) if fitting else None


def _story_phases(rng: random.Random, count: int) -> list[str]:
    """Return the phase of each scene of a story with ``count`` scenes."""
    if count <= 3:
        return ["start", "any", "peak"][:count] if rng.random() < 0.5 else ["start", "find", "peak"][:count]
    opening = ["open"] * rng.choice((0, 1, 1, 2) if count > 5 else (0, 1)) + ["start"]
    ending = ["peak"] + ["home"] * rng.choice((1, 2) if count > 6 else (0, 1))
    middle_count = count - len(opening) - len(ending)
    middle = sorted(rng.choices(_MIDDLE, k=middle_count), key=_MIDDLE.index)
    return [*opening, *("any" if rng.random() < _OPEN_EVENT_SHARE else phase for phase in middle), *ending]


def story_scenes(world: World, count: int) -> list[Scene]:
    """Choose and bind the events of a story; an event happens once as long as there are others."""
    events = load_events(*STORIES, *(MORE_STORIES if world.wide else ()))
    by_phase: dict[str, list[Event]] = {}
    for event in events:
        by_phase.setdefault(event.phase, []).append(event)
    scenes, used, present, titles = [], set(), set(), set()
    for phase in _story_phases(world.rng, count):
        event = _pick(world, by_phase[phase], present, used)
        event = event or _pick(world, by_phase["any"], present, used)
        event = event or _pick(world, [item for name in _MIDDLE for item in by_phase[name]], present, used)
        event = event or world.rng.choice(by_phase["any"])
        used.add(event.name)
        present |= event.gives
        scenes.append(_realise(world, event, titles))
    return scenes


def earlier_scenes(document: Document, count: int) -> list[Scene]:
    """Make and write so many scenes that might have come before a document: other events of the same world."""
    world = document.world
    told = {scene.event.name for section in document.sections for scene in section.scenes}
    drawn = (report_scenes if world.premise == "report" else story_scenes)(world, count + 3)
    scenes = [scene for scene in drawn if scene.event.name not in told][:count]
    writer = _Writer(world)
    for scene in scenes:
        writer.scene(scene, 0.3)
    return scenes


def report_scenes(world: World, count: int) -> list[Scene]:
    """Choose and bind the themes of a report: purpose and background, findings or instructions, what to do."""
    by_phase: dict[str, list[Event]] = {}
    for event in load_events(*REPORTS, *(MORE_REPORTS if world.wide else ())):
        by_phase.setdefault(event.phase, []).append(event)
    rng = world.rng
    head = min(count, rng.randint(1, 2 if count < 6 else 4))
    tail = min(count - head, rng.randint(0, 1) if count < 6 else rng.randint(1, 4))
    phases = ["head"] * head + ["body"] * (count - head - tail) + ["tail"] * tail
    scenes, used, titles = [], set(), set()
    for phase in phases:
        event = _pick(world, by_phase[phase], set(), used)
        event = event or _pick(world, by_phase["body"], set(), used) or rng.choice(by_phase["body"])
        used.add(event.name)
        scenes.append(_realise(world, event, titles))
    return scenes


def _group(scenes: list[Scene], sizes: list[int], rng: random.Random) -> list[Section]:
    sections, start = [], 0
    for size in sizes:
        group = scenes[start : start + size]
        sections.append(Section(rng.choice(group).title, group))
        start += size
    return sections


def _split_parts(section: Section, rng: random.Random) -> None:
    """Group the scenes of a section into requests of about one to three scenes; each begins with a point.

    Two to four scenes are points, the others are told without being asked for, as the length asks for it.
    """
    scenes = section.scenes
    count = rng.randint(max(1, len(scenes) // 3), max(1, (len(scenes) + 1) // 2))
    cuts = [round(index * len(scenes) / count) for index in range(count + 1)]
    section.parts = [scenes[start:end] for start, end in pairwise(cuts)]
    for scene in scenes:
        scene.is_point = any(scene is part[0] for part in section.parts) or rng.random() < 0.5
    while sum(scene.is_point for scene in scenes) > _MAX_POINTS:
        rng.choice([scene for scene in scenes if all(scene is not part[0] for part in section.parts)]).is_point = False
    while sum(scene.is_point for scene in scenes) < min(_MIN_POINTS, len(scenes)):
        rng.choice(scenes).is_point = True


def plan_document(
    rng: random.Random, sections: int, story: bool, held_out: bool = False, wide: bool = False
) -> Document:
    """Draw a world and a plan with the given number of sections; no passages yet."""
    world = story_world(rng, held_out) if story else report_world(rng, held_out)
    world.wide = wide
    low, high = (2, 3) if sections > 5 else (2, 5)
    sizes = [rng.randint(low, high) for _ in range(sections)]
    scenes = (story_scenes if story else report_scenes)(world, sum(sizes))
    kind = rng.choice(word_lists("words")["storykind" if story else "reportkind"])
    document = Document(kind, world, "", "", _group(scenes, sizes, rng))
    for section in document.sections:
        _split_parts(section, rng)
    document.title = document_title(document)
    document.brief = make_brief(document)
    return document


def write_document(document: Document) -> None:
    """Write the passages of all scenes, in order, and group them into parts."""
    writer = _Writer(document.world)
    rng = document.world.rng
    for section in document.sections:
        for part in section.parts:
            fullness = rng.random() ** 0.5
            for scene in part:
                writer.scene(scene, fullness)
