"""The same questions for language models: tools of the Model Context Protocol, over stdio.

pyserini has such a server for search; this one answers as well.
"""

import asyncio
import math
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

from fastmcp import FastMCP
from fastmcp.exceptions import ToolError
from pydantic import Field

from ...data import PrereadError
from ...reader import Reader
from ..qa.types import Result
from ..retrievers.search import FoundPassage
from .batching import BatchWorker
from .jobs import AnswerJob, SearchJob
from .limits import ServeConfig
from .offsets import Offsets
from .schemas import AnswerReply, SearchReply
from .service import Service

T = TypeVar("T")

_INSTRUCTIONS = """
`answer` finds passages and gives words of them as answers, each with its passage and a score, best
first. Answers are quotations: check in the passage that one is meant so. `search` only finds
passages.
"""


def create_mcp(service: Service) -> FastMCP[None]:
    """The tools of a service.

    Args:
        service: Must outlive it; the tools do not close it.
    """
    first = next(iter(service.indexes))
    names = ", ".join(service.indexes)
    limits = service.config.limits
    mcp: FastMCP[None] = FastMCP("preread", instructions=_INSTRUCTIONS, mask_error_details=True)
    index_name = Annotated[str, Field(description=f"One of: {names}.")]

    async def answer(
        question: Annotated[str, Field(description="Any text.")],
        top_k: Annotated[int, Field(description="Passages that are read.", ge=1)] = 20,
        n_answers: Annotated[int, Field(description="Answers at most.", ge=1)] = 5,
        index: index_name = first,
    ) -> AnswerReply:
        """Answer a question with words of the passages of an index."""
        started = time.monotonic()
        with _Told():
            service.check_index(index)
            limits.check_question(question)
            limits.check_top_k(top_k)
            limits.check_answers(n_answers)
            job = AnswerJob(index, question, top_k, n_answers)
            result = cast(Result, await _do(service.reading, job))
        took_ms = 1000 * (time.monotonic() - started)
        return AnswerReply.of(index, question, result, Offsets.CODEPOINT, took_ms)

    async def search(
        query: Annotated[str, Field(description="Plain words.")],
        hits: Annotated[int, Field(description="Passages at most.", ge=1)] = 10,
        index: index_name = first,
    ) -> SearchReply:
        """Find passages of an index by BM25, without reading them."""
        with _Told():
            service.check_index(index)
            limits.check_question(query, "query")
            limits.check_top_k(hits, "hits")
            job = SearchJob(index, query, hits)
            found = cast(list[FoundPassage], await _do(service.looking, job))
        return SearchReply.of(index, query, found, parse=True)

    for tool in (answer, search):
        mcp.tool(tool, annotations={"readOnlyHint": True, "openWorldHint": False})
    return mcp


def serve_mcp(paths: Mapping[str, Path], config: ServeConfig, *, device: str = "cpu") -> None:
    """Offer the tools on standard input and output until the client closes them.

    Args:
        paths: Folders of the indexes, by name.
        config: Its limits hold; what is about HTTP does not matter.
        device: Where readers run.

    Raises:
        PrereadError: If an index cannot be opened.
    """
    load = partial(Reader.load, device=device)
    with Service(paths, config, load_reader=load) as service:
        create_mcp(service).run(transport="stdio", show_banner=False, log_level="WARNING")


class _Told:
    """A context in which a caller's mistake becomes one that the model is told of."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, PrereadError):
            raise ToolError(str(error)) from None


async def _do(worker: BatchWorker[Any, T], job: object) -> T:
    """Have a job done. A client that cancels its request takes it out."""
    return await asyncio.wrap_future(worker.submit(job, math.inf))
