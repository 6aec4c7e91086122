"""The addresses below ``/v1/{index}``."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from .handling import REFUSALS, IndexName, ServiceHere, do_job, note, took_ms
from .jobs import AnswerJob, DocJob, ExamplesJob, RankJob, ReadJob, RetrieveJob, SearchJob
from .schemas.answers import AnswerQuery, AnswerReply, AnswerRequest
from .schemas.provided import RankedField, ReadReply, ReadRequest, RerankReply, RerankRequest
from .schemas.search import (
    DocField,
    DocReply,
    DocRequest,
    RetrieveReply,
    RetrieveRequest,
    SearchReply,
    SearchRequest,
)
from .schemas.server import ExamplesReply, IndexesReply, LimitsField, ServedField
from .service import Service

router = APIRouter(prefix="/v1/{index}", responses=REFUSALS)


async def indexes(service: ServiceHere) -> IndexesReply:
    """The indexes that are served, and the most that a request may ask for."""
    limits = service.config.limits
    return IndexesReply(
        indexes=[
            ServedField(name=name, n_passages=index.n_passages, retriever=index.retriever)
            for name, index in service.indexes.items()
        ],
        limits=LimitsField(
            question_chars=limits.max_question_chars,
            top_k=limits.max_top_k,
            n_answers=limits.max_answers,
            passages=limits.max_passages,
            provided_tokens=limits.max_provided_tokens,
        ),
    )


@router.post("/answer", summary="Answer a question")
async def answer_posted(
    index: IndexName, asked: AnswerRequest, request: Request, service: ServiceHere
) -> AnswerReply:
    """Finds passages, reads them from their stored states, and answers."""
    return await _answer(index, asked, request, service)


@router.get("/answer", summary="Answer a question")
async def answer(
    index: IndexName,
    asked: Annotated[AnswerQuery, Query()],
    request: Request,
    service: ServiceHere,
) -> AnswerReply:
    """The same, with the fields in the address, for trying it out."""
    return await _answer(index, asked, request, service)


async def _answer(
    index: str, asked: AnswerRequest | AnswerQuery, request: Request, service: Service
) -> AnswerReply:
    service.check_index(index)
    limits = service.config.limits
    limits.check_question(asked.question)
    limits.check_top_k(asked.top_k)
    limits.check_answers(asked.n_answers)
    note(request, service, question=asked.question, top_k=asked.top_k)
    job = AnswerJob(index, asked.question, asked.top_k, asked.n_answers, asked.retrieval())
    result = await do_job(job, request, asked.timeout_ms)
    return AnswerReply.of(index, asked, result, took_ms(request), service.config.min_confidence)


@router.get("/search", summary="Find passages")
async def search(
    index: IndexName,
    asked: Annotated[SearchRequest, Query()],
    request: Request,
    service: ServiceHere,
) -> SearchReply:
    """Finds passages without reading them. Request and reply are those of pyserini's server."""
    service.check_index(index)
    service.config.limits.check_question(asked.query, "query")
    service.config.limits.check_top_k(asked.hits, "hits")
    note(request, service, question=asked.query, top_k=asked.hits)
    job = SearchJob(index, asked.query, asked.hits, asked.retrieval())
    found = await do_job(job, request, asked.timeout_ms)
    return SearchReply.of(index, asked.query, found, parse=asked.parse)


@router.post("/retrieve", summary="Find passages for several queries")
async def retrieve(
    index: IndexName, asked: RetrieveRequest, request: Request, service: ServiceHere
) -> RetrieveReply:
    """Finds passages for a batch of queries, as trainers of search agents ask for them."""
    service.check_index(index)
    limits = service.config.limits
    limits.check_queries(asked.queries, asked.topk)
    note(request, service, question=asked.queries[0], n_queries=len(asked.queries))
    job = RetrieveJob(index, tuple(asked.queries), asked.topk, asked.retrieval())
    found = await do_job(job, request, asked.timeout_ms)
    return RetrieveReply.of(found, return_scores=asked.return_scores)


@router.get("/doc/{docid:path}", summary="Look up a passage")
async def doc(
    index: IndexName,
    docid: Annotated[str, Path(description="Identifier of the passage.", examples=["piano-1"])],
    asked: Annotated[DocRequest, Query()],
    request: Request,
    service: ServiceHere,
) -> DocReply:
    """Looks up a passage. Request and reply are those of pyserini's server."""
    service.check_index(index)
    job = DocJob(index, docid)
    passage = await do_job(job, request, asked.timeout_ms)
    return DocReply(
        index=index,
        docid=docid,
        doc=DocField.of(passage, asked.parse),
        metadata=passage.shown_metadata(),
    )


@router.get("/examples", summary="Questions to begin with")
async def examples(index: IndexName, request: Request, service: ServiceHere) -> ExamplesReply:
    """Makes questions from titles and first sentences of some passages; none if it cannot."""
    service.check_index(index)
    questions = await do_job(ExamplesJob(index), request)
    return ExamplesReply(index=index, questions=questions)


@router.post("/read", summary="Answer from provided passages")
async def read(
    index: IndexName, asked: ReadRequest, request: Request, service: ServiceHere
) -> ReadReply:
    """Answers from passages that another engine found.

    Passages that the index holds, by `id` or by `text`, are read from their stored states. Other
    text goes through all layers of the reader, which takes longer.
    """
    service.check_index(index)
    provided = asked.provided()
    limits = service.config.limits
    limits.check_question(asked.question)
    limits.check_passages(provided)
    limits.check_answers(asked.n_answers)
    note(request, service, question=asked.question, n_passages=len(provided))
    job = ReadJob(index, (asked.question,), (provided,), asked.n_answers)
    (answers,) = await do_job(job, request, asked.timeout_ms)
    return ReadReply.of(index, asked, answers, took_ms(request), service.config.min_confidence)


@router.post("/rerank", summary="Order provided passages")
async def rerank(
    index: IndexName, asked: RerankRequest, request: Request, service: ServiceHere
) -> RerankReply:
    """Orders passages by how well they answer the question, best first."""
    service.check_index(index)
    provided = asked.provided()
    service.config.limits.check_question(asked.question)
    service.config.limits.check_passages(provided)
    note(request, service, question=asked.question, n_passages=len(provided))
    job = RankJob(index, asked.question, provided)
    ranked = await do_job(job, request, asked.timeout_ms)
    results = [
        RankedField(
            index=one.place,
            relevance_score=one.relevance,
            logit=one.logit,
            passage_id=one.passage_id,
            from_store=one.from_store,
        )
        for one in ranked[: asked.top_n]
    ]
    return RerankReply(index=index, results=results, took_ms=took_ms(request))
