"""Encoding shards on a Ray cluster (https://docs.ray.io), whose nodes share the index folder.

Every shard is a Ray task. Ray runs it on any free core, with its share of a GPU, and runs it again
if the worker or the node is lost; a shard that is written twice has the same bytes. A pool of
actors is not used, because it could not be refilled after a node is lost. Only a few more tasks
than cores are under way, to save memory and to leave the cluster usable for others.
"""

import contextlib
import os
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from typing_extensions import override

from .....data import PrereadError
from .....data.io.system_errors import first_line
from .....reader import Reader
from ....bm25.java import keeping_java_signals
from ....storage.manifest import ShardEntry
from ...encode import Progress, ShardTask
from ..local import Executor, LocalExecutor
from ..processes import Encoding, OnShard

_POLL_SECONDS = 1.0
_TASKS_PER_CORE = 3
"""Tasks under way for each core, so that a core always finds one whose passages have arrived."""
_TRIES_AFTER_LOSS = 5
"""Number of new attempts after a worker or node dies; after that, the shard is likely the cause."""
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RayExecutor(Executor):
    """Encodes shards on a Ray cluster, from a reader that is on a CPU here."""

    address: str | None = None
    """Address of the cluster's head, or ``auto``. None starts a cluster on this machine for the
    build."""
    n_workers: int | None = None
    """Number of shards that are encoded at the same time; by default as many as cores and GPUs
    allow."""
    gpus_per_worker: float = 0.0
    """Share of a GPU that a worker uses; 0 encodes on CPUs."""
    patience: float = 1800.0
    """Seconds without a finished shard after which the build stops with an error."""

    def __post_init__(self) -> None:
        """Check the numbers."""
        require_ray()
        if self.gpus_per_worker < 0 or self.patience <= 0:
            raise PrereadError(
                "ray: expected gpus_per_worker of at least 0 and patience above 0, found "
                f"{self.gpus_per_worker:g} and {self.patience:g}."
            )

    @override
    def workers(self, reader: Reader, n_shards: int) -> int:
        if self.address is None and not require_ray().is_initialized():
            return LocalExecutor(self.n_workers).workers(reader, n_shards)  # started for the build
        with connected(self.address):
            return max(1, min(self._slots(), n_shards))

    @override
    def encode(
        self,
        tasks: Iterable[ShardTask],
        encoding: Encoding,
        *,
        n_shards: int,
        on_shard: OnShard,
        on_progress: Progress,
    ) -> None:
        if encoding.reader.device.type != "cpu":
            raise PrereadError(
                f"ray: expected the reader on cpu here, found it on {encoding.reader.device}. "
                "Workers use GPUs of the cluster: give --gpus-per-worker instead of --device."
            )
        with connected(self.address):
            run = _Run(self, encoding)
            try:
                run.run(iter(tasks), on_shard, on_progress)
            except BaseException:
                run.cancel()
                raise

    def _slots(self) -> int:
        """Number of shards that the cluster can encode at the same time, at this moment."""
        found = require_ray().cluster_resources()
        slots = int(found.get("CPU", 0))
        if self.gpus_per_worker:
            slots = min(slots, int(found.get("GPU", 0) / self.gpus_per_worker))
        return max(1, min(slots, self.n_workers or slots))


