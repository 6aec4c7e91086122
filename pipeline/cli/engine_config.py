"""``preread engine-config opensearch | elasticsearch``: settings of search engines."""

from typing import TYPE_CHECKING, Annotated

import typer

from .options import Json, print_json

if TYPE_CHECKING:
    from ..integrations.search_engines import SetupRequest


Url = Annotated[str, typer.Option(help="URL of `preread serve`, as the engine reaches it.")]
Index = Annotated[str, typer.Option(help="Name of the index on the server.")]
NeedsKey = Annotated[bool, typer.Option("--with-key", help="The server requires an API key.")]
EngineIndex = Annotated[str, typer.Option(help="Name of the engine's own index.")]
TextField = Annotated[str, typer.Option(help="Field of its documents that holds the text.")]


def opensearch(
    index: Index,
    url: Url = "http://127.0.0.1:8000",
    with_key: NeedsKey = False,
    engine_index: EngineIndex = "my-index",
    text_field: TextField = "text",
    id_field: Annotated[
        str, typer.Option(help="Field of its documents that holds the identifier.")
    ] = "id",
    question_path: Annotated[
        str | None,
        typer.Option(
            metavar="JSONPATH",
            help="Where the question is in a search request; default: in a match query.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Print settings, connectors, models and a search pipeline for OpenSearch."""
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
    """Print inference endpoints for Elasticsearch."""
    from ..integrations.search_engines import ServerAddress, elasticsearch_steps

    server = ServerAddress(url, index, with_key)
    _print(elasticsearch_steps(server, engine_index=engine_index, text_field=text_field), json)


def _print(steps: "list[SetupRequest]", json: bool) -> None:
    """Print requests as JSON, or as text for the engine's console."""
    from ..integrations.search_engines import console_text

    if json:
        print_json({"steps": [step.to_dict() for step in steps]})
    else:
        typer.echo(console_text(steps))


commands = typer.Typer(help="Print the requests that make a search engine ask a preread server.")
commands.command()(opensearch)
commands.command()(elasticsearch)
