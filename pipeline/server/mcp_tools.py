"""Tools of the Model Context Protocol, for language models, over standard input and output.

pyserini has such a server for search; this one answers questions as well.
"""

import time
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, cast

from fastmcp import FastMCP
from fastmcp.exceptions import ToolError
from pydantic import Field

from ...data import PrereadError
from ...reader import Reader
from ...reader.hub import hub_is_allowed
from ..qa.types import Result
from ..retrievers.search import FoundPassage
from .handling import results_of
from .jobs import AnswerJob, SearchJob
from .limits import ServeConfig
from .retrieval import Retrieval
from .schemas import AnswerReply, AnswerRequest, FilterField, MinConfidence, SearchReply
from .service import Service

_INSTRUCTIONS = """
`answer` finds passages and quotes words of them as answers, best first, each with its passage and a
score. Check in the passage that the words mean what was asked. Where `doubt` is not null, they
probably do not: read `best_passage` instead. `search` finds passages without reading them.
"""


def create_mcp(service: Service) -> FastMCP[None]:
    """Make the tools of a service.

    Args:
        service: The service. It must outlive the tools, which do not close it.
    """
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

    async def answer(
        question: Annotated[str, Field(description="Any text.")],
        top_k: Annotated[int, Field(description="Number of passages that are read.", ge=1)] = 20,
        n_answers: Annotated[int, Field(description="Number of answers at most.", ge=1)] = 5,
        min_confidence: MinConfidence = None,
        filter: FilterField | None = None,
        index: index_name = first,
    ) -> AnswerReply:
        """Answer a question with words of the passages of an index."""
        started = time.monotonic()
        with _ToolErrors():
            service.check_index(index)
            limits.check_question(question)
            limits.check_top_k(top_k)
            limits.check_answers(n_answers)
            job = AnswerJob(index, question, top_k, n_answers, Retrieval(filter))
            deadline = service.deadline(started, None)
            (found,) = await results_of(service.reading, [job], deadline)
            took_ms = 1000 * (time.monotonic() - started)
            asked = AnswerRequest(
                question=question, top_k=top_k, n_answers=n_answers, min_confidence=min_confidence
            )
            default = service.config.min_confidence
            reply = AnswerReply.of(index, asked, cast(Result, found), took_ms, default)
        return reply

    async def search(
        query: Annotated[str, Field(description="Plain words.")],
        hits: Annotated[int, Field(description="Number of passages at most.", ge=1)] = 10,
        filter: FilterField | None = None,
        index: index_name = first,
    ) -> SearchReply:
        """Find passages of an index by BM25, without reading them."""
        started = time.monotonic()
        with _ToolErrors():
            service.check_index(index)
            limits.check_question(query, "query")
            limits.check_top_k(hits, "hits")
            job = SearchJob(index, query, hits, Retrieval(filter))
            deadline = service.deadline(started, None)
            (found,) = await results_of(service.looking, [job], deadline)
        return SearchReply.of(index, query, cast(list[FoundPassage], found), parse=True)

    for tool in (answer, search):
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


class _ToolErrors:
    """A context in which an error of ours becomes one that the model is told about."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, PrereadError):
            raise ToolError(str(error)) from None
