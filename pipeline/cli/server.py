"""``preread serve``."""

from pathlib import Path
from typing import Annotated

import typer

from .interrupts import ended_by_interrupts
from .options import Device, Precision, Retriever, Runtime

Host = Annotated[
    str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines connect.")
]
TimeoutS = Annotated[float, typer.Option(help="Seconds that a request may take.")]
ReloadSeconds = Annotated[
    float, typer.Option(help="Seconds between two checks for changes of INDEX; 0 never checks.")
]
ApiKeysFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="File with API keys, one a line; or set PREREAD_API_KEYS."),
]
AllowedHosts = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME",
        help="Name that the server answers to besides IP addresses and localhost; may be repeated. "
        "By default a server without keys answers to no other name, one with keys to every name.",
    ),
]
LeastConfidence = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        help="Probability of being right below which no answer is given. By default 0.2 where the "
        "reader was calibrated; 0 gives every answer.",
    ),
]


def serve(
    indexes: Annotated[
        list[str],
        typer.Argument(
            metavar="INDEX…", help="Folders of indexes; NAME=FOLDER sets the name in addresses."
        ),
    ],
    host: Host = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 is any free one.")
    ] = 8000,
    api_keys: ApiKeysFile = None,
    allowed_host: AllowedHosts = None,
    min_confidence: LeastConfidence = None,
    timeout_s: TimeoutS = 30.0,
    max_batch: Annotated[int, typer.Option(help="Requests that are read together.")] = 16,
    max_batch_passages: Annotated[
        int, typer.Option(help="Passages that are read together; bounds memory.")
    ] = 400,
    batch_wait_ms: Annotated[
        float,
        typer.Option(help="Milliseconds that a request waits for others to share its batch."),
    ] = 5.0,
    max_queue: Annotated[
        int, typer.Option(help="Requests that may wait for the reader; one more gets 503.")
    ] = 64,
    max_in_flight: Annotated[
        int, typer.Option(help="Requests that may be in flight; one more gets 503, unread.")
    ] = 256,
    max_request_bytes: Annotated[int, typer.Option(help="Bytes of a request's body.")] = 1 << 20,
    max_question_chars: Annotated[int, typer.Option(help="Characters of a question.")] = 1_000,
    max_top_k: Annotated[int, typer.Option(help="Passages retrieved for a question.")] = 100,
    max_answers: Annotated[int, typer.Option(help="Answers to a question.")] = 50,
    max_passages: Annotated[
        int, typer.Option(help="Passages that a client may provide with a question.")
    ] = 100,
    max_provided_tokens: Annotated[
        int, typer.Option(help="Tokens of provided text that the index does not hold.")
    ] = 16_384,
    max_questions: Annotated[
        int, typer.Option(help="Questions that a search engine may send in one request.")
    ] = 16,
    max_retrieved: Annotated[
        int, typer.Option(help="Passages of all queries of a batch of searches.")
    ] = 5_000,
    reload_seconds: ReloadSeconds = 2.0,
    grace_seconds: Annotated[
        float, typer.Option(help="Seconds that a stopping server waits for requests in flight.")
    ] = 30.0,
    log_questions: Annotated[
        bool, typer.Option("--log-questions", help="Write questions to the log.")
    ] = False,
    mcp: Annotated[
        bool, typer.Option("--mcp", help="Offer the tools of `preread mcp` at /mcp as well.")
    ] = False,
    retriever: Retriever = "auto",
    device: Device = "cpu",
    runtime: Runtime = "torch",
    precision: Precision = "float32",
) -> None:
    """Answer questions over HTTP from each INDEX; the server's page /docs describes how."""
    with ended_by_interrupts():
        from ..server import ApiKeys, Limits, ServeConfig
        from ..server import serve as run_server
        from ..server.indexes import named_paths
        from ..server.logs import write_json_logs

        limits = Limits(
            max_request_bytes=max_request_bytes,
            max_question_chars=max_question_chars,
            max_top_k=max_top_k,
            max_answers=max_answers,
            max_passages=max_passages,
            max_provided_tokens=max_provided_tokens,
            max_questions=max_questions,
            max_retrieved=max_retrieved,
            timeout_s=timeout_s,
        )
        config = ServeConfig(
            limits=limits,
            max_batch=max_batch,
            max_batch_passages=max_batch_passages,
            batch_wait_ms=batch_wait_ms,
            max_queue=max_queue,
            max_in_flight=max_in_flight,
            reload_seconds=reload_seconds,
            grace_seconds=grace_seconds,
            log_questions=log_questions,
            min_confidence=min_confidence,
            allowed_hosts=tuple(allowed_host or ()),
            mcp=mcp,
        )
        paths, keys = named_paths(indexes), ApiKeys.load(api_keys)
        write_json_logs()
        run_server(
            paths, config, keys, host=host, port=port, device=device, runtime=runtime,
            precision=precision, retriever=retriever,
        )  # fmt: skip
