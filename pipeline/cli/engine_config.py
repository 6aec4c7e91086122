"""``preread engine-config opensearch | elasticsearch``."""

from typing import TYPE_CHECKING, Annotated

import typer

from .options import Json, print_json

if TYPE_CHECKING:
    from ..integrations.search_engines import SetupRequest


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    commands = typer.Typer(
        help="Print what a search engine is told so that it asks a server of ours."
    )
    commands.command()(opensearch)
    commands.command()(elasticsearch)
    app.add_typer(commands, name="engine-config")


Url = Annotated[str, typer.Option(help="Of `preread serve`, as the engine reaches it.")]
Index = Annotated[str, typer.Option(help="Name by which the index is served.")]
NeedsKey = Annotated[bool, typer.Option("--with-key", help="The server wants an API key.")]
EngineIndex = Annotated[str, typer.Option(help="The engine's own index.")]
TextField = Annotated[str, typer.Option(help="Field of its documents with the passage's text.")]


def opensearch(
    index: Index,
    url: Url = "http://127.0.0.1:8000",
    with_key: NeedsKey = False,
    engine_index: EngineIndex = "my-index",
    text_field: TextField = "text",
    id_field: Annotated[
        str, typer.Option(help="Field of its documents with the passage's identifier.")
    ] = "id",
    question_path: Annotated[
        str | None,
        typer.Option(
            metavar="JSONPATH",
            help="Where a search request has the question; by default in a match query.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Settings, connectors, models, and a search pipeline for OpenSearch."""
    from ..integrations.search_engines import ServerAddress, opensearch_steps

    steps = opensearch_steps(
        ServerAddress(url, index, with_key),
        engine_index=engine_index,
        text_field=text_field,
        id_field=id_field,
        question_path=question_path,
    )
    _print(steps, json)


def elasticsearch(
    index: Index,
    url: Url = "http://127.0.0.1:8000",
    with_key: NeedsKey = False,
    engine_index: EngineIndex = "my-index",
    text_field: TextField = "text",
    json: Json = False,
) -> None:
    """Inference endpoints for Elasticsearch."""
    from ..integrations.search_engines import ServerAddress, elasticsearch_steps

    server = ServerAddress(url, index, with_key)
    _print(elasticsearch_steps(server, engine_index=engine_index, text_field=text_field), json)


def _print(steps: "list[SetupRequest]", json: bool) -> None:
    """For a machine, or for the engine's console."""
    from ..integrations.search_engines import console_text

    if json:
        print_json({"steps": [step.to_dict() for step in steps]})
    else:
        typer.echo(console_text(steps))
