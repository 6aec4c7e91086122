"""Retrieving and reading, for the components of frameworks."""

from ...indexer.filters import Filter
from ..qa.pipeline import OpenDomainQA
from ..qa.provided import answer_each
from ..qa.types import ProvidedAnswer, ProvidedPassage
from ..retrievers.search import search_passages


def answering_passages(
    qa: OpenDomainQA, question: str, top_k: int, filter: Filter | None = None
) -> list[ProvidedAnswer]:
    """Find passages by BM25, and order them by the scores of their answers.

    Args:
        qa: An index with its reader.
        question: Any text that contains a word.
        top_k: Maximum number of passages.
        filter: Conditions on the metadata of passages; None for no condition.

    Returns:
        For each passage with an answer, that answer; best first.
    """
    found = search_passages(qa.index, question, top_k, filter=filter)
    provided = [ProvidedPassage(one.passage.passage_id, score=one.score) for one in found]
    (answers,) = answer_each(qa, [question], [provided])
    return sorted((a for a in answers if a is not None), key=lambda a: -a.answer.score)
