"""``preread serve``."""

from pathlib import Path
from typing import Annotated

import typer

from .options import Device, Precision, Retriever, Runtime


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(serve)


def serve(
    indexes: Annotated[
        list[str],
        typer.Argument(metavar="INDEX…", help="Folders; NAME=FOLDER serves one by another name."),
    ],
    host: Annotated[
        str, typer.Option(help="Where to listen; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8000,
    api_keys: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keys, one a line; or set PREREAD_API_KEYS."),
    ] = None,
    timeout_s: Annotated[float, typer.Option(help="Seconds a request may take.")] = 30.0,
    max_batch: Annotated[int, typer.Option(help="Requests that are read together.")] = 16,
    max_batch_passages: Annotated[
        int, typer.Option(help="Passages that are read together: bounds memory.")
    ] = 400,
    batch_wait_ms: Annotated[
        float, typer.Option(help="How long a request waits for others to be read with.")
    ] = 5.0,
    max_queue: Annotated[int, typer.Option(help="Requests that wait; one more gets 503.")] = 64,
    max_in_flight: Annotated[
        int, typer.Option(help="Requests in all; one more gets 503, unread.")
    ] = 256,
    max_request_bytes: Annotated[int, typer.Option(help="Of a body.")] = 1 << 20,
    max_question_chars: Annotated[int, typer.Option(help="Of a question.")] = 1_000,
    max_top_k: Annotated[int, typer.Option(help="Passages retrieved for a question.")] = 100,
    max_answers: Annotated[int, typer.Option(help="Answers to a question.")] = 50,
    max_passages: Annotated[int, typer.Option(help="Passages given with a question.")] = 100,
    max_questions: Annotated[
        int, typer.Option(help="Questions that a search engine asks at once.")
    ] = 16,
    reload_seconds: Annotated[
        float, typer.Option(help="How often changes of INDEX are looked for; 0: never.")
    ] = 2.0,
    grace_seconds: Annotated[
        float, typer.Option(help="How long a stop waits for requests in flight.")
    ] = 30.0,
    log_questions: Annotated[
        bool, typer.Option("--log-questions", help="Write questions to the log.")
    ] = False,
    retriever: Retriever = "bm25",
    device: Device = "cpu",
    runtime: Runtime = "torch",
    precision: Precision = "float32",
) -> None:
    """Answer questions over HTTP from each INDEX; /docs of the server says how to ask."""
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
        max_questions=max_questions,
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
    )
    paths, keys = named_paths(indexes), ApiKeys.load(api_keys)
    write_json_logs()
    run_server(
        paths, config, keys, host=host, port=port, device=device, runtime=runtime,
        precision=precision, retriever=retriever,
    )  # fmt: skip
