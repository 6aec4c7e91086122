"""``preread mcp``."""

from typing import Annotated

import typer

from .options import Device


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(mcp)


def mcp(
    indexes: Annotated[
        list[str],
        typer.Argument(metavar="INDEX…", help="Folders; NAME=FOLDER offers one by another name."),
    ],
    reload_seconds: Annotated[
        float, typer.Option(help="How often changes of INDEX are looked for; 0: never.")
    ] = 2.0,
    device: Device = "cpu",
) -> None:
    """Offer each INDEX to a language model's program: MCP tools on standard input and output."""
    from ..server import ServeConfig
    from ..server.indexes import named_paths
    from ..server.logs import write_json_logs
    from ..server.mcp_tools import serve_mcp

    config = ServeConfig(reload_seconds=reload_seconds)
    paths = named_paths(indexes)
    write_json_logs()
    serve_mcp(paths, config, device=device)
