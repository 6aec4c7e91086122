"""The settings that predictions depend on, stored beside their file for ``--resume``."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ...data import PrereadError, Question
from ...indexer.storage.files import sha256_of
from ...indexer.storage.json_files import write_json
from ...indexer.storage.manifest import MANIFEST_FILE
from ...reader.modeling.fingerprint import weights_sha256
from ..qa.pipeline import OpenDomainQA
from ..retrievers.base import describe


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings that decide answers and scores."""

    questions: str
    """SHA-256 of identifiers, questions, gold answers and their comparison."""
    index: str
    """SHA-256 of the manifest."""
    reader: str
    """SHA-256 of all weights; the fingerprint of an index covers the lower layers only."""
    retriever: str
    bm25_weight: float
    ranking: dict[str, Any]
    """The rule of ranking, and the least confidence of an answer."""
    top_k: int
    runtime: str
    precision: str
    stop_margin: float | None

    @classmethod
    def of(cls, qa: OpenDomainQA, questions: Sequence[Question], top_k: int) -> "Settings":
        """The settings of an evaluation.

        Args:
            qa: An index with its reader and retriever.
            questions: The questions.
            top_k: Number of passages to read.
        """
        listed = [[q.question_id, q.question, q.answers, q.match.value] for q in questions]
        return cls(
            questions=hashlib.sha256(json.dumps(listed).encode()).hexdigest(),
            index=sha256_of(qa.index.path / MANIFEST_FILE),
            reader=weights_sha256(qa.reader.model),
            retriever=describe(qa.retriever),
            bm25_weight=qa.weights.bm25,
            ranking=_ranking(qa),
            top_k=top_k,
            runtime=qa.reader.runtime_name.value,
            precision=qa.reader.precision.value,
            stop_margin=None if qa.stop_margin in (None, math.inf) else qa.stop_margin,
        )

    def save(self, predictions: Path) -> None:
        """Write the settings beside a predictions file, atomically.

        Args:
            predictions: The predictions file.
        """
        write_json(settings_path(predictions), asdict(self))

    def check(self, predictions: Path) -> None:
        """Compare with the settings that a predictions file was written with.

        Args:
            predictions: The predictions file.

        Raises:
            PrereadError: If a setting differs, or the settings of the file are missing.
        """
        path = settings_path(predictions)
        try:
            found = json.loads(path.read_text("utf-8"))
            old = {field.name: found[field.name] for field in fields(self)}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PrereadError(
                f"{path}: expected the settings that {predictions} was written with, found none "
                f"({error!r}). Evaluate anew, without --resume."
            ) from error
        new = asdict(self)
        differing = [name for name in new if new[name] != old[name]]
        if differing:
            what = "; ".join(f"{name} {_short(old[name])}" for name in differing)
            now = "; ".join(f"{name} {_short(new[name])}" for name in differing)
            raise PrereadError(
                f"{predictions}: written with other settings: it has {what}; this is {now}. "
                "Evaluate with the same settings, name another file, or leave out --resume."
            )


def _ranking(qa: OpenDomainQA) -> dict[str, Any]:
    """The rule of ranking, in types that JSON preserves."""
    rule = asdict(qa.rule)
    weights = rule.pop("confidence_weights")
    similarity = qa.weights.similarity
    return {
        **rule,
        **({"similarity_weight": similarity} if similarity else {}),
        "confidence_weights": None if weights is None else list(weights),
        "passage_weight": qa.reader.ranking.passage_weight,
        "min_confidence": qa.min_confidence,
    }


def settings_path(predictions: Path) -> Path:
    """The settings file of a predictions file.

    Args:
        predictions: The predictions file.
    """
    return predictions.with_name(predictions.name + ".settings.json")


def _short(value: object) -> str:
    """A value for an error message; a hash is shortened."""
    return value[:12] if isinstance(value, str) else str(value)
