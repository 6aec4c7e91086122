"""The formats of question files."""

from enum import StrEnum


class QuestionFormat(StrEnum):
    """How a question file is written."""

    AUTO = "auto"
    """Detected from the file's name and first record."""
    NQ_OPEN = "nq-open"
    """JSON Lines with ``question`` and ``answer``, a list, as NQ-open is published."""
    DPR = "dpr"
    """Tab-separated: the question, a Python list of answers; such as DPR's ``.qas.csv``."""
    SQUAD = "squad"
    """JSON of SQuAD 1.1 and 2.0."""
    JSONL = "jsonl"
    """JSON Lines with ``id, title, context, question, answers, answer_starts``."""
    TREC = "trec"
    """Tab-separated: the question's identifier, the question; TREC's topics, without answers."""
    NQ = "nq"
    """Natural Questions as released, original or simplified."""

    @property
    def has_context(self) -> bool:
        """Whether each question comes with a context."""
        return self in (QuestionFormat.SQUAD, QuestionFormat.JSONL, QuestionFormat.NQ)
