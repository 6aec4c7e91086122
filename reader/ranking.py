"""How answers are ranked: the file ``ranking.json`` beside a reader's weights.

Its numbers are fitted to the logits of one reader on one set of questions (``preread calibrate``),
so the file lies beside the weights. `DeformerConfig` describes the network alone.
"""

import datetime
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..data import PrereadError
from ..data.io.atomic import atomic_path
from ..data.io.validation import parse_json
from .config import DeformerConfig

RANKING_FILE = "ranking.json"

Weight = Annotated[float, Field(ge=-1e6, le=1e6)]
"""Larger ones make scores that are no numbers."""
ConfidenceWeights = Annotated[tuple[Weight, ...], Field(min_length=3, max_length=3)]
"""Bias of a logistic function, then the weights of its two features."""
Interval = Annotated[tuple[float, ...], Field(min_length=2, max_length=2)]
"""Lower and upper end of a 95 % interval, in percent."""
Percent = Annotated[float, Field(ge=0, le=100)]


class _Stored(BaseModel):
    """An object in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class ThresholdScore(_Stored):
    """Result on the held-out questions at one threshold of confidence."""

    min_confidence: Annotated[float, Field(ge=0, le=1)]
    """A question whose best answer has a lower confidence is left unanswered."""
    answered: Percent
    """Share of the questions that are answered."""
    exact_match_of_answered: Percent | None
    """Share of the answered questions whose answer is right. None if no question is answered."""
    answered_without_answer: Percent | None = None
    """Share of the questions that are answered although no passage holds a gold answer: the same
    questions, asked of their passages without those that hold one. None if it was not measured."""


class HeldOutScores(_Stored):
    """Scores of a ranking on questions that it was not fitted to."""

    n_questions: Annotated[int, Field(ge=1)]
    exact_match: Percent
    exact_match_interval: Interval
    f1: Percent
    f1_interval: Interval
    expected_calibration_error: Percent | None
    """Calibration error of the confidence, or of the score if there is no confidence, over the
    questions as they are and those without an answer. None if no question was answered."""
    thresholds: tuple[ThresholdScore, ...]
    """In ascending order of the threshold; empty if there is no confidence."""


class FittedOn(_Stored):
    """The data that an entry of the file was fitted to."""

    corpus: str
    """Name of the indexed corpus."""
    questions: str
    """Name of the file of questions."""
    n_questions: Annotated[int, Field(ge=1)]
    """Number of questions that the entry was fitted to."""
    retriever: str
    """Retriever of the passages: ``bm25``, ``dense``, ``hybrid``, ``bm25-rerank`` or the URL of a
    search engine."""
    top_k: Annotated[int, Field(ge=1)]
    """Number of passages read for each question."""
    date: datetime.date
    held_out: HeldOutScores


class AnswerWeights(_Stored):
    """How answers are ranked for one kind of retrieval."""

    bm25_weight: Weight = 0.5
    """Logits that one point of a passage's BM25 score adds to each of its spans."""
    aggregate_answers: bool = False
    """Whether the probabilities of equal answers in several passages are added up. If not, the best
    span decides."""
    answer_temperature: Annotated[float, Field(gt=0)] = 1.0
    """Divides the logits before the probabilities of equal answers are added up. The lower it is,
    the less many weak spans count against a strong one."""
    confidence_weights: ConfidenceWeights | None = None
    """Weights that turn features of the best answer into the probability that it is right. None if
    they were not fitted."""
    fitted_on: FittedOn | None = None
    """None if the values were not fitted, or if what they were fitted to was not recorded."""
    confidence_fitted_on: FittedOn | None = None
    """What the confidence was fitted to, if it was fitted alone and later than the other values."""


class VectorRanking(AnswerWeights):
    """How answers are ranked if the similarity of passage and question vectors is known."""

    encoder: str
    """Fingerprint of the encoder of the vectors. The entry is used with this encoder only, since
    the cosines of another have another scale."""
    similarity_weight: Weight
    """Logits that a cosine of 1 adds to each span of a passage."""


