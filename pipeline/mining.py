"""Hard negatives for open-domain training: what is found for a question and does not answer it.

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
"""Passages for a query, at most so many, best first."""


class SkipReason(StrEnum):
    """Why a question gives no example."""

    IMPOSSIBLE = "impossible"
    """Its context does not hold the answer."""
    MULTI_SPAN = "multi_span"
    """Its answer is several spans."""
    NO_ANSWER = "no_answer"
    """It has no gold answer."""
    NO_POSITIVE = "no_positive"
    """No context was given, and no passage found holds an answer."""
    NOT_CONFIRMED = "not_confirmed"
    """No context was given, and the reader gives the answer from none of the passages that hold
    it."""


class Miner:
    """Makes open-domain examples of questions, one by one; each depends on its question alone."""

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
        """Say where passages come from.

        Args:
            search: Finds passages for a question; the same ones at every call.
            negatives: How many an example has, where there are as many.
            depth: Passages that are looked at for each question.
            leave_out: Texts that are neither a negative nor a positive that was found.
            confirm: Chooses the positive of a question without a context; None takes the best
                passage that holds an answer.
            candidates: How many passages that hold an answer ``confirm`` chooses from.

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
        """Make an example of a question, or say why there is none.

        With a context, that is the positive, and its first annotated answer is the answer.
        Without, the positive is the best passage that holds an answer in its text, or the one of
        the best few that ``confirm`` chooses.
        """
        if isinstance(question, ReadingExample):
            return self._mine_reading(question)
        return self._mine_open(question)

    def _mine_reading(self, example: ReadingExample) -> OpenDomainExample | SkipReason:
        """The positive is given."""
        if example.is_impossible:
            return SkipReason.IMPOSSIBLE
        if example.multi_span:
            return SkipReason.MULTI_SPAN
        if not example.answers:
            return SkipReason.NO_ANSWER
        title = example.title.replace("_", " ")  # SQuAD's titles are those of Wikipedia's addresses
        positive = Passage("", example.context, title)
        answers = tuple(dict.fromkeys(example.answers))
        question = Question(example.example_id, example.question, answers)
        found = self._search(question.question, self._depth)
        return self._example(question, positive, example.answer_starts[0], answers[0], found)

    def _mine_open(self, question: Question) -> OpenDomainExample | SkipReason:
        """The positive is found."""
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
        """Put the example together; of patterns, the text that matched is the answer."""
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
        """The best passages that hold no answer and are not the positive, each text once."""
        chosen: list[Passage] = []
        # An answer annotated within a word ("cat" of "cats") is not found in its own context.
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
    """Whether an answer of the question stands in a text."""
    holds = has_pattern if question.match is AnswerMatch.REGEX else has_answer
    return holds(text, question.answers)


def mine_negatives(
    search: Search,
    questions: Path,
    output: Path,
    *,
    negatives: int = 20,
    depth: int = 100,
    leave_out: Sequence[Path] = (),
    confirm: Confirmer | None = None,
    candidates: int = 4,
    format: QuestionFormat = QuestionFormat.AUTO,
    on_error: OnError = OnError.FAIL,
    report: ReadReport | None = None,
    limit: int | None = None,
    show_progress: bool = False,
) -> dict[str, Any]:
    """Make a file of open-domain training examples with hard negatives.

    The same search and questions give the same bytes. The file appears when it is complete.

    Args:
        search: Finds passages: ``partial(search_passages, index)``, with any retriever, or a
            `CorpusSearch`.
        questions: A file of reading comprehension (the given context is the positive) or of
            open-domain questions (the positive is found). The answers of one named CuratedTREC
            are patterns.
        output: JSON Lines that ``read_open_domain_examples`` reads; gzip where it ends in ``.gz``.
        negatives: How many an example has, where there are as many.
        depth: Passages that are looked at for each question.
        leave_out: Files of reading comprehension whose contexts are neither a negative nor a
            positive that was found, so that a reader can be measured on them later.
        confirm: Chooses the positive of a question without a context; None takes the best passage
            that holds an answer.
        candidates: How many passages that hold an answer ``confirm`` chooses from.
        format: Format of the questions; ``AUTO`` tells it from the file.
        on_error: What to do with a question that cannot be used.
        report: Filled with what was read and skipped of the questions, where given.
        limit: Number of questions after which to stop.
        show_progress: Draw a progress bar on standard error.

    Returns:
        The keys of ``preread mine --json``: ``n_questions``, ``n_written``, ``n_skipped`` by
        ``SkipReason``; of the examples written, ``mean_negatives`` and ``n_without_negatives``.

    Raises:
        DataError: If the questions cannot be read.
        PrereadError: If there is something at ``output`` or no folder for it, a number is out of
            range, or no question gives an example.
    """
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
    # All of them first: a fault in the last record shows before the work, not after it.
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
                f"{questions}: none of its {len(records)} questions gives an example ({reasons}). "
                f"Nothing was written; name other questions, or passages that cover them."
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
    """The questions, with their contexts where the format has any."""
    if format is QuestionFormat.AUTO:
        format = detect_question_format(path)
    if format.has_context:
        examples = read_examples(path, format=format, on_error=on_error, report=report, limit=limit)
        return list(examples)
    # Not `read_gold` for all: questions without answers are counted here, not refused.
    read = read_gold if usual_match(path) is AnswerMatch.REGEX else read_questions
    return list(read(path, format=format, on_error=on_error, report=report, limit=limit))
