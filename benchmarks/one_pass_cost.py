"""What do vectors of the reader's own states cost, when an index is built and when it is asked?

    python benchmarks/one_pass_cost.py CORPUS QUESTIONS --reader FOLDER --passages 4000
    python benchmarks/one_pass_cost.py CORPUS QUESTIONS --random-head 1 --passages 4000

Builds with and without vectors alternate, with one worker each. A build is timed from its estimate
to its manifest, which leaves out reading the corpus and learning a codec. Then the index with
vectors is asked the same questions with each retriever in turns. The time that vectors take does
not depend on the weights of the head: ``--random-head`` measures a reader for which none was
trained.
"""

import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from common import add_sample, command_line, drawn, write_result
from index_files import write_passages
from preread.data import Question, read_corpus, read_questions
from preread.indexer import IndexConfig, PassageIndex, build_index, index_info
from preread.pipeline import OpenDomainQA, open_retriever
from preread.reader import Reader
from preread.reader.checkpoints import shipped_reader_path
from preread.reader.retrieval.files import HEAD_FILE, save_head
from preread.reader.retrieval.head import RetrievalHead
from timing import in_turns, spread

RETRIEVERS = ("bm25", "bm25-rerank", "dense", "hybrid")
WARM_UPS = 3


def with_random_head(name: str, n_layers: int, width: int, folder: Path) -> Path:
    """A copy of a reader, with a head that was not trained."""
    shutil.copytree(shipped_reader_path(name) or Path(name), folder)
    reader = Reader.load(folder)
    torch.manual_seed(0)
    save_head(RetrievalHead(reader.config, n_layers, width), reader, folder / HEAD_FILE)
    return folder


def build_seconds(corpus: Path, index: Path, reader: Reader, config: IndexConfig) -> float:
    """Build an index anew; returns the time from its estimate to its manifest."""
    shutil.rmtree(index, ignore_errors=True)
    begins: list[float] = []
    build_index(
        corpus, index, reader, config, on_estimate=lambda _: begins.append(time.perf_counter())
    )
    return time.perf_counter() - begins[0]


def builds(corpus: Path, folder: Path, reader: Reader, codec: str, repeat: int) -> dict[str, Any]:
    """Passages a second and bytes a passage, with and without vectors."""
    configs = {
        name: IndexConfig(codec=codec, workers=1, vectors=name == "with_vectors")
        for name in ("with_vectors", "without_vectors")
    }
    took: dict[str, list[float]] = {name: [] for name in configs}
    for _ in range(repeat):
        for name, config in configs.items():
            took[name].append(build_seconds(corpus, folder / name, reader, config))
            print(name, took[name][-1], flush=True)
    info = {name: index_info(folder / name) for name in configs}
    n = info["with_vectors"]["n_passages"]
    slower = zip(took["with_vectors"], took["without_vectors"], strict=True)
    return {
        "n_passages": n,
        "seconds": took,
        "passages_a_second": {name: spread([n / s for s in took[name]]) for name in configs},
        "times_as_long": spread([a / b for a, b in slower]),
        "bytes_a_passage": {
            name: round((found["bytes_total"] - found["bytes_codec"]) / n, 1)
            for name, found in info.items()
        },
        "bytes_of_vectors_a_passage": round(info["with_vectors"]["bytes_dense"] / n, 1),
    }


def questions_in_turns(
    index: Path, reader: Reader, questions: Sequence[Question], top_k: int, repeat: int
) -> dict[str, Any]:
    """Milliseconds that each retriever takes to find passages, and to answer, for a question."""
    found: dict[str, Any] = {}
    with PassageIndex(index) as opened:
        systems = {
            name: OpenDomainQA(opened, reader, open_retriever(opened, name, reader=reader))
            for name in RETRIEVERS
        }
        stages: dict[str, list[list[float]]] = {name: [] for name in systems}

        def asks(name: str) -> None:
            timings = [systems[name].answer(q.question, top_k=top_k).timings for q in questions]
            stages[name].append([one.stages["retrieve"] for one in timings])

        for qa in systems.values():
            for question in questions[:WARM_UPS]:
                qa.answer(question.question, top_k=top_k)
        runs = {name: [lambda name=name: asks(name)] for name in systems}
        seconds = in_turns(runs, range(repeat))
    for name in systems:
        per_question = [s / len(questions) for s in seconds[name]]
        retrieve = [statistics.median(of_round) for of_round in stages[name]]
        found[name] = {"retrieve_ms": spread(retrieve), "answer_ms": spread(per_question, 1000)}
    return found


def main() -> None:
    """Build, ask, write."""
    parser = command_line(__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--reader", default="default")
    parser.add_argument("--random-head", type=int, metavar="LAYERS", help="take an untrained head")
    parser.add_argument("--width", type=int, default=256, help="numbers in a vector of that head")
    parser.add_argument("--codec", default="rpq9")
    parser.add_argument("--passages", type=int, default=4000)
    parser.add_argument("--top-k", type=int, default=20)
    parser.add_argument("--repeat", type=int, default=5)
    add_sample(parser, "questions", default=100)
    options = parser.parse_args()
    questions = drawn(list(read_questions(options.questions)), options.sample, options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reader = options.reader
        if options.random_head is not None:
            made = folder / "reader"
            reader = with_random_head(reader, options.random_head, options.width, made)
        loaded = Reader.load(reader)
        corpus = write_passages(
            folder / "passages.jsonl", list(read_corpus(options.corpus, limit=options.passages))
        )
        built = builds(corpus, folder, loaded, options.codec, options.repeat)
        with PassageIndex(folder / "with_vectors") as index:
            dense = index.manifest.dense
        if dense is None:
            parser.error(f"{options.reader}: has no retrieval head; give --random-head")
        asked = questions_in_turns(
            folder / "with_vectors", loaded, questions, options.top_k, options.repeat
        )
    content = {
        "corpus": options.corpus.name,
        "reader": options.reader,
        "random_head_layers": options.random_head,
        "width": dense.width,
        "codec": options.codec,
        "build": built,
        "n_questions": len(questions),
        "top_k": options.top_k,
        "questions": asked,
    }
    print(content)
    write_result("one-pass-cost", content)


if __name__ == "__main__":
    main()
