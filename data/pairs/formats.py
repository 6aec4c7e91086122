"""The formats of pairs of texts."""

from enum import StrEnum


class PairFormat(StrEnum):
    """How a file of pairs of texts is written."""

    AUTO = "auto"
    """Detected from the fields of the first record."""
    PAIRS = "pairs"
    """JSON Lines with ``id, text_a, text_b, label`` and, where there is one, the second text's
    ``title``."""
    BOOLQ = "boolq"
    """JSON Lines with ``question, title, answer, passage``, as BoolQ is released."""
    MNLI = "mnli"
    """JSON Lines with ``sentence1, sentence2, gold_label, pairID``, as MultiNLI is released."""
    GLUE_MNLI = "glue-mnli"
    """Tab-separated with a header, as GLUE distributes MultiNLI."""
    GLUE_QQP = "glue-qqp"
    """Tab-separated with the header ``id, qid1, qid2, question1, question2, is_duplicate``, as GLUE
    distributes the Quora question pairs."""
