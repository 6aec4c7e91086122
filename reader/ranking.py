"""How answers are ranked: what `ranking.json` beside a reader's weights holds.

Its numbers are fitted to the logits of one reader on one set of questions (``preread calibrate``),
so they lie beside the weights. `DeformerConfig` describes the network and knows none of them.
"""

import datetime
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field
from transformers.utils.hub import cached_file

from ..data import PrereadError
from ..data.io.atomic import atomic_path
from ..data.io.validation import parse_json
from .config import DeformerConfig

RANKING_FILE = "ranking.json"

ConfidenceWeights = Annotated[tuple[float, ...], Field(min_length=3, max_length=3)]
"""The bias of a logistic function, and a weight for each of its two features."""
Interval = Annotated[tuple[float, ...], Field(min_length=2, max_length=2)]
"""Lower and upper end, 95 %, in percent."""
Percent = Annotated[float, Field(ge=0, le=100)]


class _Stored(BaseModel):
    """Part of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class ThresholdScore(_Stored):
    """What is left of the held-out questions at a threshold of confidence."""

    min_confidence: Annotated[float, Field(ge=0, le=1)]
    """Below it nothing is answered."""
    answered: Percent
    """Of the questions, those that are answered."""
    exact_match_of_answered: Percent | None
    """Of these, those that are answered right; None where none is."""


class HeldOutScores(_Stored):
    """What a ranking gives on questions that it was not fitted to."""

    n_questions: Annotated[int, Field(ge=1)]
    exact_match: Percent
    exact_match_interval: Interval
    f1: Percent
    f1_interval: Interval
    expected_calibration_error: Percent | None
    """Of the confidence, or of the score where there is no confidence; None where nothing was
    answered."""
    thresholds: tuple[ThresholdScore, ...]
    """By ascending threshold; none where there is no confidence."""


class FittedOn(_Stored):
    """What an entry of the file was fitted on."""

    corpus: str
    """Name of the corpus that the index was made of."""
    questions: str
    """Name of the file of questions."""
    n_questions: Annotated[int, Field(ge=1)]
    """Questions that the entry was fitted to."""
    retriever: str
    """What found their passages: ``bm25``, ``dense``, ``hybrid`` or the URL of a search engine."""
    top_k: Annotated[int, Field(ge=1)]
    """Passages that were read for each question."""
    date: datetime.date
    held_out: HeldOutScores


class AnswerWeights(_Stored):
    """How answers are ranked when their passages were found in one way."""

    bm25_weight: float = 0.5
    """Logits that one point of a passage's BM25 score is worth beside the reader's own."""
    aggregate_answers: bool = False
    """Whether the shares of equal answers in several passages add up. If not, the best span
    wins."""
    answer_temperature: Annotated[float, Field(gt=0)] = 1.0
    """By which logits are divided before the shares of equal answers add up: the lower, the less
    many weak passages can do against a strong one."""
    confidence_weights: ConfidenceWeights | None = None
    """They turn what is known of the best answer into the probability that it is right. None where
    they were not fitted."""
    fitted_on: FittedOn | None = None
    """None where the values were not fitted, or nobody noted to what."""


class VectorRanking(AnswerWeights):
    """How answers are ranked where dense vectors say how similar passage and question are."""

    encoder: str
    """Fingerprint of the encoder whose cosines the entry was fitted to; it holds for no other."""
    similarity_weight: float
    """Logits that a cosine of 1 is worth."""


class Ranking(AnswerWeights):
    """How answers are ranked; the defaults are those of a reader without the file."""

    passage_weight: float = 0.0
    """Logits that one logit of a passage's margin (its best span less its no-answer logit) is worth
    beside its spans' own, whoever found the passage. Other than 0 for readers with
    ``has_no_answer_score`` only."""
    stop_margin: float | None = None
    """By how many logits the best answer so far must be ahead of what the next passage's BM25
    score is worth for reading to stop. None reads all passages that were asked for."""
    vectors: VectorRanking | None = None
    """What takes the place of the fields of `AnswerWeights` where dense vectors find passages.
    None where that was not fitted."""

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a file.

        Args:
            path: The file.

        Raises:
            PrereadError: If it cannot be read, is no JSON, or a field is missing, unknown or of
                another type.
        """
        path = Path(path)
        remedy = "Correct the file, or remove it and fit it again with `preread calibrate`."
        try:
            content = path.read_bytes()
        except OSError as error:
            raise PrereadError(
                f"{path}: expected a file that can be read, found: {error.strerror}. {remedy}"
            ) from error
        return parse_json(cls, content, str(path), remedy)

    def save(self, folder: str | Path) -> Path:
        """Write the file of a reader, atomically.

        Args:
            folder: The reader's.

        Returns:
            The file.
        """
        folder = Path(folder)
        path = folder / RANKING_FILE
        with atomic_path(path) as temporary:
            temporary.write_text(self.model_dump_json(indent=2) + "\n", "utf-8")
        return path

    def changed(self, **fields: Any) -> Self:
        """The same ranking with other values, checked.

        Args:
            **fields: The new values, by the names of the fields.

        Raises:
            ValueError: If a field is unknown or of another type.
        """
        return type(self)(**{**{name: value for name, value in self}, **fields})

    def handed_on(self, *, is_split_alike: bool) -> Self:
        """The ranking of a reader that is made of this one: without what was measured of this one.

        Args:
            is_split_alike: Whether both have as many lower layers. If not, neither the confidence
                nor the stop margin holds of the other's answers.
        """
        lost: dict[str, Any] = {"fitted_on": None}
        if not is_split_alike:
            lost["confidence_weights"] = None
        vectors = self.vectors and self.vectors.model_copy(update=lost)
        margin = self.stop_margin if is_split_alike else None
        return self.changed(**lost, stop_margin=margin, vectors=vectors)

    def check(self, config: DeformerConfig, name: str) -> None:
        """Compare with the reader that it is to rank the answers of.

        Args:
            config: The reader's.
            name: The reader's, for the message of an error.

        Raises:
            PrereadError: If margins count, but the reader was not trained to say "no answer".
        """
        if self.passage_weight and not config.has_no_answer_score:
            raise PrereadError(
                f"{name}: {RANKING_FILE}: passage_weight: expected 0, since the reader was not "
                f"trained to say that a passage holds no answer (has_no_answer_score), found "
                f"{self.passage_weight}. Set it to 0, or fit it again with `preread calibrate`."
            )


def load_ranking(source: str) -> Ranking:
    """How a reader's answers are ranked: its file, or the defaults where it has none.

    Args:
        source: The reader's folder, or its name on the hub.

    Raises:
        OSError: If the hub cannot be asked.
        PrereadError: If the file cannot be used.
    """
    path = cached_file(source, RANKING_FILE, _raise_exceptions_for_missing_entries=False)
    return Ranking() if path is None else Ranking.load(Path(path))
