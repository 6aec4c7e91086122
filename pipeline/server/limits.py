"""What a server takes from its clients, and how it shares the reader among them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from ...data import PrereadError
from ..qa.types import ProvidedPassage
from .errors import InvalidRequestError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that one request may ask for; more is refused before anything is read."""

    max_request_bytes: int = 1 << 20
    """Body of a request."""
    max_question_chars: int = 1_000
    """A question or query; Lucene refuses queries of about a thousand words."""
    max_top_k: int = 100
    """Passages that are retrieved, or read, for a question."""
    max_answers: int = 50
    max_passages: int = 100
    """Passages that a client may give to be read or ranked."""
    max_questions: int = 16
    """Questions that a search engine may ask of an index in one request."""
    timeout_s: float = 30.0
    """From the headers of a request to its answer; a client may ask for less."""

    def __post_init__(self) -> None:
        """Check.

        Raises:
            PrereadError: If a limit leaves nothing to be done.
        """
        _check_positive(self)

    def check_question(self, question: str, name: str = "question") -> None:
        """Refuse a question that is too long, or that has no words."""
        if not question.strip():
            raise InvalidRequestError(name, "expected some words, found none")
        self._check(name, len(question), self.max_question_chars, "characters")

    def check_top_k(self, top_k: int, name: str = "top_k") -> None:
        """Refuse to retrieve too many passages."""
        self._check(name, top_k, self.max_top_k)

    def check_answers(self, n_answers: int, name: str = "n_answers") -> None:
        """Refuse to give too many answers."""
        self._check(name, n_answers, self.max_answers)

    def check_questions(self, questions: Sequence[str]) -> None:
        """Refuse too many questions, and what `check_question` refuses, and none at all."""
        if not questions:
            raise InvalidRequestError("questions", "expected at least one, found none")
        self._check("questions", len(questions), self.max_questions)
        for place, question in enumerate(questions):
            self.check_question(question, f"questions[{place}]")

    def check_passages(self, passages: Sequence[ProvidedPassage], name: str = "passages") -> None:
        """Refuse to read too many passages."""
        self._check(name, len(passages), self.max_passages, "passages")

    @staticmethod
    def _check(name: str, found: int, limit: int, unit: str = "") -> None:
        if found > limit:
            what = f"{limit:,} {unit}".rstrip()
            raise InvalidRequestError(name, f"expected at most {what}, found {found:,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeConfig:
    """How a server works."""

    limits: Limits = field(default_factory=Limits)
    max_batch: int = 16
    """Requests that are read together."""
    max_batch_passages: int = 400
    """Passages that are read together, of all requests of a batch: bounds the memory it takes."""
    batch_wait_ms: float = 5.0
    """How long a request waits for others to be read with, when the reader is idle."""
    max_queue: int = 64
    """Requests that wait to be read; one more is refused."""
    max_in_flight: int = 256
    """Requests that are being received, waiting or answered; one more is refused unread."""
    reload_seconds: float = 2.0
    """How often the folders of the indexes are looked at for changes; 0 means never."""
    grace_seconds: float = 30.0
    """How long requests in flight are waited for when the server is told to stop."""
    log_questions: bool = False
    """Whether questions are written to the log."""

    def __post_init__(self) -> None:
        """Check.

        Raises:
            PrereadError: If a number cannot be.
        """
        _check_positive(self, may_be_zero=("batch_wait_ms", "reload_seconds", "grace_seconds"))


def _check_positive(config: object, may_be_zero: Sequence[str] = ()) -> None:
    """Refuse numbers that are not positive."""
    for entry in fields(config):  # type: ignore[arg-type]
        value = getattr(config, entry.name)
        if not isinstance(value, int | float):
            continue
        is_allowed = value >= 0 if entry.name in may_be_zero else value > 0
        if not is_allowed and not isinstance(value, bool):
            least = "0 or more" if entry.name in may_be_zero else "more than 0"
            flag = entry.name.replace("_", "-")
            raise PrereadError(f"--{flag}: expected {least}, found {value}.")