class Ranking(AnswerWeights):
    """How answers are ranked; the defaults are used for a reader without the file."""

    passage_weight: Weight = 0.0
    """Logits that one logit of a passage's margin adds to each of its spans, for every retriever.
    The margin is the logit of the best span less the no-answer score. Not 0 only in readers with
    ``has_no_answer_score``."""
    stop_margin: Weight | None = None
    """Reading stops when the best answer so far is this many logits ahead of what the BM25 scores
    of the unread passages are worth. None reads all passages."""
    vectors: tuple[VectorRanking, ...] = ()
    """One entry for each encoder that a ranking was fitted to. It replaces the fields of
    `AnswerWeights` where the similarities are those of its encoder."""

    @model_validator(mode="after")
    def _check_encoders(self) -> Self:
        encoders = [entry.encoder for entry in self.vectors]
        if len(set(encoders)) < len(encoders):
            raise ValueError(
                "vectors: expected one entry for each encoder, found one encoder twice"
            )
        return self

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read the file.

        Args:
            path: Path of the file.

        Raises:
            PrereadError: If the file cannot be read or is not JSON, or if a field is missing,
                unknown or of another type.
        """
        path = Path(path)
        remedy = "Correct the file, or remove it and fit it again with `preread calibrate`."
        try:
            content = path.read_bytes()
        except OSError as error:
            raise PrereadError(
                f"{path}: the file cannot be read: {error.strerror}. {remedy}"
            ) from error
        return parse_json(cls, content, str(path), remedy)

    def save(self, folder: str | Path) -> Path:
        """Write the file atomically.

        Args:
            folder: Folder of the reader.
        """
        folder = Path(folder)
        path = folder / RANKING_FILE
        with atomic_path(path) as temporary:
            temporary.write_text(self.model_dump_json(indent=2) + "\n", "utf-8")
        return path

    def changed(self, **fields: Any) -> Self:
        """A copy with other values, which are validated.

        Args:
            **fields: New values by field name.

        Raises:
            ValueError: If a field is unknown or of another type.
        """
        return type(self)(**{**{name: value for name, value in self}, **fields})

    def of_encoder(self, encoder: str | None) -> VectorRanking | None:
        """The entry that was fitted to the similarities of an encoder, if there is one.

        Args:
            encoder: Fingerprint of the encoder; None for passages without similarities.
        """
        return next((entry for entry in self.vectors if entry.encoder == encoder), None)

    def with_entry(self, entry: VectorRanking) -> Self:
        """A copy with an entry, which replaces the one of the same encoder.

        Args:
            entry: The entry.
        """
        others = [other for other in self.vectors if other.encoder != entry.encoder]
        return self.changed(vectors=(*others, entry))

    def handed_on(self, *, is_split_alike: bool) -> Self:
        """The ranking for a reader derived from this one, without what was measured on this one.

        Args:
            is_split_alike: Whether both readers have the same number of lower layers. If not,
                confidence and stop margin are dropped, since they do not hold for the answers of
                the other.
        """
        lost: dict[str, Any] = {"fitted_on": None, "confidence_fitted_on": None}
        if not is_split_alike:
            lost["confidence_weights"] = None
        vectors = tuple(entry.model_copy(update=lost) for entry in self.vectors)
        margin = self.stop_margin if is_split_alike else None
        return self.changed(**lost, stop_margin=margin, vectors=vectors)

    def check(self, config: DeformerConfig, name: str) -> None:
        """Check that the ranking suits a reader.

        Args:
            config: Configuration of the reader.
            name: Name of the reader, for the error message.

        Raises:
            PrereadError: If margins count in the ranking, but the reader has no trained no-answer
                score.
        """
        if self.passage_weight and not config.has_no_answer_score:
            raise PrereadError(
                f"{name}: {RANKING_FILE}: passage_weight: expected 0, because the reader has no "
                f"trained no-answer score (has_no_answer_score in config.json), found "
                f"{self.passage_weight}. Set it to 0, or fit it again with `preread calibrate`."
            )


def load_ranking(source: str) -> Ranking:
    """Load a reader's ranking, or the default ranking if the reader has no file.

    Args:
        source: Folder of the reader.

    Raises:
        PrereadError: If the file is not valid.
    """
    path = Path(source) / RANKING_FILE
    return Ranking.load(path) if path.exists() else Ranking()
