"""What does the reader that ships gain by questions of one's own, and what does it forget?

    python benchmarks/own_questions.py fairytaleqa.jsonl.gz RUNS DATASET…

The recipe is ``minilm-l6-own``. Questions that ``minilm-l6-second`` saw when the reader was made
are left out. Of the others, the reader learns from half of the stories and answers the questions of
the other half, before and after the training, and also samples of the datasets. All are read from 9
bytes a token.
"""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from common import add_sample, command_line, drawn, write_result
from preread.data import ReadingExample, write_examples
from preread.pipeline import ReadMode, evaluate_reader
from preread.reader import Reader
from preread.reader.training.datasets import DataLoader
from training_runs import answerable, load_recipe, n_steps, trained


def unseen(path: Path, reader: Reader) -> list[ReadingExample]:
    """Questions that the reader was not made with."""
    made_by = load_recipe("minilm-l6-second")
    first = made_by.stages[0]
    sources = tuple(source for source in first.sources if source.file == path.name)
    examples = answerable(path)
    if not sources:
        return examples
    alone = replace(made_by, stages=(replace(first, sources=sources),))
    seen = {
        window.token_ids
        for feature in DataLoader(alone, path.parent).load(reader.encoder).batches.features
        for window in feature.windows
    }
    windows = reader.encoder.encode_passages([e.context for e in examples], [""] * len(examples))
    return [
        example
        for example, of_context in zip(examples, windows, strict=True)
        if not any(window.token_ids in seen for window in of_context)
    ]


def in_halves(
    examples: list[ReadingExample], seed: int
) -> tuple[list[ReadingExample], list[ReadingExample]]:
    """The questions of half of the stories, and of the others."""
    titles = sorted({example.title for example in examples})
    chosen = set(random.Random(seed).sample(titles, len(titles) // 2))
    return (
        [example for example in examples if example.title in chosen],
        [example for example in examples if example.title not in chosen],
    )


def write_own(examples: list[ReadingExample], folder: Path) -> None:
    """Write what the recipe reads, without titles, as evaluation reads."""
    folder.mkdir(parents=True, exist_ok=True)
    bare = (replace(example, title="", multi_span=False) for example in examples)
    write_examples(folder / "own.jsonl", bare)


def score(reader: Reader, datasets: dict[str, list[ReadingExample]]) -> dict[str, Any]:
    """EM and F1 through the reader's codec, by data set."""
    return {
        name: evaluate_reader(reader, examples, mode=ReadMode.STORED, show_progress=True)
        for name, examples in datasets.items()
    }


def main() -> None:
    """Score, learn from so many questions, score again."""
    parser = command_line(__doc__)
    parser.add_argument("own", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("datasets", type=Path, nargs="*")
    parser.add_argument("--numbers", type=int, nargs="*", default=[300], help="besides all")
    add_sample(parser, "questions of each data set", default=1000)
    options = parser.parse_args()
    shipped = Reader.load("default")
    learned, held_out = in_halves(unseen(options.own, shipped), options.seed)
    datasets = {options.own.name: held_out}
    datasets |= {
        d.name: drawn(answerable(d), options.sample, options.seed) for d in options.datasets
    }
    rows: list[dict[str, Any]] = [{"n_learned": 0, "scores": score(shipped, datasets)}]
    random.Random(options.seed).shuffle(learned)
    for number in [*(n for n in options.numbers if n < len(learned)), len(learned)]:
        folder = options.runs / str(number)
        write_own(learned[:number], folder)
        reader = trained(load_recipe("minilm-l6-own"), folder, folder / "run")
        scores = score(Reader.load(str(reader)), datasets)
        rows.append({"n_learned": number, "n_steps": n_steps(folder / "run"), "scores": scores})
        print(rows[-1], flush=True)
    content = {"own": options.own.name, "seed": options.seed, "rows": rows}
    write_result("own-questions", content)


if __name__ == "__main__":
    main()
