"""``preread serve-cluster``."""

from pathlib import Path
from typing import Annotated

import typer

from .options import Precision, Runtime
from .server import AllowedHosts, ApiKeysFile, Host, LeastConfidence, TimeoutS


def serve_cluster(
    parts: Annotated[
        list[str],
        typer.Argument(
            metavar="PART...",
            help="All partitions of an index, the folder that holds them, or their URLs.",
        ),
    ],
    name: Annotated[str, typer.Option(help="Name of the index, as in addresses.")] = "index",
    address: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Address of a Ray cluster; by default one is started here."
        ),
    ] = None,
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    api_keys: ApiKeysFile = None,
    allowed_host: AllowedHosts = None,
    min_confidence: LeastConfidence = None,
    timeout_s: TimeoutS = 30.0,
    max_in_flight: Annotated[
        int, typer.Option(help="Requests that may be in flight at each front; one more gets 503.")
    ] = 256,
    fronts: Annotated[int, typer.Option(min=1, help="Processes that take requests.")] = 2,
    replicas: Annotated[int, typer.Option(min=1, help="Processes of each partition.")] = 1,
    cpus_per_part: Annotated[
        float, typer.Option(help="Cores of each process of a partition.")
    ] = 1.0,
    gpus_per_part: Annotated[
        float, typer.Option(help="Share of a GPU of each process of a partition.")
    ] = 0.0,
    deadline_s: Annotated[
        float, typer.Option(help="Seconds that a partition may take to search, and again to read.")
    ] = 5.0,
    runtime: Runtime = "torch",
    precision: Precision = "float32",
) -> None:
    """Answer questions over HTTP from an index in PARTs, each in processes of its own."""
    import signal
    import threading

    from ...indexer.builder.executors.ray.executor import connected
    from ...indexer.maintenance.split import partitions_in
    from ..cluster.deployment import ClusterConfig, start
    from ..server import ApiKeys, Limits, ServeConfig

    locations: list[str | Path] = []
    for part in parts:
        locations += partitions_in(Path(part)) or [part]
    config = ClusterConfig(
        fronts=fronts,
        replicas=replicas,
        cpus_per_part=cpus_per_part,
        gpus_per_part=gpus_per_part,
        deadline_s=deadline_s,
        runtime=runtime,
        precision=precision,
        clients=ServeConfig(
            limits=Limits(timeout_s=timeout_s),
            max_in_flight=max_in_flight,
            min_confidence=min_confidence,
            allowed_hosts=tuple(allowed_host or ()),
        ),
    )
    keys = ApiKeys.load(api_keys)
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in signals:  # while it starts, a signal closes Ray on the way out
        signal.signal(number, signal.default_int_handler)
    stop = threading.Event()
    with connected(address):
        start(name, locations, config, host=host, port=port, keys=keys)
        shown = f"http://{host}:{port}/v1/{name}/answer"
        typer.echo(f"{len(locations)} partitions at {shown}", err=True)
        for number in signals:
            signal.signal(number, lambda *_: stop.set())
        stop.wait()  # Ray Serve answers in processes of its own
