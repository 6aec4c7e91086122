"""What metadata costs, and what a filter on it costs and saves.

    python benchmarks/metadata_cost.py CORPUS QUESTIONS INDEX [--limit 20000] [--sample 50]

Each passage gets metadata: a document, a page, a date and two numbers by which filters let 1 % and
10 % of the passages pass. INDEX is built from them, or taken if it is there. Questions are searched
and answered with each filter and without one, in turns.
"""

import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from common import add_sample, command_line, drawn, write_result
from preread.data import read_corpus, read_questions
from preread.indexer import IndexConfig, PassageIndex, build_index, index_info
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


def write_corpus(corpus: Path, limit: int, target: Path) -> None:
    """Write the first passages of a corpus with metadata.

    Args:
        corpus: The corpus.
        limit: Number of passages.
        target: The new file, JSONL.
    """
    generator = random.Random(0)
    with target.open("w", encoding="utf-8") as file:
        for number, passage in enumerate(read_corpus(corpus, limit=limit)):
            metadata = {
                "document": f"articles/{passage.title}.md",
                "page": 1 + number % 40,
                "date": f"20{number % 26:02}-{1 + number % 12:02}-{1 + number % 28:02}",
                "tenth": generator.randrange(10),
                "hundredth": generator.randrange(100),
            }
            record = {
                "id": passage.passage_id,
                "title": passage.title,
                "text": passage.text,
                "metadata": metadata,
            }
            file.write(json.dumps(record) + "\n")


def build(corpus: Path, limit: int, target: Path, reader: Reader) -> None:
    """Build an index of passages with metadata.

    Args:
        corpus: The corpus.
        limit: Number of passages.
        target: Folder of the new index.
        reader: Reads the passages.
    """
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "passages.jsonl"
        write_corpus(corpus, limit, written)
        build_index(written, target, reader, IndexConfig())


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
    parser.add_argument("index", type=Path)
    parser.add_argument("--limit", type=int, default=20_000, help="passages")
    parser.add_argument("--reader", default="default")
    parser.add_argument("--top-k", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=5)
    add_sample(parser, "questions", 50)
    options = parser.parse_args()
    asked = drawn(list(read_questions(options.questions)), options.sample, options.seed)
    questions = [one.question for one in asked]
    reader = Reader.load(options.reader)
    if not options.index.exists():
        build(options.corpus, options.limit, options.index, reader)
    index = PassageIndex(options.index)
    qa = OpenDomainQA.from_index(options.index)
    sizes = index_info(options.index)

    def search(filter: dict[str, Any] | None) -> Callable[[], object]:
        return lambda: [
            search_passages(index, question, options.top_k, filter=filter) for question in questions
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
        "n_tokens": index.manifest.n_tokens,
        "n_questions": len(questions),
        "seed": options.seed,
        "top_k": options.top_k,
        "rounds": options.repeat,
        "fields_a_passage": 5,
        "bytes_total": sizes["bytes_total"],
        "bytes_metadata": sizes["bytes_metadata"],
        "metadata_bytes_per_token": round(sizes["bytes_metadata"] / index.manifest.n_tokens, 3),
        "passages_that_pass": passing,
        "first_use_of_a_filter_ms": first_use(options.index),
        **latency,
    }
    print(json.dumps(content, indent=2))
    write_result("metadata-cost", content)


if __name__ == "__main__":
    main()
