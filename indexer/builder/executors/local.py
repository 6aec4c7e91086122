"""The protocol of executors, and the executor that uses processes of this machine."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from typing_extensions import override

from ....reader import Reader
from ..encode import Progress, ShardTask
from .processes import Encoding, OnShard, default_workers, encode_shards


class Executor(Protocol):
    """Encodes shards. All executors write the same bytes."""

    def workers(self, reader: Reader, n_shards: int) -> int:
        """Number of workers that encode at the same time, for the estimate; at least 1.

        Args:
            reader: Computes the states.
            n_shards: Greatest number of shards.
        """

    def encode(
        self,
        tasks: Iterable[ShardTask],
        encoding: Encoding,
        *,
        n_shards: int,
        on_shard: OnShard,
        on_progress: Progress,
    ) -> None:
        """Encode shards and report them in their order.

        Args:
            tasks: The shards to encode, taken one by one, a few ahead of the workers.
            encoding: Reader, codec and settings.
            n_shards: Greatest number of tasks.
            on_shard: Called with the manifest's entry of each finished shard, in order.
            on_progress: Called from time to time with the number of tokens encoded since.

        Raises:
            PrereadError: If a worker dies, or the reader is on a device that the executor cannot
                use. Shards that were reported are complete.
        """


@dataclass(frozen=True, slots=True)
class LocalExecutor(Executor):
    """Encodes shards in processes of this machine."""

    n_workers: int | None = None
    """Number of processes; by default one for each core, or one if the reader is on a GPU."""

    @override
    def workers(self, reader: Reader, n_shards: int) -> int:
        return max(1, min(self.n_workers or default_workers(reader), n_shards))

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
        workers = self.workers(encoding.reader, n_shards)
        encode_shards(tasks, encoding, workers, on_shard, on_progress)
