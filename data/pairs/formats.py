"""The formats of files of pairs."""

from enum import StrEnum


class PairFormat(StrEnum):
    """How a file of pairs of texts is written."""

    AUTO = "auto"
    """Told from the file's name and the fields of its first record."""
    PAIRS = "pairs"
    """JSON Lines: ``id, text_a, text_b, label`` and, where there is one, ``title`` of the second
    text."""
    BOOLQ = "boolq"
    """JSON Lines: ``question, title, answer, passage``, as BoolQ is released."""
    MNLI = "mnli"
    """JSON Lines: ``sentence1, sentence2, gold_label, pairID``, as MultiNLI is released."""
    GLUE_MNLI = "glue-mnli"
    """Tab-separated with a header, as GLUE has MultiNLI."""
    GLUE_QQP = "glue-qqp"
    """Tab-separated with a header: ``id, qid1, qid2, question1, question2, is_duplicate``, as GLUE
    has the Quora question pairs."""
