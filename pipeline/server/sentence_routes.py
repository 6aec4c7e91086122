"""The addresses of sentences and quotations below ``/v1/{index}``."""

from fastapi import APIRouter, Request

from ..qa.quotes import MAX_QUOTE_CHARACTERS
from ..qa.sentences import ReadPassage, highlighted, pruned
from .errors import InvalidRequestError
from .handling import REFUSALS, IndexName, ServiceHere, do_job, note, took_ms
from .jobs import QuoteJob, SentencesJob
from .limits import Limits
from .schemas.sentences import (
    PassagesRequest,
    PruneReply,
    PruneRequest,
    QuoteReply,
    QuoteRequest,
    SentenceHighlightReply,
    SentenceHighlightRequest,
    SentencesRequest,
)
from .service import Service

router = APIRouter(prefix="/v1/{index}", responses=REFUSALS)


@router.post("/highlight", summary="Find sentences that answer")
async def highlight(
    index: IndexName, asked: SentenceHighlightRequest, request: Request, service: ServiceHere
) -> SentenceHighlightReply:
    """Scores the sentences of passages that are found or provided, and returns the best ones."""
    read = await _read(index, asked, request, service)
    found = highlighted(read, asked.n_sentences, asked.min_score)
    return SentenceHighlightReply.of(index, asked, found, took_ms(request))


@router.post("/prune", summary="Prune passages for a language model")
async def prune(
    index: IndexName, asked: PruneRequest, request: Request, service: ServiceHere
) -> PruneReply:
    """Leaves out the sentences that do not answer, and fills a budget of tokens with the others."""
    read = await _read(index, asked, request, service)
    left = pruned(read, asked.threshold, asked.max_tokens)
    return PruneReply.of(index, asked, read, left, took_ms(request))


@router.post("/quote", summary="Find where a quotation stands")
async def quote(
    index: IndexName, asked: QuoteRequest, request: Request, service: ServiceHere
) -> QuoteReply:
    """Finds a quotation or statement word for word, or the stretches that are most like it.

    With a `question`, the reader tells what it answers from the passage of each match.
    """
    job = quote_job(index, asked, service)
    note(request, service, question=asked.question or asked.quote, top_k=asked.top_k)
    found = await do_job(job, request, asked.timeout_ms)
    return QuoteReply.of(index, asked, found, took_ms(request))


def sentences_job(index: str, asked: SentencesRequest, service: Service) -> SentencesJob:
    """The job of a request for sentences.

    Args:
        index: Name of the index.
        asked: The request.
        service: Its limits hold.

    Raises:
        ServeError: If the request is refused.
    """
    service.check_index(index)
    service.config.limits.check_question(asked.question)
    _check_passages(asked, service.config.limits)
    provided = asked.provided()
    passages = None if provided is None else (provided,)
    return SentencesJob(index, (asked.question,), asked.top_k, passages, asked.retrieval())


def quote_job(index: str, asked: QuoteRequest, service: Service) -> QuoteJob:
    """The job of a request for a quotation.

    Args:
        index: Name of the index.
        asked: The request.
        service: Its limits hold.

    Raises:
        ServeError: If the request is refused.
    """
    service.check_index(index)
    limits = service.config.limits
    limits.check_question(asked.quote, "quote")
    if not any(character.isalnum() for character in asked.quote):
        raise InvalidRequestError("quote", "expected some words, found none")
    if len(asked.quote) > MAX_QUOTE_CHARACTERS:
        most, found = f"{MAX_QUOTE_CHARACTERS:,}", f"{len(asked.quote):,}"
        raise InvalidRequestError("quote", f"expected at most {most} characters, found {found}")
    if asked.question is not None:
        limits.check_question(asked.question)
    limits.check_answers(asked.n_matches, "n_matches")
    _check_passages(asked, limits)
    return QuoteJob(
        index,
        asked.quote,
        asked.question,
        asked.top_k,
        asked.n_matches,
        asked.min_similarity,
        asked.provided(),
        asked.retrieval(),
    )


def _check_passages(asked: PassagesRequest, limits: Limits) -> None:
    """Refuse to find or to read too many passages."""
    limits.check_top_k(asked.top_k)
    limits.check_passages(asked.provided() or ())


async def _read(
    index: str, asked: SentencesRequest, request: Request, service: Service
) -> list[ReadPassage]:
    job = sentences_job(index, asked, service)
    note(request, service, question=asked.question, top_k=asked.top_k)
    (read,) = await do_job(job, request, asked.timeout_ms)
    return read
