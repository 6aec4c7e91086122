"""The formats of question files."""

from enum import StrEnum


class QuestionFormat(StrEnum):
    """How a file of questions is written."""

    AUTO = "auto"
    """Told from the file's name and first record."""
    NQ_OPEN = "nq-open"
    """JSON Lines: ``question``, ``answer`` (a list), as Natural Questions open is published."""
    DPR = "dpr"
    """Tab-separated: the question, a Python list of answers; DPR's ``.qas.csv``."""
    SQUAD = "squad"
    """SQuAD 1.1 and 2.0 JSON."""
    JSONL = "jsonl"
    """JSON Lines: ``id, title, context, question, answers, answer_starts``."""
    TREC = "trec"
    """Tab-separated: the question's identifier, the question; TREC's topics, without answers."""
    NQ = "nq"
    """Natural Questions as released, original or simplified."""

    @property
    def has_context(self) -> bool:
        """Whether its questions come with the context that answers them."""
        return self in (QuestionFormat.SQUAD, QuestionFormat.JSONL, QuestionFormat.NQ)
