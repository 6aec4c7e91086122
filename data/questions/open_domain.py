"""Open-domain training files: questions with passages that answer them and passages that do not.

They are JSON Lines with the keys of DPR's retriever training files; either can be read in place of
the other::

    {"id": "q1", "question": "…", "answers": ["…"],
     "positive_ctxs": [{"title": "…", "text": "…", "passage_id": "…",
                        "answer": "…", "answer_start": 17}],
     "negative_ctxs": [],
     "hard_negative_ctxs": [{"title": "…", "text": "…", "passage_id": "…"}]}

DPR's files, which are one JSON array, have no ``id``, ``answer`` and ``answer_start`` (in code
points of the positive's ``text``). For these, the identifier is the record number, and the answer
is searched in the positives, first to last.

Source: https://github.com/facebookresearch/DPR#retriever-input-data-format.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ..io.fields import (
    take_objects,
    take_optional_id,
    take_optional_text,
    take_start,
    take_text,
    take_texts,
)
from ..io.json_records import (
    JsonObject,
    as_json_object,
    read_json_lines,
    read_json_values,
    shorten,
    write_json_lines,
)
from ..io.lines import check_file, read_first_line
from ..io.policy import (
    ErrorPolicy,
    OnError,
    ReadReport,
    SourceLocation,
    check_limit,
    draw,
    parse_each,
)
from ..metrics.answers import find_answer
from ..records import OpenDomainExample, Passage

_ID_NAMES = ("passage_id", "psg_id")
"""The first is used in DPR's files of Natural Questions, the second in those of TriviaQA."""


def read_open_domain_examples(
    path: str | Path,
    *,
    on_error: OnError = OnError.FAIL,
    report: ReadReport | None = None,
    limit: int | None = None,
) -> Iterator[OpenDomainExample]:
    """Read open-domain training examples, from JSON Lines or from DPR's JSON arrays.

    The path is checked at once, records when they are drawn. Lines are streamed; an array is held
    in memory as a whole. Negatives are the ``hard_negative_ctxs`` or, where there are none, the
    ``negative_ctxs``.

    Args:
        path: A file, plain or gzip.
        on_error: What to do with a record that cannot be used.
        report: Updated with what is read and skipped; None for no report.
        limit: Number of examples after which to stop; None for all.

    Raises:
        DataError: If the file cannot be read or holds no example, or ``on_error`` is ``FAIL`` and a
            record cannot be used, for instance because it has no answer or no positive, or its
            answer is not at its offset.
        ValueError: If the limit is negative, or ``on_error`` is not a valid choice.
    """
    check_limit(limit)
    path = Path(path)
    policy = ErrorPolicy.of(on_error, report)
    check_file(path)
    found = parse_each(_read_values(path, policy), _parse, policy)
    return draw(found, path=path, noun="example", report=policy.report, limit=limit)


def write_open_domain_examples(
    path: str | Path, examples: Iterable[OpenDomainExample], *, compress: bool | None = None
) -> int:
    """Write examples as JSON Lines, and count them; equal examples give equal bytes.

    Args:
        path: The file to write; it is overwritten.
        examples: The examples, drawn one by one.
        compress: Whether to gzip; by default where the name ends in ``.gz``.

    Raises:
        DataError: If an example could not be read back; the error names the line it would have been
            on.
    """
    return write_json_lines(path, map(_record_of, examples), _parse, compress=compress)


def _read_values(path: Path, policy: ErrorPolicy) -> Iterator[tuple[SourceLocation, JsonObject]]:
    """Read the file's records: the items of an array, or the lines."""
    if read_first_line(path).lstrip().startswith(b"["):
        return parse_each(read_json_values(path), as_json_object, policy)
    return read_json_lines(path, policy)


def _parse(record: JsonObject, location: SourceLocation) -> OpenDomainExample:
    """Parse a record; the identifier of an example without one is its record number."""
    answers = take_texts(record, "answers", location)
    if not answers:
        raise location.error("expected an answer in 'answers', found none. Drop the record.")
    positive, answer, start = _parse_positive(record, answers, location)
    hard = take_objects(record, "hard_negative_ctxs", location)
    negatives = hard or take_objects(record, "negative_ctxs", location)  # as DPR's training does
    name = take_optional_id(record, ("id",), location) or str(location.number)
    _check_answer(positive.text, answer, start, f"record {name!r}", location)
    return OpenDomainExample(
        example_id=name,
        question=take_text(record, "question", location),
        answers=answers,
        positive=positive,
        answer=answer,
        answer_start=start,
        negatives=tuple(_parse_passage(value, at) for at, value in negatives),
    )


def _parse_positive(
    record: JsonObject, answers: tuple[str, ...], location: SourceLocation
) -> tuple[Passage, str, int]:
    """Return the positive, the answer as it is written there, and the answer's start."""
    positives = take_objects(record, "positive_ctxs", location)
    if not positives:
        raise location.error(
            "expected a passage that answers the question in 'positive_ctxs', found none. "
            "Add it or drop the record."
        )
    at, first = positives[0]
    if "answer" in first or "answer_start" in first:
        start = take_start(first, "answer_start", at)
        return _parse_passage(first, at), take_text(first, "answer", at), start
    for at, value in positives:
        passage = _parse_passage(value, at)
        span = find_answer(passage.text, answers)
        if span is not None:
            return passage, passage.text[slice(*span)], span[0]
    raise location.error(
        f"expected one of the answers {shorten(list(answers))} in one of the {len(positives)} "
        "'positive_ctxs', found none there. Correct or drop the record."
    )


def _check_answer(text: str, answer: str, start: int, name: str, location: SourceLocation) -> None:
    """Refuse an answer that is not at its offset."""
    found = text[start : start + len(answer)] if start >= 0 else ""
    if found != answer:
        raise location.error(
            f"{name}: expected the answer {shorten(answer)} at offset {start} of the positive "
            f"({len(text)} characters), found {shorten(found)}. "
            "Offsets count Unicode code points; correct it or drop the record."
        )


def _parse_passage(value: JsonObject, location: SourceLocation) -> Passage:
    """Parse a passage; the identifier of one without it is empty."""
    names = tuple(name for name in _ID_NAMES if value.get(name) != "")
    return Passage(
        passage_id=take_optional_id(value, names, location) or "",
        text=take_text(value, "text", location),
        title=take_optional_text(value, "title", location),
    )


def _record_of(example: OpenDomainExample) -> JsonObject:
    location = {"answer": example.answer, "answer_start": example.answer_start}
    return {
        "id": example.example_id,
        "question": example.question,
        "answers": list(example.answers),
        "positive_ctxs": [_passage_record(example.positive) | location],
        "negative_ctxs": [],
        "hard_negative_ctxs": [_passage_record(passage) for passage in example.negatives],
    }


def _passage_record(passage: Passage) -> JsonObject:
    """Return the passage as a JSON object with DPR's keys."""
    return {"title": passage.title, "text": passage.text, "passage_id": passage.passage_id}
