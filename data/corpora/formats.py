"""The formats of corpora."""

from enum import StrEnum


class CorpusFormat(StrEnum):
    """How a corpus is written."""

    AUTO = "auto"
    """Detected from the path and the first record."""
    DPR = "dpr"
    """Tab-separated ``id, text, title`` with a header, such as DPR's ``psgs_w100.tsv``; a file or a
    folder of files."""
    JSONL = "jsonl"
    """JSON Lines with ``id, title, text``; a file or a folder of files."""
    BEIR = "beir"
    """JSON Lines with ``_id, title, text``; a file, a folder of files, or a BEIR folder with
    ``corpus.jsonl``."""
    PYSERINI = "pyserini"
    """Pyserini's JsonCollection, with ``id, contents``; a file or a folder of files."""
    DOCUMENTS = "documents"
    """Documents in Markdown, HTML, text, PDF and DOCX; a file or a folder of files."""
    NQ = "nq"
    """Natural Questions as released, original or simplified; a file or a folder of files."""
