"""Searches and look-ups, in the form of pyserini's server."""

import json
from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import BaseModel, Field

from ....data import Passage
from ....indexer.bm25.indexer import contents_of
from ...retrievers.search import FoundPassage
from ..limits import MOST_ITEMS
from .fields import MetadataField, Reply, Request, RetrievalFields, RetrievalQuery, Text, TimeoutMs

Parse = Annotated[
    bool,
    Field(description="Whether `doc` is an object; if not, it is the JSON text of the record."),
]


class SearchRequest(RetrievalQuery):
    """A search in an index, with the fields of pyserini's server, and a filter."""

    query: Annotated[Text, Field(description="Plain words.", examples=["longest river"])]
    hits: Annotated[int, Field(ge=1, description="Number of passages that are returned.")] = 10
    parse: Parse = True
    timeout_ms: TimeoutMs = None


class DocRequest(Request):
    """The form in which a passage is returned."""

    parse: Parse = True
    timeout_ms: TimeoutMs = None


class DocField(BaseModel):
    """A passage."""

    title: Annotated[str, Field(description="Its title, or empty.")]
    text: Annotated[str, Field(description="Its text.")]

    @classmethod
    def of(cls, passage: Passage, parse: bool) -> "DocField | str":
        """Make a document as pyserini's server returns it.

        Args:
            passage: The passage.
            parse: Whether it is an object; if not, it is the JSON text of the record.
        """
        if parse:
            return cls(title=passage.title, text=passage.text)
        record = {"id": passage.passage_id, "contents": contents_of(passage)}
        return json.dumps(record, ensure_ascii=False)


Document = Annotated[
    DocField | str, Field(description="The passage, as an object or as JSON text.")
]


class CandidateField(BaseModel):
    """A passage that was found."""

    docid: Annotated[str, Field(description="Its identifier.", examples=["piano-1"])]
    score: Annotated[float, Field(description="Score of the retriever.")]
    rank: Annotated[int, Field(ge=1, description="Its rank, from 1.")]
    doc: Document
    metadata: MetadataField


class QueryField(BaseModel):
    """A query."""

    text: Annotated[str, Field(description="Its words.")]


class SearchReply(Reply):
    """Passages, best first."""

    query: Annotated[QueryField, Field(description="The query.")]
    candidates: Annotated[list[CandidateField], Field(description="The passages, best first.")]

    @classmethod
    def of(cls, index: str, query: str, found: Sequence[FoundPassage], *, parse: bool) -> Self:
        """Make the reply to a search.

        Args:
            index: Name of the index.
            query: The query.
            found: The passages, best first.
            parse: Whether ``doc`` is an object; if not, it is the JSON text of the record.
        """
        candidates = [
            CandidateField(
                docid=one.passage.passage_id,
                score=one.score,
                rank=one.rank,
                doc=DocField.of(one.passage, parse),
                metadata=one.passage.shown_metadata(),
            )
            for one in found
        ]
        return cls(index=index, query=QueryField(text=query), candidates=candidates)


class DocReply(Reply):
    """A passage."""

    docid: Annotated[str, Field(description="Its identifier.")]
    doc: Document
    metadata: MetadataField


class RetrieveRequest(RetrievalFields):
    """Several searches at once, with the fields that trainers of search agents send."""

    queries: Annotated[
        list[Text],
        Field(
            min_length=1,
            max_length=MOST_ITEMS,
            description="Plain words, each.",
            examples=[["longest river", "keys of a piano"]],
        ),
    ]
    topk: Annotated[
        int, Field(ge=1, description="Number of passages that are returned for each query.")
    ] = 3
    return_scores: Annotated[
        bool,
        Field(
            description="Whether an item is an object of `document` and `score`; if not, it is the "
            "document."
        ),
    ] = False
    timeout_ms: TimeoutMs = None


class RetrievedDocument(BaseModel):
    """A passage in the form of a corpus of pyserini."""

    id: Annotated[str, Field(description="Its identifier.", examples=["piano-1"])]
    contents: Annotated[
        str, Field(description="The title, a line break, and the text; the title may be empty.")
    ]
    title: Annotated[str, Field(description="Its title, or empty.", examples=["Piano"])]
    metadata: MetadataField

    @classmethod
    def of(cls, passage: Passage) -> Self:
        """Make the document of a passage.

        Args:
            passage: The passage.
        """
        return cls(
            id=passage.passage_id,
            contents=f"{passage.title}\n{passage.text}",
            title=passage.title,
            metadata=passage.shown_metadata(),
        )


class ScoredDocument(BaseModel):
    """A passage and its score."""

    document: Annotated[RetrievedDocument, Field(description="The passage.")]
    score: Annotated[float, Field(description="Score of the retriever.")]


class RetrieveReply(BaseModel):
    """The passages of each query."""

    result: Annotated[
        list[list[ScoredDocument]] | list[list[RetrievedDocument]],
        Field(description="In the order of the queries; the passages of a query are best first."),
    ]

    @classmethod
    def of(cls, found: Sequence[Sequence[FoundPassage]], *, return_scores: bool) -> Self:
        """Make the reply.

        Args:
            found: The passages of each query, best first.
            return_scores: Whether scores are part of it.
        """
        scored = [
            [
                ScoredDocument(document=RetrievedDocument.of(one.passage), score=one.score)
                for one in of_query
            ]
            for of_query in found
        ]
        if return_scores:
            return cls(result=scored)
        return cls(result=[[one.document for one in of_query] for of_query in scored])
