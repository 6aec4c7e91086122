"""``preread mcp``."""

from typing import Annotated

import typer

from .interrupts import ended_by_interrupts
from .options import Device
from .server import LeastConfidence, ReloadSeconds


def mcp(
    indexes: Annotated[
        list[str],
        typer.Argument(
            metavar="INDEX…", help="Folders of indexes; NAME=FOLDER sets the name for the tools."
        ),
    ],
    min_confidence: LeastConfidence = None,
    reload_seconds: ReloadSeconds = 2.0,
    device: Device = "cpu",
) -> None:
    """Offer each INDEX to a language model, as MCP tools on standard input and output."""
    from ..server import ServeConfig
    from ..server.indexes import named_paths
    from ..server.logs import write_json_logs
    from ..server.mcp_tools import serve_mcp

    config = ServeConfig(reload_seconds=reload_seconds, min_confidence=min_confidence)
    paths = named_paths(indexes)
    write_json_logs()
    with ended_by_interrupts():
        serve_mcp(paths, config, device=device)
