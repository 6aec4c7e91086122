"""Starting partitions and fronts on a Ray cluster."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...data import PrereadError
from ...data.io.system_errors import first_line
from ...indexer.builder.executors.ray.executor import require_ray
from ...indexer.remote.copies import is_remote, read_manifest
from ...reader import Precision, Runtime
from ...reader.hub import ALLOW_VARIABLE, hub_is_allowed
from ..server.auth import ApiKeys
from ..server.limits import ServeConfig
from ..server.server import warn_if_open
from .front import Front
from .partition import Partition

_LOG = logging.getLogger(__name__)
APPLICATION = "preread"
"""Name of the application in Ray Serve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterConfig:
    """How partitions and fronts run."""

    fronts: int = 2
    """Processes that take requests."""
    replicas: int = 1
    """Processes of each partition; with two, one may be lost unnoticed."""
    cpus_per_part: float = 1.0
    """Cores of each process of a partition, which is also the number of its threads."""
    gpus_per_part: float = 0.0
    """Share of a GPU of each process of a partition; above 0, partitions are read there."""
    deadline_s: float = 5.0
    """Seconds that a partition may take to search, and again to read."""
    runtime: str = Runtime.TORCH
    """What computes the upper layers."""
    precision: str = Precision.FLOAT32
    """Number format in which PyTorch runs the upper layers."""
    clients: ServeConfig = field(default_factory=ServeConfig)
    """What clients may ask of a front."""

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            PrereadError: If a number is out of range.
        """
        for name in ("fronts", "replicas", "cpus_per_part", "deadline_s"):
            if getattr(self, name) <= 0:
                raise PrereadError(f"{name}: expected more than 0, found {getattr(self, name)}.")


def _in_order(locations: Sequence[str | Path]) -> list[str]:
    """All partitions of one index, in the order of their passages; others are refused."""
    manifests = [read_manifest(location) for location in locations]
    partitions = [manifest.part for manifest in manifests]
    numbers = sorted(partition.number for partition in partitions if partition is not None)
    wholes = {partition.whole for partition in partitions if partition is not None}
    of = next((partition.of for partition in partitions if partition is not None), 0)
    if len(wholes) != 1 or numbers != list(range(of)) or len(partitions) != of:
        raise PrereadError(
            f"expected all partitions of one index, each once; found {len(numbers)} partitions of "
            f"{len(wholes)} indexes among {len(locations)} folders. Make them with "
            "`preread split`."
        )
    order = np.argsort([manifest.shards[0].first_ordinal for manifest in manifests])
    return [str(locations[n]) for n in order.tolist()]


def start(
    name: str,
    locations: Sequence[str | Path],
    config: ClusterConfig,
    *,
    host: str,
    port: int,
    keys: ApiKeys | None = None,
) -> None:
    """Serve an index in partitions; returns when all partitions are open.

    Ray must be connected. An application that was started by this function before is replaced.

    Args:
        name: Name of the index, as in addresses.
        locations: Its partitions: folders that all nodes share, or URLs, of which each node keeps
            a copy (``indexer/remote/copies.py``).
        config: How they run.
        host: Address to listen on.
        port: Port to listen on.
        keys: Keys of the clients that may ask; by default everybody may.

    Raises:
        PrereadError: If Ray is not installed, the partitions are not all of one index, or they
            cannot be opened.
    """
    require_ray()
    from ray import serve

    keys = keys or ApiKeys()
    ordered = _in_order(locations)
    names = [location.rstrip("/").rsplit("/", 1)[-1] for location in ordered]
    environment = {"OMP_NUM_THREADS": str(max(1, int(config.cpus_per_part)))}
    if hub_is_allowed():
        environment[ALLOW_VARIABLE] = "1"
    actor: dict[str, Any] = {
        "num_cpus": config.cpus_per_part,
        "num_gpus": config.gpus_per_part,
        "runtime_env": {"env_vars": environment},
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
        max_ongoing_requests=config.clients.max_in_flight,
    )
    warn_if_open(_LOG, host, keys)
    serve.start(http_options={"host": host, "port": port}, proxy_location="EveryNode")
    try:
        bound = front.bind(name, names, config.deadline_s, config.clients, keys, *partitions)
        serve.run(bound, name=APPLICATION, route_prefix="/")
    except (RuntimeError, TimeoutError) as error:
        reason = first_line(error)
        raise PrereadError(
            f"serve-cluster: the partitions could not be opened: {reason}. `ray status` says "
            "whether cores are lacking, and Ray's logs what failed."
        ) from error


def _absolute(location: str) -> str:
    """The location in a form that means the same in another working folder."""
    return location if is_remote(location) else str(Path(location).resolve())
