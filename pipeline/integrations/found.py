"""What the components share."""

from ...indexer.filters import Filter
from ..qa.pipeline import OpenDomainQA
from ..qa.provided import answer_each
from ..qa.types import ProvidedAnswer, ProvidedPassage
from ..retrievers.search import search_passages


def answering_passages(
    qa: OpenDomainQA, question: str, top_k: int, filter: Filter | None = None
) -> list[ProvidedAnswer]:
    """The passages that BM25 finds for a question, by how well they answer, each with its answer.

    Args:
        qa: An index with its reader.
        question: Any text with a word in it.
        top_k: How many passages at most.
        filter: Conditions on the metadata of passages; None: no condition.
    """
    found = search_passages(qa.index, question, top_k, filter=filter)
    provided = [ProvidedPassage(one.passage.passage_id, score=one.score) for one in found]
    (answers,) = answer_each(qa, [question], [provided])
    return sorted((a for a in answers if a is not None), key=lambda a: -a.answer.score)
