"""Haystack 3 components: a reader of any retriever's documents, and answers from an index.

Source: https://docs.haystack.deepset.ai/docs/custom-components; the reader takes and gives what
Haystack's ``ExtractiveReader`` did.
"""

from collections.abc import Iterable
from typing import Any

from haystack import Document, component, default_to_dict
from haystack.dataclasses import ExtractedAnswer

from ..qa.pipeline import OpenDomainQA
from ..qa.provided import read_provided
from ..qa.types import Answer, ProvidedPassage


class _OnIndex:
    """Opens an index when it is first needed."""

    def __init__(self, index: str, top_k: int = 5, device: str = "cpu") -> None:
        """Name an index.

        Args:
            index: Its folder.
            top_k: How many answers at most.
            device: Where its reader runs.
        """
        self.index = index
        self.top_k = top_k
        self.device = device
        self._qa: OpenDomainQA | None = None

    def warm_up(self) -> None:
        """Open the index and load its reader."""
        self._opened()

    def to_dict(self) -> dict[str, Any]:
        """For a pipeline's YAML."""
        fields = {"index": self.index, "top_k": self.top_k, "device": self.device}
        return dict(default_to_dict(self, **fields))

    def _opened(self) -> OpenDomainQA:
        if self._qa is None:
            self._qa = OpenDomainQA.from_index(self.index, device=self.device)
        return self._qa


@component
class PrereadReader(_OnIndex):
    """Reads the documents that any retriever found; known texts from their stored states."""

    @component.output_types(answers=list[ExtractedAnswer])
    def run(
        self, query: str, documents: list[Document], top_k: int | None = None
    ) -> dict[str, list[ExtractedAnswer]]:
        """Answer.

        Args:
            query: The question.
            documents: Those without content are passed over. Scores weigh in as BM25's do.
            top_k: Number of answers at most; None: that of the component.

        Returns:
            ``answers``, best first. Offsets are code points of a document's content.
        """
        readable = [d for d in documents if d.content]
        provided = [ProvidedPassage(d.id, d.content, score=d.score or 0.0) for d in readable]
        (found,) = read_provided(self._opened(), [query], [provided], n_answers=top_k or self.top_k)
        return {"answers": [_extracted(query, a.answer, readable[a.place]) for a in found]}


@component
class PrereadAnswerer(_OnIndex):
    """Answers from an index: it retrieves and reads."""

    def __init__(
        self,
        index: str,
        top_k: int = 5,
        device: str = "cpu",
        filter: dict[str, Any] | None = None,
    ) -> None:
        """Name an index.

        Args:
            index: Its folder.
            top_k: How many answers at most.
            device: Where its reader runs.
            filter: Conditions on the metadata of passages, such as ``{"page": 3}``; None: no
                condition.
        """
        _OnIndex.__init__(self, index, top_k, device)  # `component` makes the class anew
        self.filter = filter

    def to_dict(self) -> dict[str, Any]:
        """For a pipeline's YAML."""
        fields = {"index": self.index, "top_k": self.top_k, "device": self.device}
        return dict(default_to_dict(self, **fields, filter=self.filter))

    @component.output_types(answers=list[ExtractedAnswer])
    def run(
        self, query: str, top_k: int | None = None, filter: dict[str, Any] | None = None
    ) -> dict[str, list[ExtractedAnswer]]:
        """Answer.

        Args:
            query: The question.
            top_k: Number of answers at most; None: that of the component.
            filter: Conditions on the metadata of passages; None: those of the component.

        Returns:
            ``answers``, best first, with documents made of the index's passages.
        """
        answers: Iterable[Answer] = self._opened()(
            query,
            n_answers=top_k or self.top_k,
            filter=self.filter if filter is None else filter,
        )
        return {"answers": [_extracted(query, a, _document(a)) for a in answers]}


def _document(answer: Answer) -> Document:
    meta = {**answer.metadata, "title": answer.title}
    return Document(id=answer.passage_id, content=answer.passage, meta=meta)


def _extracted(query: str, answer: Answer, document: Document) -> ExtractedAnswer:
    """The context is the whole document, so both offsets are the same."""
    return ExtractedAnswer(
        query=query,
        score=answer.score,
        data=answer.answer,
        document=document,
        context=answer.passage,
        document_offset=ExtractedAnswer.Span(answer.start, answer.end),
        context_offset=ExtractedAnswer.Span(answer.start, answer.end),
        meta={**answer.metadata, "title": answer.title},
    )
