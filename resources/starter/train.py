# SPDX-License-Identifier: Apache-2.0
"""Training on a wall-clock budget: batches of examples of like length, Muon and AdamW, checkpoints, resumable."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from resources.starter.model import StarterModel
from resources.starter.tokenizer import PADDING

_SHAPE_STEP = 64
_POOL = 1500
_DECIDING_TOKENS, _DECIDING_WEIGHT = 20, 5.0


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """The schedule. ``seconds`` is the whole wall-clock budget; rates fall on a cosine to ``final_rate`` of it."""

    seconds: float
    tokens_per_step: int = 4096
    matrix_rate: float = 3.5e-3
    embedding_rate: float = 1.5e-3
    final_rate: float = 0.02
    warmup_steps: int = 40
    weight_decay: float = 1.0
    prompt_loss_until: float = 0.8
    slips: float = 0.006
    checkpoint_seconds: float = 240.0
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Batch:
    """Inputs and true token ids (rows, tokens), padded on the right; masks of the answers and of all but padding.

    ``weight`` is the weight of each token in the loss: the first tokens of an answer decide what it tells.
    """

    inputs: Tensor
    ids: Tensor
    answer: Tensor
    real: Tensor
    weight: Tensor


class ExampleSet:
    """The examples of one or more saved sets; yields batches of like length, in a new order each epoch."""

    def __init__(self, paths: list[Path], seed: int, slips: float = 0.0) -> None:
        self.rng = np.random.default_rng(seed)
        self.slips = slips
        self.rows: list[tuple[np.ndarray, int]] = []
        for path in paths:
            with np.load(path) as data:
                tokens, starts, answers = data["tokens"], data["starts"], data["answers"]
            self.rows += [(tokens[starts[i] : starts[i + 1]], int(answers[i])) for i in range(len(answers))]

    def batches(self, tokens_per_step: int) -> Iterator[Batch]:
        """Yield batches for ever; each holds about ``tokens_per_step`` tokens with the padding."""
        while True:
            order = self.rng.permutation(len(self.rows))
            for start in range(0, len(order), _POOL):
                yield from self._pool_batches(order[start : start + _POOL], tokens_per_step)

    def _pool_batches(self, pool: np.ndarray, tokens_per_step: int) -> Iterator[Batch]:
        ordered = sorted(pool, key=lambda index: len(self.rows[index][0]))
        groups: list[list[int]] = []
        while ordered:
            width = _padded(len(self.rows[ordered[-1]][0]))
            count = max(1, round(tokens_per_step / width))
            groups.append(ordered[-count:])
            del ordered[-count:]
        for group in self.rng.permutation(len(groups)):
            yield self._collate(groups[group])

    def _collate(self, group: list[int]) -> Batch:
        width = _padded(max(len(self.rows[index][0]) for index in group))
        ids = np.full((len(group), width), PADDING, np.int64)
        answer, real = np.zeros((len(group), width), bool), np.zeros((len(group), width), bool)
        weight = np.ones((len(group), width), np.float32)
        for row, index in enumerate(group):
            tokens, start = self.rows[index]
            ids[row, : len(tokens)] = tokens
            real[row, : len(tokens)] = True
            answer[row, start : len(tokens)] = True
            weight[row, start : start + _DECIDING_TOKENS] = _DECIDING_WEIGHT
        inputs = self._with_slips(ids, answer) if self.slips else ids
        return Batch(*map(torch.from_numpy, (inputs, ids, answer, real, weight)))

    def _with_slips(self, ids: np.ndarray, answer: np.ndarray) -> np.ndarray:
        """Repeat one of the last two tokens here and there in the input of the answers, while the truth goes on.

        The copying circuit falls into loops where the model has slipped once; so it learns to go on after a slip.
        """
        inputs = ids.copy()
        chance = self.rng.random(ids.shape)
        for distance in (1, 2):
            slip = (chance >= self.slips * (distance - 1)) & (chance < self.slips * distance)
            for length in range(int(self.rng.integers(1, 4))):
                rows, columns = np.nonzero(slip & answer)
                columns = np.minimum(columns + length, ids.shape[1] - 1)
                inputs[rows, columns] = inputs[rows, columns - distance]
        return inputs


def _padded(length: int) -> int:
    return -(-length // _SHAPE_STEP) * _SHAPE_STEP


def batch_loss(model: StarterModel, batch: Batch, prompts_too: bool, weighted: bool = False) -> Tensor:
    """Return the mean cross entropy (nats per token) of the answers, or of everything that is not padding."""
    with torch.autocast("cpu", torch.bfloat16):
        states = model.trunk(batch.inputs[:, :-1])
        wanted = (batch.real if prompts_too else batch.answer)[:, 1:]
        logits = functional.linear(states[wanted], model.output_weight())
    losses = functional.cross_entropy(logits.float(), batch.ids[:, 1:][wanted], reduction="none")
    weight = batch.weight[:, 1:][wanted] if weighted else torch.ones_like(losses)
    return (losses * weight).sum() / weight.sum()


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made orthogonal by Newton-Schulz steps (K. Jordan, 2024), for matrices only."""

    def __init__(self, parameters: list[Tensor], lr: float, weight_decay: float, momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:
        """Update all matrices."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                velocity = state.setdefault("velocity", torch.zeros_like(parameter))
                velocity.lerp_(parameter.grad, 1 - group["momentum"])
                update = _orthogonal(parameter.grad.lerp(velocity, group["momentum"]))
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(update, alpha=-group["lr"] * 0.2 * math.sqrt(max(parameter.shape)))


def _orthogonal(matrix: Tensor, steps: int = 4) -> Tensor:
    """Replace the singular values of a matrix by about one, with a quintic Newton-Schulz iteration."""
    x = matrix.bfloat16()
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x.T if tall else x).to(matrix.dtype)


def make_optimisers(parameters: list[tuple[str, Tensor]], settings: TrainSettings) -> list[torch.optim.Optimizer]:
    """Return Muon for the matrices of the layers, AdamW for the embedding and the norms, as far as there are any."""
    matrices = [p for name, p in parameters if p.ndim == 2 and name != "embedding"]
    others = [p for name, p in parameters if p.ndim == 1 or name == "embedding"]
    optimisers: list[torch.optim.Optimizer] = []
    if matrices:
        optimisers.append(Muon(matrices, settings.matrix_rate, settings.weight_decay))
    if others:
        adam = torch.optim.AdamW(others, lr=settings.embedding_rate, betas=(0.9, 0.95), weight_decay=0.0)
        optimisers.append(adam)
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["peak"] = group["lr"]
    return optimisers


def restore(optimisers: list[torch.optim.Optimizer], states: list[dict[str, Any]]) -> None:
    """Take up the state of an earlier run, but keep the rates and the decay of these settings."""
    for optimiser, state in zip(optimisers, states, strict=True):
        groups = [{name: value for name, value in each.items() if name != "params"} for each in optimiser.param_groups]
        optimiser.load_state_dict(state)
        for group, values in zip(optimiser.param_groups, groups, strict=True):
            group.update(values)


def rate_factor(step: int, progress: float, settings: TrainSettings) -> float:
    """Return the learning rate as a fraction of its peak: linear warm-up, then a cosine over the time budget."""
    warm = min(1.0, (step + 1) / settings.warmup_steps)
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return warm * (settings.final_rate + (1 - settings.final_rate) * cosine)


@torch.no_grad()
def validation_losses(model: StarterModel, sets: dict[str, list[Batch]]) -> dict[str, float]:
    """Return the mean answer loss of each validation set, in nats per token."""
    return {
        name: round(sum(float(batch_loss(model, batch, False)) for batch in batches) / len(batches), 3)
        for name, batches in sets.items()
    }


class Shared:
    """What the training processes share: the model, one gradient vector each, the clock and a barrier."""

    def __init__(self, settings: TrainSettings, workers: int) -> None:
        torch.manual_seed(settings.seed)
        self.settings, self.workers = settings, workers
        self.model = StarterModel().share_memory()
        size = sum(parameter.numel() for parameter in self.model.parameters())
        self.gradients = torch.zeros(workers, size).share_memory_()
        self.clock = torch.zeros(3, dtype=torch.float64).share_memory_()  # seconds, step, tokens
        self.counts = torch.zeros(workers, dtype=torch.float64).share_memory_()
        self.barrier = torch.multiprocessing.get_context("spawn").Barrier(workers)


class Trainer:
    """One of the processes that train together: each has its own batches and updates its own part of the matrices.

    Processes with one thread each, and not threads, because a thread that waits for a processor at every operation
    holds up the others; so they meet twice a step only.
    """

    def __init__(
        self, rank: int, shared: Shared, folder: Path, sets: list[Path], held_out: dict[str, list[Batch]]
    ) -> None:
        self.rank, self.shared, self.folder, self.held_out = rank, shared, folder, held_out
        self.settings, self.model = shared.settings, shared.model
        step = int(shared.clock[1])
        examples = ExampleSet(sets, seed=1000 * step + rank, slips=self.settings.slips)
        self.batches = examples.batches(self.settings.tokens_per_step // shared.workers)
        self.frozen = self.model.frozen_values()
        named = list(self.model.named_parameters())
        heavy = sorted(named, key=lambda item: -item[1].numel())
        owned = {name for name, _ in heavy[rank :: shared.workers]}
        self.owned = [(name, parameter) for name, parameter in named if name in owned]
        self.optimisers = make_optimisers(self.owned, self.settings)
        path = self._optimiser_path()
        if step and path.exists():
            restore(self.optimisers, torch.load(path, weights_only=True))

    def _optimiser_path(self) -> Path:
        return self.folder / f"optimiser_{self.rank}_of_{self.shared.workers}.pt"

    def run(self) -> None:
        """Train until the time budget is used up."""
        clock, settings = self.shared.clock, self.settings
        last = time.monotonic()
        last_save = float(clock[0])
        losses: list[float] = []
        while float(clock[0]) < settings.seconds:
            losses.append(self._step())
            if self.rank == 0:
                now = time.monotonic()
                clock += torch.tensor([now - last, 1.0, float(self.shared.counts.sum())])
                last = now
            self.shared.barrier.wait()
            seconds = float(clock[0])
            if seconds >= settings.seconds or seconds - last_save >= settings.checkpoint_seconds:
                last_save = seconds
                self._save(losses[-50:])
                last = time.monotonic()

    def _step(self) -> float:
        batch = next(self.batches)
        progress = float(self.shared.clock[0]) / self.settings.seconds
        loss = batch_loss(self.model, batch, progress < self.settings.prompt_loss_until, weighted=True)
        loss.backward()
        self.model.mask_frozen_gradients()
        parts = [parameter.grad.flatten() for parameter in self.model.parameters()]
        torch.cat(parts, out=self.shared.gradients[self.rank])
        self.shared.counts[self.rank] = int(batch.real.sum())
        self.shared.barrier.wait()
        self._update(rate_factor(int(self.shared.clock[1]), progress, self.settings))
        self.shared.barrier.wait()
        return float(loss.detach())

    @torch.no_grad()
    def _update(self, factor: float) -> None:
        """Update the owned parameters with the mean gradient, clipped to a norm of 1."""
        mean = self.shared.gradients.mean(0)
        mean *= min(1.0, 1.0 / (float(mean.norm()) + 1e-6))
        owned, start = {name for name, _ in self.owned}, 0
        for name, parameter in self.model.named_parameters():
            part = mean[start : start + parameter.numel()].view_as(parameter)
            parameter.grad = part if name in owned else None
            start += parameter.numel()
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * factor
            optimiser.step()
        self.model.keep_frozen(self.frozen, {id(parameter) for _, parameter in self.owned})
        self.model.zero_grad(set_to_none=True)

    def _save(self, losses: list[float]) -> None:
        """Write the optimiser states, the model (whole or not at all) and a line of the log."""
        torch.save([optimiser.state_dict() for optimiser in self.optimisers], self._optimiser_path())
        if self.rank == 0:
            seconds, step, tokens = self.shared.clock.tolist()
            temporary = self.folder / "checkpoint.tmp"
            torch.save({"model": self.model.state_dict(), "clock": self.shared.clock}, temporary)
            temporary.rename(self.folder / "checkpoint.pt")
            values = {
                "seconds": round(seconds),
                "step": int(step),
                "tokens": int(tokens),
                "train": round(sum(losses) / len(losses), 3),
                **validation_losses(self.model, self.held_out),
            }
            with (self.folder / "log.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(values) + "\n")
        self.shared.barrier.wait()


def _work(rank: int, shared: Shared, folder: Path, sets: list[Path], held_out: dict[str, list[Batch]]) -> None:
    torch.set_num_threads(1)
    Trainer(rank, shared, folder, sets, held_out).run()


def train(
    folder: Path, settings: TrainSettings, sets: list[Path], held_out: dict[str, list[Batch]], workers: int
) -> None:
    """Train in ``workers`` processes; goes on from ``checkpoint.pt`` in the folder if there is one."""
    shared = Shared(settings, workers)
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        shared.model.load_state_dict(state["model"])
        shared.clock.copy_(state["clock"])
    torch.multiprocessing.spawn(_work, (shared, folder, sets, held_out), nprocs=workers)
