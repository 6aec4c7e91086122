"""Questions about a folder of documents: what is answered, what is left open, and how it reads.

    python benchmarks/handbook.py FOLDER [--min-confidence 0.2] [--top-k 20] [--reader READER]

FOLDER is indexed into a temporary index, and the questions of ``handbook_questions.jsonl`` are
asked; they are about the handbook of a made-up company, which is not part of the repository. An
answer is right if it holds an accepted one and has at most five words more, or has its numbers and
an F1 above one half with it; a question without an answer is right if none is given.
"""

import json
import re
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from common import command_line, write_result
from preread.data import f1_score, normalize_answer
from preread.indexer import IndexConfig, build_index
from preread.pipeline import OpenDomainQA
from preread.reader import Reader

QUESTIONS = Path(__file__).with_name("handbook_questions.jsonl")
THRESHOLDS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
"""Least confidences for which verdicts are counted."""
_MORE_WORDS = 5
_NUMBER = re.compile(r"\d+")
_MARKUP = re.compile(r"\*\*|\||`|\n\s*\n|^\W+$")


def is_right(answer: str, accepted: list[str]) -> bool:
    """Whether an answer says what an accepted one says.

    Args:
        answer: What was answered; empty for no answer.
        accepted: Right answers; empty where there is none in the documents.
    """
    if not accepted or not answer:
        return not accepted and not answer
    words = f" {normalize_answer(answer)} "
    for wanted in accepted:
        inner = f" {normalize_answer(wanted)} "
        if inner in words and len(words.split()) <= len(inner.split()) + _MORE_WORDS:
            return True
        has_numbers = set(_NUMBER.findall(wanted)) <= set(_NUMBER.findall(answer))
        if has_numbers and f1_score(answer, wanted) > 0.5:
            return True
    return False


def ask_all(qa: OpenDomainQA, questions: list[dict[str, Any]], top_k: int) -> list[dict[str, Any]]:
    """The best answer to each question, whatever its confidence.

    Args:
        qa: The index, opened.
        questions: Of the file.
        top_k: Passages that are read.
    """
    answered = []
    for question in questions:
        result = qa.answer(question["question"], top_k=top_k, n_answers=1)
        best = result.answers[0] if result.answers else None
        answered.append(
            question
            | {
                "answer": best.answer if best else "",
                "passage_id": best.passage_id if best else "",
                "confidence": result.confidence or 0.0,
            }
        )
    return answered


def verdicts(answered: list[dict[str, Any]], threshold: float) -> dict[str, Any]:
    """The number of right answers of each kind, if less sure ones are held back.

    Args:
        answered: What `ask_all` returned.
        threshold: Least confidence.
    """
    right: Counter[str] = Counter()
    for one in answered:
        shown = one["answer"] if one["confidence"] >= threshold else ""
        right[one["kind"]] += is_right(shown, one["answers"])
    return {"min_confidence": threshold, "right_by_kind": dict(right)}


def main() -> None:
    """Index, ask, and print a verdict for each question."""
    parser = command_line(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--min-confidence", type=float, default=0.2)
    parser.add_argument("--top-k", type=int, default=20)
    parser.add_argument("--reader", default="default")
    parser.add_argument("--codec", default=None, help="default: the reader's own")
    options = parser.parse_args()
    questions = [json.loads(line) for line in QUESTIONS.read_text("utf-8").splitlines()]
    with TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        reader = Reader.load(options.reader)
        build_index(options.folder, index, reader, IndexConfig(codec=options.codec))
        qa = OpenDomainQA.from_index(index)
        answered = ask_all(qa, questions, options.top_k)
    for one in answered:
        unsure = one["confidence"] < options.min_confidence
        shown = "" if unsure else one["answer"]
        mark = "right" if is_right(shown, one["answers"]) else "WRONG"
        print(
            f"{mark}  {one['id']:9} {one['confidence']:.2f}  {one['question']}\n"
            f"        {one['answer']!r} [{one['passage_id']}]{' (held back)' if unsure else ''}"
        )
    content = {
        "folder": options.folder.name,
        "top_k": options.top_k,
        "n_by_kind": Counter(one["kind"] for one in answered),
        "n_with_markup": sum(bool(_MARKUP.search(one["answer"])) for one in answered),
        "rows": [verdicts(answered, threshold) for threshold in THRESHOLDS],
    }
    print(json.dumps(content, indent=2))
    write_result("handbook", content)


if __name__ == "__main__":
    main()
