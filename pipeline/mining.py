"""Mining hard negatives: passages that are found for a question and hold no answer.

Source: Karpukhin et al. 2020 (https://aclanthology.org/2020.emnlp-main.550), section 3.2.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..data import (
    AnswerMatch,
    OnError,
    OpenDomainExample,
    Passage,
    PrereadError,
    Question,
    QuestionFormat,
    ReadingExample,
    ReadReport,
    detect_question_format,
    find_answer,
    find_pattern,
    has_answer,
    has_pattern,
    read_examples,
    read_gold,
    read_questions,
    usual_match,
    write_open_domain_examples,
)
from ..data.io.atomic import atomic_path
from ..data.text.letters import letters
from ..indexer.storage.files import check_new_file
from .confirmation import Confirmer
from .retrievers.search import FoundPassage

Search = Callable[[str, int], Sequence[FoundPassage]]
"""Takes a query and a maximum number of passages; returns passages, best first."""


class SkipReason(StrEnum):
    """Why no example can be made from a question."""

    IMPOSSIBLE = "impossible"
    """The context does not hold the answer."""
    MULTI_SPAN = "multi_span"
    """The answer consists of several spans."""
    NO_ANSWER = "no_answer"
    """The question has no gold answer."""
    NO_POSITIVE = "no_positive"
    """The question has no context, and no passage that was found holds an answer."""
    NOT_CONFIRMED = "not_confirmed"
    """The question has no context, and from no passage that holds the answer does the reader give
    it."""


class Miner:
    """Makes open-domain training examples, each from one question alone."""

    def __init__(
        self,
        search: Search,
        *,
        negatives: int = 20,
        depth: int = 100,
        leave_out: Iterable[str] = (),
        confirm: Confirmer | None = None,
        candidates: int = 4,
    ) -> None:
        """Take a search.

        Args:
            search: Finds passages for a question, the same ones at every call.
            negatives: Maximum number of negatives per example.
            depth: Number of passages that are examined per question.
            leave_out: Texts that are used neither as a negative nor as a positive that was found.
            confirm: Chooses the positive of a question without a context; None takes the best
                passage that holds an answer.
            candidates: Number of passages that hold an answer from which ``confirm`` chooses.

        Raises:
            PrereadError: If ``negatives`` or ``candidates`` is not positive, or ``depth`` is less
                than ``negatives``.
        """
        if candidates < 1:
            raise PrereadError(f"candidates must be at least 1, found {candidates}.")
        if negatives < 1:
            raise PrereadError(f"negatives must be at least 1, found {negatives}.")
        if depth < negatives:
            raise PrereadError(
                f"depth must be at least the number of negatives ({negatives}), found {depth}."
            )
        self._search = search
        self._n_negatives = negatives
        self._depth = depth
        self._left_out = frozenset(map(letters, leave_out))
        self._confirm = confirm
        self._n_candidates = candidates

    def mine(self, question: Question | ReadingExample) -> OpenDomainExample | SkipReason:
        """Make an example from a question.

        The context of a question is the positive, and the first annotated answer is the answer.
        Without a context, the positive is the best passage whose text holds an answer, or the one
        that ``confirm`` chooses.

        Args:
            question: A question with or without a context.

        Returns:
            The example, or the reason why there is none.
        """
        if isinstance(question, ReadingExample):
            return self._mine_reading(question)
        return self._mine_open(question)

    def _mine_reading(self, example: ReadingExample) -> OpenDomainExample | SkipReason:
        """An example whose positive is the context."""
        if example.is_impossible:
            return SkipReason.IMPOSSIBLE
        if example.multi_span:
            return SkipReason.MULTI_SPAN
        if not example.answers:
            return SkipReason.NO_ANSWER
        title = example.title.replace("_", " ")  # SQuAD has the titles of Wikipedia's URLs
        positive = Passage("", example.context, title)
        answers = tuple(dict.fromkeys(example.answers))
        question = Question(example.example_id, example.question, answers)
        found = self._search(question.question, self._depth)
        return self._example(question, positive, example.answer_starts[0], answers[0], found)

    def _mine_open(self, question: Question) -> OpenDomainExample | SkipReason:
        """An example whose positive is found."""
        if not question.answers:
            return SkipReason.NO_ANSWER
        found = self._search(question.question, self._depth)
        find = find_pattern if question.match is AnswerMatch.REGEX else find_answer
        located = (
            (passage, find(passage.text, question.answers))
            for passage in (hit.passage for hit in found)
            if _holds(passage.text, question) and letters(passage.text) not in self._left_out
        )
        holding = ((passage, span) for passage, span in located if span is not None)
        if self._confirm is None:
            for passage, span in holding:
                answer = passage.text[slice(*span)]
                return self._example(question, passage, span[0], answer, found)
            return SkipReason.NO_POSITIVE
        some = list(islice(holding, self._n_candidates))
        if not some:
            return SkipReason.NO_POSITIVE
        texts = dict.fromkeys(passage.text[slice(*span)] for passage, span in some)
        is_pattern = question.match is AnswerMatch.REGEX
        answers = tuple(texts) if is_pattern else question.answers
        chosen = self._confirm(question.question, answers, [passage for passage, _ in some])
        if chosen is None:
            return SkipReason.NOT_CONFIRMED
        return self._example(question, chosen.passage, chosen.start, chosen.answer, found)

    def _example(
        self,
        question: Question,
        positive: Passage,
        answer_start: int,
        answer: str,
        found: Iterable[FoundPassage],
    ) -> OpenDomainExample:
        """The example; if answers are patterns, the text that matched is the answer."""
        negatives = self._choose_negatives(found, question, positive)
        is_pattern = question.match is AnswerMatch.REGEX
        return OpenDomainExample(
            example_id=question.question_id,
            question=question.question,
            answers=(answer,) if is_pattern else question.answers,
            positive=positive,
            answer=answer,
            answer_start=answer_start,
            negatives=negatives,
        )

    def _choose_negatives(
        self, found: Iterable[FoundPassage], question: Question, positive: Passage
    ) -> tuple[Passage, ...]:
        """The best passages without an answer, the positive left out and equal texts taken once."""
        chosen: list[Passage] = []
        # If an answer is part of a word ("cat" in "cats"), its own context seems to hold none.
        seen = {letters(positive.text)}
        for hit in found:
            if len(chosen) == self._n_negatives:
                break
            passage = hit.passage
            printed = letters(passage.text)
            holds = _holds(passage.text, question) or _holds(passage.title, question)
            if not holds and printed not in seen and printed not in self._left_out:
                seen.add(printed)
                chosen.append(passage)
        return tuple(chosen)


def _holds(text: str, question: Question) -> bool:
    holds = has_pattern if question.match is AnswerMatch.REGEX else has_answer
    return holds(text, question.answers)


def mine_negatives(
    search: Search,
    questions: str | Path,
    output: str | Path,
    *,
    negatives: int = 20,
    depth: int = 100,
    leave_out: Sequence[str | Path] = (),
    confirm: Confirmer | None = None,
    candidates: int = 4,
    format: QuestionFormat = QuestionFormat.AUTO,
    on_error: OnError = OnError.FAIL,
    report: ReadReport | None = None,
    limit: int | None = None,
    show_progress: bool = False,
) -> dict[str, Any]:
    """Write a file of open-domain training examples with hard negatives.

    The same search and questions give the same bytes. The file appears when it is complete.

    Args:
        search: Finds passages: ``partial(search_passages, index)`` with any retriever, or a
            `CorpusSearch`.
        questions: A file of reading comprehension, whose contexts are the positives, or of
            open-domain questions, whose positives are found. The answers of CuratedTREC, told by
            the file's name, are patterns.
        output: JSON Lines file for ``read_open_domain_examples``; ``.gz`` compresses it.
        negatives: Maximum number of negatives per example.
        depth: Number of passages that are examined per question.
        leave_out: Files of reading comprehension whose contexts are used neither as a negative nor
            as a positive that was found, so that a reader can be measured on them later.
        confirm: Chooses the positive of a question without a context; None takes the best passage
            that holds an answer.
        candidates: Number of passages that hold an answer from which ``confirm`` chooses.
        format: Format of the questions; ``AUTO`` detects it.
        on_error: What happens at a question that cannot be used.
        report: Filled with counts of questions read and skipped, if not None.
        limit: Number of questions after which to stop.
        show_progress: Draw a progress bar on standard error.

    Returns:
        The keys of ``preread mine --json``: ``n_questions``, ``n_written``, ``n_skipped`` by
        ``SkipReason``; of the examples written, ``mean_negatives`` and ``n_without_negatives``.

    Raises:
        DataError: If the questions cannot be read.
        PrereadError: If ``output`` exists or its folder does not, a number is out of range, or no
            example can be made.
    """
    questions = Path(questions)
    output = Path(output)
    check_new_file(output)
    contexts = {e.context for path in leave_out for e in read_examples(path, on_error=on_error)}
    miner = Miner(
        search,
        negatives=negatives,
        depth=depth,
        leave_out=contexts,
        confirm=confirm,
        candidates=candidates,
    )
    # All are read first, so that an error in the last record ends the run before the work.
    records = _read_records(questions, format, on_error, report, limit)
    skipped: Counter[SkipReason] = Counter()
    counts: list[int] = []

    def examples() -> Iterator[OpenDomainExample]:
        for record in tqdm(records, desc="mining", unit=" questions", disable=not show_progress):
            mined = miner.mine(record)
            if isinstance(mined, SkipReason):
                skipped[mined] += 1
            else:
                counts.append(len(mined.negatives))
                yield mined

    with atomic_path(output) as temporary:
        write_open_domain_examples(temporary, examples(), compress=output.suffix == ".gz")
        if not counts:
            reasons = ", ".join(f"{reason}: {n}" for reason, n in skipped.items())
            raise PrereadError(
                f"{questions}: no example can be made from its {len(records)} questions "
                f"({reasons}). Nothing was written. Name other questions, or passages that answer "
                "them."
            )
    return {
        "n_questions": len(records),
        "n_written": len(counts),
        "n_skipped": {reason.value: skipped[reason] for reason in SkipReason},
        "mean_negatives": round(sum(counts) / len(counts), 2),
        "n_without_negatives": counts.count(0),
    }


def _read_records(
    path: Path,
    format: QuestionFormat,
    on_error: OnError,
    report: ReadReport | None,
    limit: int | None,
) -> Sequence[Question | ReadingExample]:
    """The questions, with their contexts if the format has contexts."""
    if format is QuestionFormat.AUTO:
        format = detect_question_format(path)
    if format.has_context:
        examples = read_examples(path, format=format, on_error=on_error, report=report, limit=limit)
        return list(examples)
    # `read_gold` refuses questions without answers, which are counted here.
    read = read_gold if usual_match(path) is AnswerMatch.REGEX else read_questions
    return list(read(path, format=format, on_error=on_error, report=report, limit=limit))
