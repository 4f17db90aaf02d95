# SPDX-License-Identifier: Apache-2.0
"""One take: from the logits of its last token to the next token, its text, and what the controls make of it.

The tokens of prompt and answer are one list; what the cache lacks of it is what has to be decoded next. So taking
text back is cutting the list and the cache: the last token that stays is decoded again for its logits, and a model
that cannot be cut back simply lacks everything.

A token goes through three calls. ``choose`` samples it. ``judge`` makes text of it and asks the controls; it touches
neither engine nor samplers, so that it can run while the engine decodes that very token. ``resolve`` acts on what the
controls decided, which is rare: it takes text back or ends the take.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from backends.engine.bans import Ban, BanRules, BanWatch
from backends.engine.base import Engine, Sampler
from backends.engine.detours import FROM as DETOURS_FROM
from backends.engine.detours import Detours
from backends.engine.document_memory import KnownText
from backends.engine.echoes import Echoes
from backends.engine.length import LengthController, Phase
from backends.engine.repetition import Loop, RepetitionGuard
from backends.engine.retelling import LATE, Retelling
from backends.engine.retries import Retries
from backends.engine.shown_text import ShownText
from backends.engine.speech import paragraph_end
from backends.engine.steering import Bias, forbidden, steering
from backends.engine.take_samplers import TakeSamplers
from backends.engine.take_text import StopStrings, TakeText
from backends.engine.thinking import Thoughts
from backends.engine.worn_phrases import FROM, REACH
from backends.text.thinking import Verdict
from backends.types import (
    Event,
    Finished,
    FinishReason,
    GenerationRequest,
    RepetitionPolicy,
    Settled,
    Usage,
)

_SAME_PLACE_CHARACTERS = 24
_PLAUSIBLE, _PLAUSIBLE_WORD, _PLAUSIBLE_BEGINNING = 0.02, 0.1, 0.005
_BREAK_TOKENS = 3
_NOTHING: frozenset[int] = frozenset()
_JOINT_TRIES = 8
_BAN_TRIES, _BAN_WORDS = 16, 20
_SEED_STEP = 0x9E3779B1


class Generation:
    """The state of one take on one sequence of an engine.

    ``sequence`` is -1 while it has none. ``unjudged``: a token was chosen that ``judge`` has not seen. ``decided``:
    there is something to ``resolve``. ``full``: the take ends with the tokens that it has; no more logits are wanted.
    ``checkpoint_due``: text has settled, behind which no control will go back.
    """

    def __init__(
        self,
        engine: Engine,
        request_id: int,
        take: int,
        request: GenerationRequest,
        prompt: Sequence[int],
        known: KnownText,
        bans: BanRules | None = None,
    ) -> None:
        self.request_id, self.take = request_id, take
        self.sequence = -1
        self.cached_tokens = 0
        self.prefill_ms = self.decode_ms = 0.0
        self.finished = self.unjudged = self.decided = self.full = self.checkpoint_due = False
        self.tokens = list(prompt)
        self.prompt_length = len(prompt)
        self._most_tokens = min(len(prompt) + request.max_tokens, engine.capabilities.context_tokens)
        self._engine = engine
        self._request = request
        self._text = TakeText(engine.piece, trimmed=not request.prompt.answer_start and request.constraint is None)
        self._stops = StopStrings(request.stop)
        self._held = 0
        seed = (request.seed + take * _SEED_STEP) % 2**32
        self._samplers = TakeSamplers(engine, request, seed, self.tokens)
        self._narrate_at = 0
        self._steering = steering(engine.classes)
        self._detours, self._leeway = Detours(), 0.0
        self._known, self._ban_rules = known, bans
        self._begin_controls()
        self._retries = Retries()
        self._shown = ShownText(request_id, take)
        self._rewound = 0
        self._end_of_turn = engine.classes.end_of_turn
        self._thoughts = Thoughts(
            engine.thinking_marks,
            engine.tokenize_marks,
            engine.piece,
            prompt,
            request.thinking_tokens,
            may_think=request.may_think,
        )
        self._prompt_tokens = len(prompt)
        self._unsure: list[tuple[int, str]] = []
        self._watched = self._end_of_turn | engine.classes.heading if self._length else self._end_of_turn
        self._word_ends = self._begins = False
        self._worn = _NOTHING
        self._bias = self._next_bias()
        self._loop: Loop | None = None
        self._ban: Ban | None = None
        self._ending: tuple[FinishReason, int] | None = None

    @property
    def cached(self) -> list[int]:
        """The tokens that are in the cache."""
        return self.tokens[: self._engine.sequence_length(self.sequence)] if self.sequence >= 0 else []

    @property
    def has_text(self) -> bool:
        """Whether anything has been written."""
        return bool(self._text.tokens)

    def choose(self, row: int) -> Sequence[Event]:
        """Choose the next token from the logits of ``row``; returns events only where the take ends here.

        Raises InvalidRequest where every token is forbidden, ModelInvalid where the logits are no numbers.
        """
        if self._thoughts.active:
            return self._think(row)
        if not self._samplers.is_calm:
            self._samplers.cool_down(self._text.tokens)
        token = (self._samplers.fresh(self.tokens, self._text.tokens) if self._begins else self._sampler).sample(
            row, self._bias
        )
        if self._thoughts.opens(token) and not self._text.length:
            self._thoughts.begin()
            self.tokens.append(token)
            return self._go_on_thinking()
        events, token = self._anew(row, token)
        if events is not None:
            return events
        if self._narrate_at and token in self._engine.classes.speech_starts:
            token = self._narrated(row, token)
        if self._word_ends:
            token = self._elsewhere(row, token)
        if token in self._watched:
            token = self._reconsidered(row, token)
            if token in self._end_of_turn:
                return self._end_turn()
        self._leeway = self._leeway_of(row, token)
        self.tokens.append(token)
        self.unjudged = True
        self.full = len(self.tokens) >= self._most_tokens
        return ()

    def _think(self, row: int) -> Sequence[Event]:
        """Choose a token of the thoughts, which no control sees and no reader."""
        token = self._samplers.calm.sample(row)
        if token in self._end_of_turn:
            return self._answer(self._thoughts.close())
        self.tokens.append(token)
        return self._answer([]) if self._thoughts.feed(token) else self._go_on_thinking()

    def _go_on_thinking(self) -> Sequence[Event]:
        """End the thoughts where their budget or the context does not allow another token."""
        room = self._engine.capabilities.context_tokens - len(self.tokens) - self._request.max_tokens
        return self._answer(self._thoughts.close()) if self._thoughts.exhausted or room <= 0 else ()

    def _answer(self, closing: Sequence[int]) -> Sequence[Event]:
        """Begin the answer behind the thoughts and what closes them: from here on they are part of the prompt."""
        self.tokens += closing
        self.prompt_length = len(self.tokens)
        context = self._engine.capabilities.context_tokens
        self._most_tokens = min(self.prompt_length + self._request.max_tokens, context)
        if self.prompt_length >= context:
            return self.finish(FinishReason.LIMIT)
        self._samplers.calm.prime(self.tokens)
        return ()

    def _end_turn(self) -> list[Event]:
        """End the take as the model wants, unless its last sentence is a repetition."""
        if self._bans and (ban := self._bans.finish()):
            return self._take_back_ban(ban)
        loop = self._guard.finish() if self._guard else None
        return self.finish(FinishReason.END_OF_TURN) if loop is None else self._take_back(loop)

    def judge(self) -> list[Event]:
        """Make text of the token that was chosen and let the controls judge it; returns what the reader may know."""
        self.unjudged = False
        token = self.tokens[-1]
        self._sampler.accept(token)
        text = self._text.feed(token)
        self._detours.note(self._leeway)
        if self._thoughts.watching and self._hold(token, text):
            return []
        events = self._control(token, text)
        if self.full and self._loop is None and self._ban is None and self._ending is None:
            banned = self._bans.finish() if self._bans else None
            self._ending = FinishReason.LIMIT, banned.keep if banned else self._text.length
        self.decided = self._loop is not None or self._ban is not None or self._ending is not None
        if not self.decided:
            self._bias = self._next_bias()
            if self._bias:
                self._sampler.prepare(self._bias)
        return events

    def _hold(self, token: int, text: str) -> bool:
        """Whether a token belongs to thoughts, or may do so as far as is known: then nobody hears of it yet."""
        match self._thoughts.watch(self._text.tail(self._text.length)):
            case Verdict.UNKNOWN if self._text.length and not self.full:
                self._unsure.append((token, text))
                return True
            case Verdict.THINKING:
                self._text = TakeText(self._engine.piece, trimmed=True)
                self._detours.cut(0)
                self._begin_controls()
                self._unsure.clear()
                self.decided, self.full = True, False
                return True
            case _:
                for each in self._unsure:
                    self._control(*each)
                self._unsure.clear()
                return False

    def resolve(self) -> list[Event]:
        """Do what the controls decided: take text back, or end the take."""
        if self._thoughts.active:
            self.decided = False
            return list(self._go_on_thinking())
        loop, ban, ending = self._loop, self._ban, self._ending
        self._loop = self._ban = self._ending = None
        self.decided = self.full = False
        if ban is not None:
            return self._take_back_ban(ban)
        if loop is not None:
            return self._take_back(loop)
        if ending is None:
            return []
        reason, length = ending
        return [*self._show(length), *self._end(reason, length)]

    def finish(self, reason: FinishReason) -> list[Event]:
        """End the take: show what was held back and report."""
        if reason is FinishReason.END_OF_TURN:
            self._text.flush()
        events = self._show(self._text.length)
        return [*events, *self._end(reason, self._text.length)]

    def _begin_controls(self) -> None:
        request, known, bans = self._request, self._known, self._ban_rules
        self._length = LengthController(request.length) if request.length else None
        self._guard = self._make_guard(request.repetition, known) if request.repetition else None
        self._bans = BanWatch(bans, known.end(_BAN_WORDS) + " ") if bans else None
        self._echoes = Echoes(known) if self._length and self._guard else None
        self._retelling = Retelling(known) if self._length and self._guard else None
        self._along = 0

    def _make_guard(self, policy: RepetitionPolicy, known: KnownText) -> RepetitionGuard:
        recent = self._engine.tokenize(known.end(REACH)) if known.sentences else []
        return RepetitionGuard(policy, known, [(token, self._text.text_of(token)) for token in recent])

    def close(self) -> None:
        """Free the samplers."""
        self._samplers.close()

    # Choosing

    @property
    def _sampler(self) -> Sampler:
        return self._samplers.current

    def _reconsidered(self, row: int, token: int) -> int:
        """Where a control refuses the token, sample the same row again without it."""
        bias = self._bias
        classes = self._engine.classes
        if token in self._end_of_turn and not self._may_end():
            begun = self._text.at_line_start and self._text.tail(2) not in ("", "\n\n")
            bias = bias + self._steering.going_on(begun, self._text.at_line_start, self._at_sentence_end())
            token = self._sampler.sample(row, bias)
        if token in classes.heading and self._length is not None and self._text.at_line_start:
            token = self._sampler.sample(row, bias + self._steering.no_heading)
        return token

    def _anew(self, row: int, token: int) -> tuple[Sequence[Event] | None, int]:
        """Say nothing again where the model has something else to say: return as ``_around`` does."""
        if token in self._worn or (self._guard is not None and self._text.doubles(token)):
            token = self._varied(row, token)
            if token in self._worn:
                events, token = self._around(token)
                if events is not None:
                    return events, token
        if self._retelling is None or token in self._watched or self._held or self._unsure or self._retries.forced:
            return None, token
        return self._untold(row, token, self._retelling)

    def _varied(self, row: int, token: int) -> int:
        """Another token than those of worn phrases, where the model has one that is likely too."""
        # A model that is pushed off its phrase likes to say the last word again, or no more than the sentence's first.
        avoided = self._worn.union(self._text.tokens[-1:], self._engine.classes.sentence_end if self._begins else ())
        least = _PLAUSIBLE_BEGINNING if self._begins else _PLAUSIBLE_WORD if token in self._worn else _PLAUSIBLE
        other = self._sampler.vary(row, self._bias, avoided, least)
        clings = other is not None and self._text.continues_word(other) and not self._text.continues_word(token)
        return token if other is None or clings else other

    def _leeway_of(self, row: int, token: int) -> float:
        """How likely the model finds another token here; not asked where the text repeats nothing."""
        if self._guard is None or (self._guard.rate <= FROM and not self._along):
            return 0.0
        refused = self._retries.banned.get(len(self._text.tokens), _NOTHING).union(self._text.tokens[-1:])
        return self._sampler.leeway(row, token, refused - {token})

    def _around(self, token: int) -> tuple[Sequence[Event] | None, int]:
        """Get around a phrase that the model has no other word for: return None and the token to go on with.

        Where text was taken back for it there is none, and what the reader has to know comes instead of None.
        """
        text = self._text
        if self._guard is None or self._held or self._unsure or not text.tokens or self._retries.forced:
            return None, token
        if text.tokens[-1] in self._steering.speech_ends:
            return self._without_tag(token)
        passage = self._guard.passage(token)
        if not passage and (self._guard.rate <= DETOURS_FROM or not self._guard.completes_phrase(token)):
            return None, token
        place = self._detours.begin(text, self._steering.borders, self._shown.settled, self._retries.banned)
        if place is None:
            return self._take_back(passage) if passage else None, token
        return self._cut_for_another(place), token

    def _untold(self, row: int, token: int, retelling: Retelling) -> tuple[Sequence[Event] | None, int]:
        """Leave a sentence that the document has: return None and the token to go on with, or what ``_around`` does."""
        assert self._length is not None
        assert self._guard is not None
        text, (start, sentence) = self._text, self._length.sentence

        def another(avoided: AbstractSet[int]) -> int | None:
            return self._sampler.vary(row, self._bias, self._worn.union(avoided, text.tokens[-1:]), _PLAUSIBLE)

        token = retelling.way_out(token, start, sentence, text, another, repetitive=self._guard.rate > FROM)
        self._along = along = retelling.along(start, sentence + text.text_of(token))
        refused = self._retries.banned.get(len(text.tokens), _NOTHING)
        if not along or not retelling.is_retold(along, self._sampler.leeway(row, token, refused - {token})):
            return None, token
        place = self._detours.back(text, max(start, self._shown.settled), self._retries.banned, along >= LATE)
        if place is None or self._rewound > 2 * self._request.max_tokens:
            return None, token
        retelling.close(sentence[: max(0, text.characters_of(place) - start)], text.tokens[place])
        return self._cut_for_another(place), token

    def _cut_for_another(self, place: int) -> list[Event]:
        """Cut the text back and forbid the token that it has at ``place``."""
        refused = self._text.tokens[place]
        events = self._cut(place)
        self._retries.ban(place, refused)
        self._bias = self._next_bias()
        return events

    def _narrated(self, row: int, token: int) -> int:
        """Let no speech follow directly on one without a tag, where the model has something else to say.

        Where it has not, it would speak without a quotation mark.
        """
        behind = len(self._text.tokens) - self._narrate_at
        if not 0 <= behind <= _BREAK_TOKENS or not self._text.at_line_start:
            return token
        other = self._sampler.vary(row, self._bias, self._engine.classes.speech_starts, _PLAUSIBLE)
        return token if other is None else other

    def _elsewhere(self, row: int, token: int) -> int:
        """Where the text was taken back to: where all is forbidden that the model has to say, end the paragraph."""
        banned = self._retries.banned.get(len(self._text.tokens), frozenset())
        breaks = self._engine.classes.paragraph_break - banned
        if breaks and not self._text.at_line_start and self._at_sentence_end():
            free = tuple(each for each in self._bias if each[0] not in banned)
            if self._sampler.vary(row, free, banned, _PLAUSIBLE) is None:
                first, *rest = paragraph_end(self._text, self._engine, at_sentence_end=True)
                self._retries.forced.extend(rest)
                return min(first)
        return self._separated(row, token) if self._text.clings(token) and not self._text.at_line_start else token

    def _separated(self, row: int, token: int) -> int:
        """Sample again where a ban at this place made a sentence go on that was complete."""
        refused: set[int] = set()
        while self._text.clings(token) and len(refused) < _JOINT_TRIES:
            refused.add(token)
            token = self._sampler.sample(row, self._bias + forbidden(refused))
        return token

    def _next_bias(self) -> Bias:
        """Return what is added to the logits of the next token; called once for each token."""
        self._word_ends = self._begins = False
        self._worn = _NOTHING
        if self._request.constraint is not None:
            return ()
        if self._retries.forced:
            return self._steering.no_end + self._steering.forced(self._retries.forced.popleft())
        bias = self._length_bias()
        if self._guard is not None:
            self._worn = self._guard.worn
            self._begins = not self._guard.is_varied and self._samplers.is_calm and self._begins_sentence()
        if banned := self._retries.banned.get(len(self._text.tokens)):
            self._word_ends = self._word_ends or self._at_sentence_end()
            bias = tuple(each for each in bias if each[0] not in banned) + forbidden(banned)
        return bias

    def _length_bias(self) -> Bias:
        """Return what the length control adds: nothing before the text is nearly long enough."""
        length = self._length
        if length is None:
            return ()
        phase = length.phase
        if phase not in (Phase.STEER, Phase.CLOSE):
            return ()
        at_end = self._at_sentence_end()
        return self._steering.by_phase(phase, length.excess, at_sentence_end=at_end, has_landing=length.has_landing)

    def _may_end(self) -> bool:
        return self._length is None or self._request.constraint is not None or self._length.may_end

    def _begins_sentence(self) -> bool:
        """Whether the next token is the first of a sentence, or the second."""
        return not self._steering.borders.isdisjoint(self._text.tokens[-2:])

    def _at_sentence_end(self) -> bool:
        tokens = self._text.tokens
        return not tokens or tokens[-1] in self._engine.classes.sentence_end or self._text.at_line_start

    # Controlling

    def _control(self, token: int, text: str) -> list[Event]:
        """Let stop strings, length and repetition judge the text with its new token."""
        held, stopped = self._stops.feed(text)
        self._held = held
        if stopped:
            self._ending = FinishReason.STOPPED, self._text.length - held
            return self._show(self._text.length - held)
        if "\n" in text:
            self._shown.end_paragraph(self._text.length)
        self._loop = self._guard.feed(token, text) if self._guard else None
        self._ban = self._bans.feed(text) if self._bans else None
        if self._length is not None:
            self._length.feed(text)
            if self._guard is not None and (place := self._length.premature) >= 0:
                # A closing phrase long before the end is taken back like a loop.
                self._loop = self._loop or Loop(place, "closing")
        if self._loop is not None or self._ban is not None:
            return []
        landing = self._length.verdict() if self._length is not None else None
        if landing is not None and not landing.cut and self._guard is not None:
            self._loop = self._guard.finish()
            if self._loop is not None:
                return []
        if landing is not None:
            self._ending = FinishReason.LANDED, self._text.length - landing.cut
            return self._show(self._text.length - landing.cut)
        shown = min(self._text.length - held, self._visible(token, text))
        return [*self._show(max(self._shown.length, shown)), *self._settle()]

    def _visible(self, token: int, text: str) -> int:
        """How many code points the reader may see: what may well be taken back, not before that is decided.

        That is a sentence which repeats the document so far, any sentence in a text that repeats itself, and the comma
        behind a speech that may lose its tag.
        """
        length = self._text.length
        if self._echoes is None or self._length is None or self._guard is None:
            return length
        start, sentence = self._length.sentence
        if self._echoes.echoes(start, sentence, likely=not self._guard.is_varied):
            return start
        return length - len(text) if token in self._steering.speech_stops else length

    def _show(self, length: int) -> list[Event]:
        """Bring what the reader sees to the first ``length`` code points."""
        return self._shown.show(self._text, length)

    def _settle(self) -> list[Event]:
        """Promise text that no control will take back."""
        controls = (self._length, self._guard, self._bans)
        found = self._shown.settle(self._text, (control.settled for control in controls if control is not None))
        self.checkpoint_due = self.checkpoint_due or bool(found)
        return found

    def _end(self, reason: FinishReason, length: int) -> list[Event]:
        self.finished = True
        usage = Usage(
            prompt_tokens=self._prompt_tokens,
            cached_tokens=self.cached_tokens,
            completion_tokens=len(self._text.tokens),
            rewound_tokens=self._rewound,
            prefill_ms=self.prefill_ms,
            decode_ms=self.decode_ms,
            thinking_tokens=self.prompt_length - self._prompt_tokens,
        )
        settled = [Settled(self.request_id, self.take, length)] if length > self._shown.settled else []
        return [*settled, Finished(self.request_id, self.take, reason, usage)]

    # Taking back

    def _take_back(self, loop: Loop) -> list[Event]:
        """Cut a loop off and make the model go on differently; where that fails, end the paragraph, then the take."""
        policy = self._request.repetition
        assert policy is not None
        kept = self._text.tokens_within(max(loop.keep, self._shown.settled), len(self._text.tokens) - 1)
        first = self._text.tokens[kept]
        place = self._text.characters_of(kept)
        retries = self._retries
        near = retries.place >= 0 and abs(place - retries.place) <= _SAME_PLACE_CHARACTERS
        retries.count = retries.count + 1 if near else 1
        retries.place = place if not near else max(place, retries.place)
        if loop.of_words and retries.count <= policy.max_retries:
            kept = self._text.first_visible(kept)
            first = self._text.tokens[kept]
        events = self._cut(kept)
        if retries.count > policy.max_retries + 1 or self._rewound > 2 * self._request.max_tokens:
            return [*events, *self.finish(FinishReason.END_OF_TURN)]
        retries.ban(kept, first)
        if retries.count > policy.max_retries:
            self._retries.forced += paragraph_end(self._text, self._engine, at_sentence_end=self._at_sentence_end())
        else:
            self._samplers.heat_up(self.tokens, self._text.tokens, retries.count, self._rewound)
        self._bias = self._next_bias()
        return events

    def _without_tag(self, token: int) -> tuple[Sequence[Event] | None, int]:
        """Let a speech go without its tag, where every tag that the model likes came often: a new paragraph follows.

        Return the token that begins it. A comma that ends the speech has to become a full stop: then it is taken back,
        which the events say.
        """
        kept = len(self._text.tokens) - 1
        stop = self._steering.speech_stops.get(self._text.tokens[kept])
        breaks = self._engine.classes.paragraph_break
        if not breaks:
            return None, token
        self._narrate_at = kept + 1
        if stop is None:
            return None, min(breaks)
        events = self._cut(kept)
        self._retries.forced += (frozenset((stop,)), breaks)
        self._bias = self._next_bias()
        return events, token

    def _take_back_ban(self, ban: Ban) -> list[Event]:
        """Cut off what is banned and let the model choose other words there; where none will do, before that place.

        Every try forbids another token, so the walk back is bounded; a model that has nothing else to say ends.
        """
        place = max(ban.keep, self._shown.settled)
        kept = self._text.tokens_within(place, len(self._text.tokens) - 1)
        while kept and len(self._retries.banned.get(kept, ())) >= _BAN_TRIES:
            kept = self._text.tokens_within(place, kept - 1)
        behind_settled = self._text.characters_of(kept) < self._shown.settled
        exhausted = behind_settled or len(self._retries.banned.get(kept, ())) >= _BAN_TRIES
        if exhausted or self._rewound > 2 * self._request.max_tokens:
            kept = max(kept, self._text.tokens_within(self._shown.settled))
            return [*self._cut(kept), *self.finish(FinishReason.END_OF_TURN)]
        return self._cut_for_another(kept)

    def _cut(self, kept: int) -> list[Event]:
        """Cut text, controls, samplers and cache back to the first ``kept`` tokens of the answer."""
        characters = self._text.characters_of(kept)
        taken = self._text.length - characters
        self._rewound += len(self._text.tokens) - kept
        if self._length is not None:
            self._length.rewind(taken)
        if self._guard is not None:
            self._guard.rewind(characters, kept)
        if self._bans is not None:
            self._bans.rewind(taken)
        if self._echoes is not None:
            self._echoes.rewind(characters)
        if self._retelling is not None:
            self._retelling.rewind(characters)
        self._text.cut(kept)
        self._detours.cut(kept)
        self._stops.restart(self._text.tail(max(map(len, self._request.stop), default=0)))
        del self.tokens[self.prompt_length + kept :]
        self._retries.banned = {at: tokens for at, tokens in self._retries.banned.items() if at <= kept}
        self._retries.forced.clear()
        self._sampler.rewind(self._text.tokens)
        in_cache = self._engine.sequence_length(self.sequence)
        self._engine.rewind(self.sequence, min(in_cache, len(self.tokens) - 1))
        return self._shown.cut(self._text, characters)