class _Run:
    """One build on a cluster."""

    def __init__(self, executor: RayExecutor, encoding: Encoding) -> None:
        """Send the reader and its head to the cluster."""
        from .worker import encode_task

        ray = require_ray()
        self._executor = executor
        self._encoding = encoding
        self._build = uuid.uuid4().hex
        self._reader = ray.put((encoding.reader, encoding.head))
        self._work = ray.remote(encode_task).options(
            num_cpus=1, num_gpus=executor.gpus_per_worker, max_retries=_TRIES_AFTER_LOSS
        )
        self._under_way: dict[Any, ShardTask] = {}

    def run(self, tasks: Iterator[ShardTask], on_shard: OnShard, on_progress: Progress) -> None:
        """Keep some tasks under way until all are done, and report shards in their order."""
        ray = require_ray()
        finished: dict[int, ShardEntry] = {}
        order: list[int] = []
        last = time.monotonic()
        while True:
            room = self._room() - len(self._under_way) - len(finished)
            for task in islice(tasks, max(0, room)):
                self._begin(replace(task, index=task.index.resolve()))
                order.append(task.number)
            if not self._under_way:
                break
            done, _ = ray.wait(list(self._under_way), num_returns=1, timeout=_POLL_SECONDS)
            for ref in done:
                task = self._under_way.pop(ref)
                finished[task.number] = self._result(ref, task)
                on_progress(finished[task.number].n_tokens)
                last = time.monotonic()
            while order and order[0] in finished:
                on_shard(finished.pop(order.pop(0)))
            if time.monotonic() - last > self._executor.patience:
                raise self._too_slow()

    def cancel(self) -> None:
        for ref in self._under_way:
            with contextlib.suppress(Exception):  # the build ends with its own error
                require_ray().cancel(ref, force=True)

    def _room(self) -> int:
        """Greatest number of tasks under way; it changes when nodes join or leave."""
        slots = self._executor._slots()
        return slots if self._executor.n_workers else _TASKS_PER_CORE * slots

    def _begin(self, task: ShardTask) -> None:
        encoding = self._encoding
        ref = self._work.remote(
            task, self._build, [self._reader], encoding.codec_name, encoding.lower
        )
        self._under_way[ref] = task

    def _result(self, ref: Any, task: ShardTask) -> ShardEntry:
        """The shard that a task has written."""
        ray = require_ray()
        try:
            entry: ShardEntry = ray.get(ref)
        except ray.exceptions.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, PrereadError):
                raise cause from error
            if isinstance(cause, OSError):
                raise OSError(cause.errno, cause.strerror or str(cause)) from error
            raise PrereadError(
                f"{task.file}: a worker failed: {type(cause).__name__}: {cause}. Go on with "
                "--resume when the cause is removed."
            ) from error
        except ray.exceptions.RayError as error:
            raise PrereadError(
                f"{task.file}: its worker or node died {_TRIES_AFTER_LOSS + 1} times "
                f"({type(error).__name__}). Workers are killed when memory runs out: go on with "
                "--resume and fewer --workers, or look into Ray's logs."
            ) from error
        return entry

    def _too_slow(self) -> PrereadError:
        """The error if no shard was finished for too long: what is missing, and what there is."""
        ray = require_ray()
        waiting = sorted(task.file for task in self._under_way.values())
        named = ", ".join(waiting[:_NAMED]) + (" …" if len(waiting) > _NAMED else "")
        gpus = self._executor.gpus_per_worker
        wanted = "1 CPU" + (f" and {gpus:g} GPU" if gpus else "")
        there = {k: v for k, v in ray.cluster_resources().items() if k in ("CPU", "GPU")}
        free = {k: v for k, v in ray.available_resources().items() if k in ("CPU", "GPU")}
        n_nodes = sum(1 for node in ray.nodes() if node["Alive"])
        return PrereadError(
            f"ray: no shard was finished for {self._executor.patience:g} s; waiting for "
            f"{len(waiting)}: {named}. Each needs {wanted}; the cluster has {n_nodes} nodes with "
            f"{there}, of which {free} are free. Add what is missing, or set a longer --patience, "
            "and go on with --resume."
        )


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Connect to a Ray cluster within the block; an existing connection is used and kept.

    Args:
        address: Address of the cluster's head, or ``auto``. None starts a cluster on this machine.

    Raises:
        PrereadError: If Ray is not installed, or there is no cluster.
    """
    ray = require_ray()
    if ray.is_initialized():
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        with keeping_java_signals():
            ray.init(address=address, log_to_driver=False, logging_level="error")
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        raise PrereadError(
            f"ray: no cluster at {address or 'this machine'}: {first_line(error)}. Start one with "
            "`ray start --head`, and name its address (--address HOST:PORT)."
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def require_ray() -> Any:
    """Import the package ``ray``.

    Raises:
        PrereadError: If the package is not installed.
    """
    try:
        import ray
    except ImportError:
        raise PrereadError(
            "expected the package ray, found none. Install preread[ray], here and on every node."
        ) from None
    return ray
