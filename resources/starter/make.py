# SPDX-License-Identifier: Apache-2.0
"""Makes the starter model: examples, tokenizer, training, conversion, measurement; what is there is not made again."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tokenizers import Tokenizer

from resources.starter.dataset import build, from_books, generated, make_tokenizer
from resources.starter.train import Batch, ExampleSet, TrainSettings, train

HERE = Path(__file__).parent
_HELD_OUT_SEED = 900_001
_HELD_OUT_WORLDS = 60
_TASKS = ("write", "plan", "summarise")


def make_data(run: Path, corpus: Path | None, worlds: int, books: int, seed: int = 2, wide: bool = False) -> list[Path]:
    """Build what is missing of tokenizer, training sets and held-out sets; returns the training sets."""
    run.mkdir(parents=True, exist_ok=True)
    vocabulary = run / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(vocabulary)) if vocabulary.exists() else make_tokenizer(corpus, vocabulary)
    sets = {"generated": lambda: generated(seed, worlds, wide=wide)}
    if corpus:
        sets["books"] = lambda: iter(from_books(corpus, seed, books))
    for task in _TASKS:
        sets[f"held_out_{task}"] = lambda task=task: (
            item for item in generated(_HELD_OUT_SEED, _HELD_OUT_WORLDS, held_out=True, wide=wide) if item.task == task
        )
    for name, examples in sets.items():
        path = run / f"{name}.npz"
        if not path.exists():
            print(name, json.dumps(build(examples(), tokenizer, path)), flush=True)
    return [run / f"{name}.npz" for name in ("generated", "books") if (run / f"{name}.npz").exists()]


def held_out_batches(run: Path) -> dict[str, list[Batch]]:
    """Return two small batches of each held-out task."""
    batches = {}
    for task in _TASKS:
        stream = ExampleSet([run / f"held_out_{task}.npz"], seed=0).batches(6000)
        batches[task] = [next(stream), next(stream)]
    return batches


def finish(run: Path, prompts: int) -> None:
    """Convert the checkpoint of a run to ``starter.gguf`` and write ``measured.json`` beside it."""
    from resources.starter.convert import convert_checkpoint
    from resources.starter.measure import measure

    model, checkpoint, vocabulary = HERE / "starter.gguf", run / "checkpoint.pt", run / "tokenizer.json"
    convert_checkpoint(checkpoint, vocabulary, model)
    results = measure(model, checkpoint, vocabulary, prompts)
    (HERE / "measured.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    """Make the model, or go on where an earlier run stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, default=HERE / "run", help="folder of the working files")
    parser.add_argument("--corpus", type=Path, help="folder with books as text files; without it no book share")
    parser.add_argument("--worlds", type=int, default=7000, help="generated worlds in the training set")
    parser.add_argument("--wide", action="store_true", help="all texts of data/: for a training of many hours")
    parser.add_argument("--books", type=int, default=1200, help="passages of books in the training set")
    parser.add_argument("--seconds", type=float, default=4200, help="whole training time, wall clock")
    parser.add_argument("--workers", type=int, default=2, help="training processes, one processor each")
    parser.add_argument("--prompts", type=int, default=20, help="held-out prompts a task in the measurement")
    parser.add_argument("--skip-measure", action="store_true", help="stop after the training")
    arguments = parser.parse_args()
    paths = make_data(arguments.run, arguments.corpus, arguments.worlds, arguments.books, wide=arguments.wide)
    settings = TrainSettings(arguments.seconds)
    train(arguments.run, settings, paths, held_out_batches(arguments.run), arguments.workers)
    if not arguments.skip_measure:
        finish(arguments.run, arguments.prompts)


if __name__ == "__main__":
    main()
