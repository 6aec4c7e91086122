"""Tools of the Model Context Protocol, for language models, over standard input and output.

pyserini has such a server for search; this one answers questions as well.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, TypeVar

from fastmcp import FastMCP
from fastmcp.exceptions import ToolError
from pydantic import Field

from ...data import PrereadError
from ...reader import Reader
from ...reader.hub import hub_is_allowed
from ..qa.quotes import DEFAULT_MIN_SIMILARITY
from ..qa.sentences import DEFAULT_MIN_SCORE, DEFAULT_THRESHOLD, highlighted, pruned
from .handling import results_of
from .jobs import AnswerJob, Job, SearchJob
from .limits import ServeConfig
from .refusals import fault_of_server
from .retrieval import Retrieval
from .schemas.answers import AnswerReply, AnswerRequest
from .schemas.fields import FilterField, MinConfidence, TopK
from .schemas.search import SearchReply
from .schemas.sentences import (
    MaxTokens,
    MinScore,
    MinSimilarity,
    NumMatches,
    NumSentences,
    PruneReply,
    PruneRequest,
    QuoteReply,
    QuoteRequest,
    SentenceHighlightReply,
    SentenceHighlightRequest,
    Threshold,
)
from .sentence_routes import quote_job, sentences_job
from .service import Service

T = TypeVar("T")
_INSTRUCTIONS = """
`answer` finds passages and quotes words of them as answers, best first, each with its passage and a
score. Check in the passage that the words mean what was asked. Where `doubt` is not null, they
probably do not: read `best_passage` instead. `search` finds passages without reading them.
`highlight` gives the sentences that answer, and `prune` passages without the others. `check_quote`
says where a quotation stands. `filter` chooses passages by their metadata.
"""


def create_mcp(service: Service) -> FastMCP[None]:
    """Make the tools of a service.

    Args:
        service: The service. It must outlive the tools, which do not close it.
    """
    _log_like_others()
    first = next(iter(service.indexes))
    names = ", ".join(service.indexes)
    limits = service.config.limits
    mcp: FastMCP[None] = FastMCP(
        "preread",
        version=version("preread"),
        instructions=_INSTRUCTIONS,
        mask_error_details=True,
    )
    index_name = Annotated[str, Field(description=f"Name of an index. One of: {names}.")]

    async def result_of(job: Job[T], started: float) -> T:
        (result,) = await results_of(service, [job], service.deadline(started, None))
        return result

    async def answer(
        question: Annotated[str, Field(description="Any text.")],
        top_k: TopK = 20,
        n_answers: Annotated[int, Field(description="Number of answers at most.", ge=1)] = 5,
        min_confidence: MinConfidence = None,
        filter: FilterField = None,
        index: index_name = first,
    ) -> AnswerReply:
        """Answer a question with words of the passages of an index."""
        started = time.monotonic()
        with _tool_errors():
            service.check_index(index)
            limits.check_question(question)
            limits.check_top_k(top_k)
            limits.check_answers(n_answers)
            job = AnswerJob(index, question, top_k, n_answers, Retrieval(filter))
            found = await result_of(job, started)
            took_ms = 1000 * (time.monotonic() - started)
            asked = AnswerRequest(
                question=question, top_k=top_k, n_answers=n_answers, min_confidence=min_confidence
            )
            return AnswerReply.of(index, asked, found, took_ms, service.config.min_confidence)

    async def search(
        query: Annotated[str, Field(description="Plain words.")],
        hits: Annotated[int, Field(description="Number of passages at most.", ge=1)] = 10,
        filter: FilterField = None,
        index: index_name = first,
    ) -> SearchReply:
        """Find passages of an index, without reading them."""
        started = time.monotonic()
        with _tool_errors():
            service.check_index(index)
            limits.check_question(query, "query")
            limits.check_top_k(hits, "hits")
            job = SearchJob(index, query, hits, Retrieval(filter))
            found = await result_of(job, started)
        return SearchReply.of(index, query, found, parse=True)

    async def highlight(
        question: Annotated[str, Field(description="Any text.")],
        top_k: TopK = 20,
        n_sentences: NumSentences = 5,
        min_score: MinScore = DEFAULT_MIN_SCORE,
        filter: FilterField = None,
        index: index_name = first,
    ) -> SentenceHighlightReply:
        """Find the sentences of an index that answer a question."""
        started = time.monotonic()
        with _tool_errors():
            asked = SentenceHighlightRequest(
                question=question,
                top_k=top_k,
                n_sentences=n_sentences,
                min_score=min_score,
                filter=filter,
            )
            (read,) = await result_of(sentences_job(index, asked, service), started)
            best = highlighted(read, n_sentences, min_score)
        return SentenceHighlightReply.of(index, asked, best, 1000 * (time.monotonic() - started))

    async def prune(
        question: Annotated[str, Field(description="Any text.")],
        top_k: TopK = 20,
        threshold: Threshold = DEFAULT_THRESHOLD,
        max_tokens: MaxTokens = None,
        filter: FilterField = None,
        index: index_name = first,
    ) -> PruneReply:
        """Get passages of an index, pruned to the sentences that may answer a question."""
        started = time.monotonic()
        with _tool_errors():
            asked = PruneRequest(
                question=question,
                top_k=top_k,
                threshold=threshold,
                max_tokens=max_tokens,
                filter=filter,
            )
            (read,) = await result_of(sentences_job(index, asked, service), started)
            left = pruned(read, threshold, max_tokens)
        return PruneReply.of(index, asked, read, left, 1000 * (time.monotonic() - started))

    async def check_quote(
        quote: Annotated[str, Field(description="A quotation or statement.")],
        question: Annotated[
            str | None, Field(description="A question that the quotation is said to answer.")
        ] = None,
        n_matches: NumMatches = 5,
        min_similarity: MinSimilarity = DEFAULT_MIN_SIMILARITY,
        filter: FilterField = None,
        index: index_name = first,
    ) -> QuoteReply:
        """Find where a quotation stands in an index, and what the reader answers from there."""
        started = time.monotonic()
        with _tool_errors():
            asked = QuoteRequest(
                quote=quote,
                question=question,
                n_matches=n_matches,
                min_similarity=min_similarity,
                filter=filter,
            )
            found = await result_of(quote_job(index, asked, service), started)
        return QuoteReply.of(index, asked, found, 1000 * (time.monotonic() - started))

    for tool in (answer, search, highlight, prune, check_quote):
        mcp.tool(tool, annotations={"readOnlyHint": True, "openWorldHint": False})
    return mcp


def serve_mcp(paths: Mapping[str, Path], config: ServeConfig, *, device: str = "cpu") -> None:
    """Offer the tools on standard input and output until the client closes them.

    Args:
        paths: Folders of the indexes, by name.
        config: Settings, of which those about HTTP do not matter.
        device: Where readers run: ``cpu``, ``cuda`` or ``cuda:N``.

    Raises:
        PrereadError: If an index cannot be opened.
    """
    load = partial(Reader.load, device=device, allow_hub=hub_is_allowed())
    with Service(paths, config, load_reader=load) as service:
        create_mcp(service).run(transport="stdio", show_banner=False, log_level="WARNING")


def _log_like_others() -> None:
    """Leave what fastmcp logs to the handlers of the process: its own draw on several lines."""
    logger = logging.getLogger("fastmcp")
    logger.handlers.clear()
    logger.propagate = True
    logger.setLevel(logging.WARNING)


@contextmanager
def _tool_errors() -> Iterator[None]:
    """Turn an error of ours into one that the model is told about.

    Of a damaged index or a failing engine it is told no more than clients of the server are.
    """
    try:
        yield
    except PrereadError as error:
        raise ToolError(str(fault_of_server(error, _request_id()) or error)) from None


def _request_id() -> str:
    """The identifier of the request in hand; empty on standard input and output."""
    from fastmcp.server.dependencies import get_http_request

    try:
        return str(get_http_request().state.request_id)
    except RuntimeError:
        return ""
