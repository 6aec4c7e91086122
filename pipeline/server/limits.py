"""The limits of a server: what one request may ask for, and how many requests share the reader."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from ...data import PrereadError
from ...data.text.characters import is_blank
from ..qa.types import ProvidedPassage
from .errors import InvalidRequestError

MOST_ITEMS = 1_000
"""Items of any list in a request. Validation stops there, whatever the limits of a server are, so
that a body of many small items costs little memory."""
MOST_SCORE = 1e6
"""Largest absolute value of a retrieval score in a request; beyond, float32 loses the logits."""
MOST_CONDITIONS = 32
"""Fields that a filter may name."""
MOST_FILTER_CHARS = 1_000
"""Characters of a field's name or of a value in a filter."""
MOST_FILTER_NUMBER = 1e15
"""Largest absolute value of a number in a filter; JSON's numbers are exact up to here."""
MOST_TOKENS = 1_000_000
"""Largest budget of tokens in a request; more than all passages of a request have."""
DEFAULT_MIN_CONFIDENCE = 0.2
"""Least confidence of an answer where nothing else is set and the reader was calibrated. Of the
shipped reader's answers below it, less than one in five is right (docs/measurements/answers.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that one request may ask for; larger requests are refused before any reading."""

    max_request_bytes: int = 1 << 20
    """Bytes of a request's body."""
    max_question_chars: int = 1_000
    """Characters of a question or query. Lucene refuses queries of about a thousand words."""
    max_top_k: int = 100
    """Passages retrieved for a question."""
    max_answers: int = 50
    """Answers to a question."""
    max_passages: int = 100
    """Passages that a client may provide with a question; at most `MOST_ITEMS`."""
    max_provided_tokens: int = 16_384
    """Tokens of provided text in a request that the index does not hold. Such text goes through
    all layers of the reader."""
    max_questions: int = 16
    """Questions that a search engine may send in one request; at most `MOST_ITEMS`."""
    max_retrieved: int = 5_000
    """Passages of all queries of a batch of searches."""
    timeout_s: float = 30.0
    """Seconds from the headers of a request to its answer, and for the client to take the reply.
    A client may ask for less."""

    def __post_init__(self) -> None:
        """Check the limits.

        Raises:
            PrereadError: If a limit is not positive, or larger than every server's.
        """
        _check_positive(self)
        for name in ("max_passages", "max_questions"):
            if getattr(self, name) > MOST_ITEMS:
                raise PrereadError(
                    f"--{name.replace('_', '-')}: expected at most {MOST_ITEMS:,}, found "
                    f"{getattr(self, name):,}."
                )

    def check_question(self, question: str, name: str = "question") -> None:
        """Refuse a question that is too long or has no words.

        Args:
            question: The question or query.
            name: Name of its field.

        Raises:
            InvalidRequestError: If the question is refused.
        """
        if is_blank(question):
            raise InvalidRequestError(name, "expected some words, found none")
        self._check(name, len(question), self.max_question_chars, "characters")

    def check_top_k(self, top_k: int, name: str = "top_k") -> None:
        """Refuse to retrieve too many passages.

        Args:
            top_k: How many passages were asked for.
            name: Name of the field.

        Raises:
            InvalidRequestError: If there are too many.
        """
        self._check(name, top_k, self.max_top_k)

    def check_answers(self, n_answers: int, name: str = "n_answers") -> None:
        """Refuse to give too many answers.

        Args:
            n_answers: How many answers were asked for.
            name: Name of the field.

        Raises:
            InvalidRequestError: If there are too many.
        """
        self._check(name, n_answers, self.max_answers)

    def check_questions(self, questions: Sequence[str]) -> None:
        """Refuse too many questions, none, or one that `check_question` refuses.

        Args:
            questions: The questions of one request.

        Raises:
            InvalidRequestError: If they are refused.
        """
        if not questions:
            raise InvalidRequestError("questions", "expected at least one, found none")
        self._check("questions", len(questions), self.max_questions)
        for place, question in enumerate(questions):
            self.check_question(question, f"questions[{place}]")

    def check_queries(self, queries: Sequence[str], top_k: int) -> None:
        """Refuse a batch of searches with too many passages, or a query that is refused alone.

        Args:
            queries: The queries of one request.
            top_k: Passages of each query.

        Raises:
            InvalidRequestError: If they are refused.
        """
        self.check_top_k(top_k, "topk")
        self._check("queries", len(queries) * top_k, self.max_retrieved, "passages in all")
        for place, query in enumerate(queries):
            self.check_question(query, f"queries[{place}]")

    def check_passages(self, passages: Sequence[ProvidedPassage], name: str = "passages") -> None:
        """Refuse to read too many provided passages.

        Args:
            passages: The passages of one request.
            name: Name of the field.

        Raises:
            InvalidRequestError: If there are too many.
        """
        self._check(name, len(passages), self.max_passages, "passages")

    @staticmethod
    def _check(name: str, found: int, limit: int, unit: str = "") -> None:
        if found > limit:
            what = f"{limit:,} {unit}".rstrip()
            # A number of thousands of digits is not written out.
            number = f"{found:,}" if found < 10**18 else "a larger number"
            raise InvalidRequestError(name, f"expected at most {what}, found {number}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeConfig:
    """The settings of a server."""

    limits: Limits = field(default_factory=Limits)
    """The most that one request may ask for."""
    max_batch: int = 16
    """Requests that are read together."""
    max_batch_passages: int = 400
    """Passages that are read together, of all requests of a batch. Bounds the memory of a batch."""
    batch_wait_ms: float = 5.0
    """Milliseconds that a request waits for others to share its batch, when the reader is idle."""
    max_queue: int = 64
    """Requests that may wait for the reader; one more is refused."""
    max_in_flight: int = 256
    """Requests that are being received, waiting or answered; one more is refused unread."""
    reload_seconds: float = 2.0
    """Seconds between two looks for changes of the indexes; 0 never looks."""
    grace_seconds: float = 30.0
    """Seconds that a stopping server waits for requests in flight."""
    log_questions: bool = False
    """Whether questions are written to the log."""
    min_confidence: float | None = None
    """Probability of being right below which no answer is given. None means
    `DEFAULT_MIN_CONFIDENCE` for calibrated readers and no threshold for others. A client may ask
    for another."""
    allowed_hosts: tuple[str, ...] = ()
    """Names that the server answers to (the header ``Host``), besides IP addresses and localhost.
    Without any, a server with keys answers to every name and one without keys to no other."""
    mcp: bool = False
    """Whether the tools of the Model Context Protocol are offered at ``/mcp``."""

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            PrereadError: If a number is out of range.
        """
        may_be_zero = ("batch_wait_ms", "reload_seconds", "grace_seconds", "min_confidence")
        _check_positive(self, may_be_zero=may_be_zero)
        if self.min_confidence is not None and self.min_confidence > 1:
            raise PrereadError(f"--min-confidence: expected 0 to 1, found {self.min_confidence}.")


def _check_positive(config: object, may_be_zero: Sequence[str] = ()) -> None:
    """Refuse numbers that are not positive, and those that are no numbers."""
    for entry in fields(config):  # type: ignore[arg-type]
        value = getattr(config, entry.name)
        if not isinstance(value, int | float):
            continue
        is_allowed = value >= 0 if entry.name in may_be_zero else value > 0
        if not is_allowed and not isinstance(value, bool):
            least = "0 or more" if entry.name in may_be_zero else "more than 0"
            flag = entry.name.replace("_", "-")
            raise PrereadError(f"--{flag}: expected {least}, found {value}.")
