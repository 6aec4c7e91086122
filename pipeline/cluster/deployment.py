"""Starting parts and fronts on a Ray cluster."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...data import PrereadError
from ...indexer.builder.executors.ray.executor import require_ray
from ...indexer.remote.copies import is_remote, read_manifest
from ...reader import Precision, Runtime
from ..server.limits import Limits
from .front import Front
from .partition import Partition

APPLICATION = "preread"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterConfig:
    """How parts and fronts run."""

    fronts: int = 2
    """Processes that take requests."""
    replicas: int = 1
    """Processes of each part; with two, one may be lost unnoticed."""
    cpus_per_part: float = 1.0
    """Cores that each of these is counted as, and threads that it reads with."""
    gpus_per_part: float = 0.0
    """Share of a GPU; above 0, parts read on it."""
    deadline_s: float = 5.0
    """Seconds a part may take to search, and again to read."""
    runtime: str = Runtime.TORCH
    precision: str = Precision.FLOAT32
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            PrereadError: If one makes no sense.
        """
        for name in ("fronts", "replicas", "cpus_per_part", "deadline_s"):
            if getattr(self, name) <= 0:
                raise PrereadError(f"{name}: expected more than 0, found {getattr(self, name)}.")


def check_partitions(locations: Sequence[str | Path]) -> list[str]:
    """Make sure that these are all parts of one index.

    Args:
        locations: Folders or URLs.

    Returns:
        The same in the order of their passages.

    Raises:
        IndexFormatError: If one is no index.
        PrereadError: If they are not.
    """
    manifests = [read_manifest(location) for location in locations]
    partitions = [manifest.part for manifest in manifests]
    numbers = sorted(partition.number for partition in partitions if partition is not None)
    wholes = {partition.whole for partition in partitions if partition is not None}
    of = next((partition.of for partition in partitions if partition is not None), 0)
    if len(wholes) != 1 or numbers != list(range(of)) or len(partitions) != of:
        raise PrereadError(
            f"expected all parts of one index, each once; found {len(numbers)} parts of "
            f"{len(wholes)} indexes among {len(locations)} folders. Make them with "
            "`preread split`."
        )
    order = np.argsort([manifest.shards[0].first_ordinal for manifest in manifests])
    return [str(locations[n]) for n in order.tolist()]


def start(
    name: str, locations: Sequence[str | Path], config: ClusterConfig, *, host: str, port: int
) -> None:
    """Serve an index in parts; returns once all parts are open.

    Ray must be connected. What was served before by this is replaced.

    Args:
        name: Of the index, in addresses.
        locations: Its parts: folders that all nodes share, or URLs, of which each node keeps a
            copy (``indexer/remote/copies.py``).
        config: How they run.
        host: Where to listen.
        port: See ``host``.

    Raises:
        PrereadError: If Ray is not installed, the parts are not all of one index, or they cannot
            be opened.
    """
    require_ray()
    from ray import serve

    ordered = check_partitions(locations)
    names = [location.rstrip("/").rsplit("/", 1)[-1] for location in ordered]
    actor: dict[str, Any] = {
        "num_cpus": config.cpus_per_part,
        "num_gpus": config.gpus_per_part,
        "runtime_env": {"env_vars": {"OMP_NUM_THREADS": str(max(1, int(config.cpus_per_part)))}},
    }
    device = "cuda" if config.gpus_per_part else "cpu"
    partition = serve.deployment(Partition)
    partitions = [
        partition.options(
            name=partition_name,
            num_replicas=config.replicas,
            ray_actor_options=actor,
            max_ongoing_requests=64,
            health_check_period_s=2,
            health_check_timeout_s=5,
        ).bind(_absolute(location), device, config.runtime, config.precision)
        for partition_name, location in zip(names, ordered, strict=True)
    ]

    front = serve.deployment(serve.ingress()(Front)).options(
        name="front",
        num_replicas=config.fronts,
        ray_actor_options={"num_cpus": 0},
        max_ongoing_requests=256,
    )
    serve.start(http_options={"host": host, "port": port}, proxy_location="EveryNode")
    try:
        bound = front.bind(name, names, config.deadline_s, config.limits, *partitions)
        serve.run(bound, name=APPLICATION, route_prefix="/")
    except (RuntimeError, TimeoutError) as error:
        reason = (str(error).strip() or repr(error)).splitlines()[0]
        raise PrereadError(
            f"serve-cluster: the parts could not be opened: {reason}. `ray status` says whether "
            "cores are lacking, and Ray's logs what went wrong."
        ) from error


def _absolute(location: str) -> str:
    """What a process with another working folder finds the same by."""
    return location if is_remote(location) else str(Path(location).resolve())
