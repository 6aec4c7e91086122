"""Scoring of a predictions file against annotated examples."""

from collections.abc import Collection, Iterator
from pathlib import Path

from ..errors import DataError
from ..io.fields import take_id
from ..io.json_records import JsonObject
from ..io.policy import ErrorPolicy, SourceLocation
from .files import read_nq_records
from .parsing import parse_annotations, parse_candidates, parse_document
from .predictions import NqPrediction, read_nq_predictions
from .records import NqAnswer
from .scoring import (
    NON_NULL_THRESHOLD,
    AnswerScores,
    NqOutcome,
    NqScores,
    long_outcome,
    short_outcome,
)
from .spans import NqSpan

_N_NAMED = 3
"""Maximum number of examples that an error names."""


def score_nq(
    gold: str | Path,
    predictions: str | Path,
    *,
    non_null_threshold: int = NON_NULL_THRESHOLD,
) -> NqScores:
    """Score long and short answers as the official script of Natural Questions does.

    Gold records are streamed. In addition to the script's checks, a prediction whose bytes and
    tokens name different spans is refused, because either of them could make it correct.

    Args:
        gold: Annotated examples: a file, plain or gzip, or a folder of files.
        predictions: A file with one JSON object with ``predictions``.
        non_null_threshold: Number of annotators who must have given an answer for an example to
            have one. It is 2 for the development set with five annotators, and 1 for the training
            set with one.

    Raises:
        DataError: If a file cannot be used, an example has no prediction or a prediction no
            example, a prediction's bytes and tokens disagree, or all examples have fewer
            annotations than the threshold.
        ValueError: If the threshold is below 1.
    """
    if non_null_threshold < 1:
        raise ValueError(f"expected a threshold of at least 1, found {non_null_threshold}")
    gold, predictions = Path(gold), Path(predictions)
    found = read_nq_predictions(predictions)
    long: list[NqOutcome] = []
    short: list[NqOutcome] = []
    n_annotations: dict[str, int] = {}
    for name, annotations, record, location in _read_gold(gold):
        if name in n_annotations:
            raise location.error(f"expected each example once, found {name!r} again. Drop one.")
        n_annotations[name] = len(annotations)
        if name not in found:
            continue
        at, prediction = found[name]
        _check_agreement(prediction, record, location, at)
        answer, scores = prediction.answer, (prediction.long_score, prediction.short_score)
        long.append(long_outcome(annotations, answer, scores[0] or 0.0, non_null_threshold))
        short.append(short_outcome(annotations, answer, scores[1] or 0.0, non_null_threshold))
    _check_names(gold, predictions, n_annotations, found)
    most = max(n_annotations.values())
    if most < non_null_threshold:
        raise DataError(
            f"expected examples with at least {non_null_threshold} annotations, found at most "
            f"{most}, so that none has an answer. Lower the non-null threshold to {most}.",
            path=gold,
        )
    return NqScores(len(n_annotations), AnswerScores.of(long), AnswerScores.of(short))


def _read_gold(
    path: Path,
) -> Iterator[tuple[str, tuple[NqAnswer, ...], JsonObject, SourceLocation]]:
    """Yield each example's identifier, its annotations, its record and the record's location."""
    for location, record in read_nq_records(path, ErrorPolicy()):
        name = take_id(record, "example_id", location)
        annotations = parse_annotations(record, location)
        if not annotations:
            raise location.error(
                f"example {name!r}: expected annotations, found none. Use the training or "
                "the development set."
            )
        yield name, annotations, record, location


def _check_names(
    gold: Path, predictions: Path, annotated: Collection[str], found: Collection[str]
) -> None:
    """Refuse examples without a prediction, and predictions for other examples."""
    if not annotated:
        raise DataError("expected examples, found none. Name another path.", path=gold)
    unknown = [name for name in found if name not in annotated]
    if unknown:
        raise DataError(
            f"expected predictions for the {len(annotated):,} examples of {gold}, found "
            f"{len(unknown):,} for others: {_name_some(unknown)}. Remove them.",
            path=predictions,
        )
    missing = [name for name in annotated if name not in found]
    if missing:
        raise DataError(
            f"expected a prediction for each of the {len(annotated):,} examples of {gold}, found "
            f"none for {len(missing):,}: {_name_some(missing)}. Add them; one may be null.",
            path=predictions,
        )


def _name_some(names: list[str]) -> str:
    """List the first of some identifiers."""
    return ", ".join(names[:_N_NAMED]) + (", …" if len(names) > _N_NAMED else "")


def _check_agreement(
    prediction: NqPrediction, record: JsonObject, location: SourceLocation, at: SourceLocation
) -> None:
    """Refuse a span whose bytes and tokens differ, where the record has the page's tokens."""
    spans = (prediction.answer.long_answer, *prediction.answer.short_answers)
    double = [span for span in spans if span.has_tokens and span.has_bytes]
    if not double or "document_tokens" not in record:
        return
    # Spans copied from the data are accepted: their bytes need not end where a token ends.
    released = {candidate.span for candidate in parse_candidates(record, location)}
    for annotation in parse_annotations(record, location):
        released |= {annotation.long_answer, *annotation.short_answers}
    doubtful = [span for span in double if span not in released]
    if not doubtful:
        return
    document = parse_document(record, location)
    n_tokens = len(document.tokens)
    for span in doubtful:
        is_within = span.end_token <= n_tokens
        known = document.span(span.start_token, span.end_token) if is_within else None
        if span != known:
            raise at.error(_disagreement(span, known, n_tokens))


def _disagreement(span: NqSpan, known: NqSpan | None, n_tokens: int) -> str:
    """Say what is wrong with a span's tokens or bytes."""
    tokens = f"tokens {span.start_token}:{span.end_token}"
    if known is None:
        return f"expected tokens within the document's {n_tokens:,}, found {tokens}. Correct them."
    return (
        f"expected bytes {known.start_byte}:{known.end_byte} for {tokens}, found "
        f"{span.start_byte}:{span.end_byte}. Correct one, or leave one out."
    )
