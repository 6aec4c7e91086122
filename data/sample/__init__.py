"""The small corpus that ships with preread: encyclopaedic passages and questions on them."""

from pathlib import Path


def sample_corpus_path() -> Path:
    """Say where the sample passages lie.

    Returns:
        Path of a JSON Lines file, in UTF-8, whose objects have ``id``, ``title`` and ``text``.
    """
    return Path(__file__).parent / "passages.jsonl"


def sample_questions_path() -> Path:
    """Say where the questions on the sample passages lie.

    Returns:
        Path of a JSON Lines file, in UTF-8, whose objects have ``id``, ``question``, ``answer``
        (the accepted strings, the first verbatim in the gold passage) and ``passage_id`` (the gold
        passage). Where no passage answers the question, ``answer`` is empty and ``passage_id``
        null.
    """
    return Path(__file__).parent / "questions.jsonl"
