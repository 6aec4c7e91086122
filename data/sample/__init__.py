"""The sample that ships with preread: encyclopaedic passages and questions about them."""

from pathlib import Path


def sample_corpus_path() -> Path:
    """Return the path of the sample passages.

    Returns:
        Path of a JSON Lines file in UTF-8, whose objects have ``id``, ``title`` and ``text``.
    """
    return Path(__file__).parent / "passages.jsonl"


def sample_questions_path() -> Path:
    """Return the path of the questions about the sample passages.

    Returns:
        Path of a JSON Lines file in UTF-8, whose objects have ``id``, ``question``, ``answer``
        (gold answers, of which the first is verbatim in the gold passage) and ``passage_id`` (the
        gold passage). Where no passage answers the question, ``answer`` is empty and ``passage_id``
        is null.
    """
    return Path(__file__).parent / "questions.jsonl"
