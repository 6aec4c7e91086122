"""How well are open-domain questions answered, and what does the index cost?

    python benchmarks/open_domain.py CORPUS QUESTIONS INDEX --top-k 20

The script builds INDEX of CORPUS, or continues its build, and answers QUESTIONS from it. An index
that is complete is taken as it is. A retriever other than BM25 needs vectors in the index
(`preread dense`).
"""

from dataclasses import asdict
from pathlib import Path

from common import add_sample, command_line, drawn, write_result
from preread.data import read_questions
from preread.indexer import build_index, index_info
from preread.pipeline import OpenDomainQA, evaluate
from preread.reader import Reader


def main() -> None:
    """Build, evaluate, write."""
    parser = command_line(__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("index", type=Path)
    parser.add_argument("--top-k", type=int, nargs="+", default=[20])
    parser.add_argument("--reader", default="default")
    parser.add_argument("--retriever", default="bm25", help="bm25; dense and hybrid need vectors")
    add_sample(parser, "questions")
    options = parser.parse_args()
    reader = Reader.load(options.reader)
    if not (options.index / "manifest.json").exists():
        build_index(options.corpus, options.index, reader, resume=True, show_progress=True)
    qa = OpenDomainQA.from_index(options.index, retriever=options.retriever)
    questions = drawn(list(read_questions(options.questions)), options.sample, options.seed)
    scores = [evaluate(qa, questions, top_k=top_k, show_progress=True) for top_k in options.top_k]
    info = index_info(options.index)
    content = {
        "corpus": options.corpus.name,
        "questions": options.questions.name,
        "seed": options.seed if options.sample else None,
        "retriever": options.retriever,
        "weights": asdict(qa.weights),
        "index": {k: v for k, v in info.items() if k not in ("corpus", "encoder")},  # folders
        "scores": scores,
    }
    name = f"open-domain-{options.corpus.name.split('.')[0]}"
    is_default = options.retriever == "bm25"
    write_result(name if is_default else f"{name}-{options.retriever}", content)


if __name__ == "__main__":
    main()
