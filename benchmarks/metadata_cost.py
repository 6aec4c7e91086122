"""What metadata costs, and what a filter on it costs and saves.

    python benchmarks/metadata_cost.py CORPUS QUESTIONS [--limit 20000] [--sample 50]

Two indexes of the same passages are built, one with metadata of each passage: a document, a page, a
date and two numbers by which filters let 1 % and 10 % of the passages pass. The size of both is
compared. Questions are then searched and answered with each filter and without one, in turns.
"""

import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common import add_sample, command_line, drawn, write_result
from index_files import write_passages
from preread.data import read_corpus, read_questions
from preread.indexer import IndexConfig, PassageIndex, build_index
from preread.pipeline import OpenDomainQA, search_passages
from preread.reader import Reader
from timing import in_turns, seconds, spread

FILTERS: dict[str, dict[str, Any] | None] = {
    "no filter": None,
    "100 %": {"hundredth": {"gte": 0}},
    "10 %": {"tenth": 3},
    "1 %": {"hundredth": 3},
}
"""Filters by the share of passages that pass."""


def write_corpora(corpus: Path, limit: int, folder: Path) -> tuple[Path, Path]:
    """The same passages without metadata and with it."""
    plain = write_passages(folder / "plain.jsonl", read_corpus(corpus, limit=limit))
    rich = folder / "rich.jsonl"
    generator = random.Random(0)
    with plain.open(encoding="utf-8") as bare, rich.open("w", encoding="utf-8") as full:
        for number, line in enumerate(bare):
            record = json.loads(line)
            record["metadata"] = {
                "document": f"articles/{record['title']}.md",
                "page": 1 + number % 40,
                "date": f"20{number % 26:02}-{1 + number % 12:02}-{1 + number % 28:02}",
                "tenth": generator.randrange(10),
                "hundredth": generator.randrange(100),
            }
            full.write(json.dumps(record) + "\n")
    return plain, rich


def index_bytes(path: Path) -> int:
    """Bytes of all files of an index."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def first_use(path: Path) -> dict[str, float]:
    """Milliseconds until a filter has chosen its passages, for an index that was just opened."""
    times = []
    for _ in range(5):
        with PassageIndex(path) as index:
            times.append(seconds(lambda: index.matching({"hundredth": 3})))
    return spread(times, 1000)


def main() -> None:
    """Build, measure, report."""
    parser = command_line(__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--limit", type=int, default=20_000, help="passages")
    parser.add_argument("--reader", default="default")
    parser.add_argument("--top-k", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=5)
    add_sample(parser, "questions", 50)
    options = parser.parse_args()
    asked = drawn(list(read_questions(options.questions)), options.sample, options.seed)
    questions = [one.question for one in asked]
    reader = Reader.load(options.reader)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sizes: dict[str, int] = {}
        for corpus in write_corpora(options.corpus, options.limit, folder):
            build_index(corpus, folder / corpus.stem, reader, IndexConfig())
            sizes[corpus.stem] = index_bytes(folder / corpus.stem)
        index = PassageIndex(folder / "rich")
        n_tokens = index.manifest.n_tokens
        qa = OpenDomainQA(index, reader)

        def search(filter: dict[str, Any] | None) -> Callable[[], object]:
            return lambda: [
                search_passages(index, question, options.top_k, filter=filter)
                for question in questions
            ]

        def answer(filter: dict[str, Any] | None) -> Callable[[], object]:
            return lambda: [
                qa.answer(question, top_k=options.top_k, filter=filter) for question in questions
            ]

        latency = {}
        for what, make in (("search_ms", search), ("answer_ms", answer)):
            systems = {name: [make(filter)] for name, filter in FILTERS.items()}
            in_turns(systems, range(1))  # warms up, and lets each filter choose its passages
            found = in_turns(systems, range(options.repeat))
            per_question = 1000 / len(questions)
            latency[what] = {name: spread(times, per_question) for name, times in found.items()}
        passing = {name: len(index.matching(filter)) for name, filter in FILTERS.items() if filter}
        content = {
            "corpus": options.corpus.name,
            "questions": options.questions.name,
            "n_passages": len(index),
            "n_tokens": n_tokens,
            "n_questions": len(questions),
            "top_k": options.top_k,
            "index_bytes": sizes,
            "metadata_bytes_per_token": round((sizes["rich"] - sizes["plain"]) / n_tokens, 3),
            "passages_that_pass": passing,
            "first_use_of_a_filter_ms": first_use(folder / "rich"),
            **latency,
        }
    print(json.dumps(content, indent=2))
    write_result("metadata-cost", content)


if __name__ == "__main__":
    main()
