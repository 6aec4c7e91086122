"""The formats of corpora."""

from enum import StrEnum


class CorpusFormat(StrEnum):
    """How a corpus is written."""

    AUTO = "auto"
    """Told from the path and the first record."""
    DPR = "dpr"
    """Tab-separated ``id, text, title`` with a header, as DPR's ``psgs_w100.tsv``; a file or a
    folder of them."""
    JSONL = "jsonl"
    """JSON Lines: ``id, title, text``; a file or a folder of them."""
    BEIR = "beir"
    """JSON Lines: ``_id, title, text``; a file, a folder of them, or a BEIR folder with
    ``corpus.jsonl``."""
    PYSERINI = "pyserini"
    """Pyserini's JsonCollection: ``id, contents``; a file or a folder."""
    DOCUMENTS = "documents"
    """A folder of Markdown, HTML, text, PDF and DOCX files, or one of them."""
    NQ = "nq"
    """Natural Questions as released, original or simplified: a file or a folder."""
