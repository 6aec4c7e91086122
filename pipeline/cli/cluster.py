"""``preread serve-cluster``."""

from pathlib import Path
from typing import Annotated

import typer

from .options import Precision, Runtime


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("serve-cluster")(serve_cluster)


def serve_cluster(
    parts: Annotated[
        list[str],
        typer.Argument(
            metavar="PART...", help="All parts of an index, or the folder of them; or their URLs."
        ),
    ],
    name: Annotated[str, typer.Option(help="Of the index, in addresses.")] = "index",
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Of a Ray cluster; by default one starts here."),
    ] = None,
    host: Annotated[
        str, typer.Option(help="Where to listen; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    fronts: Annotated[int, typer.Option(min=1, help="Processes that take requests.")] = 2,
    replicas: Annotated[int, typer.Option(min=1, help="Processes of each part.")] = 1,
    cpus_per_part: Annotated[float, typer.Option(help="Cores of each of these.")] = 1.0,
    gpus_per_part: Annotated[float, typer.Option(help="Share of a GPU of each of these.")] = 0.0,
    deadline_s: Annotated[
        float, typer.Option(help="Seconds a part may take to search, and again to read.")
    ] = 5.0,
    runtime: Runtime = "torch",
    precision: Precision = "float32",
) -> None:
    """Answer questions over HTTP from an index in PARTs, each read by processes of its own."""
    import signal
    import threading

    from ...indexer.builder.executors.ray.executor import connected
    from ...indexer.maintenance.split import partitions_in
    from ..cluster.deployment import ClusterConfig, start

    locations: list[str | Path] = []
    for given in parts:
        locations += partitions_in(Path(given)) or [given]
    config = ClusterConfig(
        fronts=fronts,
        replicas=replicas,
        cpus_per_part=cpus_per_part,
        gpus_per_part=gpus_per_part,
        deadline_s=deadline_s,
        runtime=runtime,
        precision=precision,
    )
    stop = threading.Event()
    with connected(address):
        start(name, locations, config, host=host, port=port)
        typer.echo(f"{len(locations)} parts at http://{host}:{port}/v1/{name}/answer", err=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        stop.wait()  # Ray Serve answers in processes of its own
