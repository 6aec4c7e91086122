"""A LangChain retriever: passages in the order of how well they answer, each with its answer.

Source: https://docs.langchain.com, ``langchain_core.retrievers.BaseRetriever``.
"""

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from ..qa.pipeline import OpenDomainQA
from ..qa.provided import answer_each
from ..qa.types import ProvidedAnswer, ProvidedPassage
from ..retrievers.search import search_passages


class PrereadRetriever(BaseRetriever):
    """Finds passages by BM25 and reads them; ``metadata`` says what each one answers.

    Example:
        >>> retriever = PrereadRetriever(qa=OpenDomainQA.from_index("my-index"), k=4)
        >>> retriever.invoke("who built the first telescope?")[0].metadata["answer"]
    """

    qa: OpenDomainQA
    k: int = 4
    """Documents that are returned."""
    top_k: int = 20
    """Passages that are read."""
    filter: dict[str, Any] | None = None
    """Conditions on the metadata of passages; None: no condition. ``retriever.invoke(question,
    filter={"page": 3})`` gives others for one call."""

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        filter: dict[str, Any] | None = None,
    ) -> list[Document]:
        conditions = self.filter if filter is None else filter
        top_k = max(self.k, self.top_k)
        found = search_passages(self.qa.index, query, top_k, filter=conditions)
        provided = [ProvidedPassage(one.passage.passage_id, score=one.score) for one in found]
        (answers,) = answer_each(self.qa, [query], [provided])
        best = sorted((a for a in answers if a is not None), key=lambda a: -a.answer.score)
        return [_document(one) for one in best[: self.k]]


def _document(found: ProvidedAnswer) -> Document:
    answer = found.answer
    metadata = {
        **answer.metadata,
        "docid": answer.passage_id,
        "title": answer.title,
        "answer": answer.answer,
        "score": answer.score,
        "start": answer.start,
        "end": answer.end,
    }
    return Document(page_content=answer.passage, metadata=metadata, id=answer.passage_id)
