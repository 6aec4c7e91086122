"""Encoding shards, in this process or in several.

A shard's bytes are the same whoever writes it: every worker computes on the same batches, with one
thread, since the last bit of a product depends on how it is split. MKL's conditional
reproducibility (MKL_CBWR) is left as it is found: it changes which kernels are taken, has to be set
before a process's first product, and so would part this process from its workers; what it guards
against, matrices that lie at other offsets from one run to the next, PyTorch's allocator rules out.

Workers get the reader by a file, which all of them map. What a new process is given directly goes
through a pipe that holds 64 KiB: if it died before it had read more than that, its parent would
wait for ever, since the parent has the pipe's other end open too.
"""

import ctypes
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO, Any

import torch

from ....data import PrereadError
from ....reader import Reader
from ....reader.codecs import Codec, find_codec
from ...storage.manifest import ShardEntry
from ..encode import Progress, ShardTask, encode_shard

_POLL_SECONDS = 0.5
_PR_SET_PDEATHSIG = 1
"""https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html"""

OnShard = Callable[[ShardEntry], None]


def encode_shards(
    tasks: Iterable[ShardTask],
    reader: Reader,
    codec: Codec,
    *,
    codec_name: str,
    rows_per_batch: int,
    scratch: Path,
    workers: int,
    on_shard: OnShard,
    on_progress: Progress,
) -> None:
    """Encode shards; they are reported in their order.

    Args:
        tasks: Taken one by one, a few ahead of the workers.
        reader: Makes the states.
        codec: Writes them as bytes.
        codec_name: What another process finds the codec by.
        rows_per_batch: Rows the reader sees at once.
        scratch: Folder where workers find the reader; of what is left there after a crash, names
            end in ``.tmp``.
        workers: 1 for this process, more for that many others.
        on_shard: Told each shard that is written.
        on_progress: Told the tokens that are done, now and then.

    Raises:
        PrereadError: If a worker dies.
    """
    if workers == 1:
        with one_thread(reader):
            for task in tasks:
                on_shard(encode_shard(task, reader, codec, rows_per_batch, on_progress))
        return
    context = get_context("spawn")
    # No lock: a worker that is killed with it would hold up the rest. Counts that collide are lost,
    # and only a progress bar depends on them.
    n_tokens = context.RawValue("Q", 0)
    n_told = 0

    def tell() -> None:
        nonlocal n_told
        n_told, n_new = n_tokens.value, n_tokens.value - n_told
        on_progress(n_new)

    with (
        _saved(reader, scratch) as saved,
        ProcessPoolExecutor(
            workers,
            context,
            initializer=_start,
            initargs=(os.getpid(), saved, codec_name, rows_per_batch, n_tokens),
        ) as pool,
    ):
        started: list[BaseProcess] = []
        try:
            _run(pool, iter(tasks), workers, on_shard, tell, started)
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in started:  # the pool only asks them to end, and waits for ever
                process.kill()
            if isinstance(error, BrokenProcessPool):
                raise PrereadError(
                    "a worker died; the system kills processes when memory runs out. Go on with "
                    "--resume, and with fewer --workers if it happens again."
                ) from error
            raise


@contextmanager
def _saved(reader: Reader, folder: Path) -> Iterator[Path]:
    """The reader in a file, as long as it is needed.

    Raises:
        OSError: If it cannot be written.
    """
    path = folder / "reader.tmp"
    try:
        with path.open("wb") as file:
            _save(reader, file)
        yield path
    finally:
        path.unlink(missing_ok=True)


def _save(reader: Reader, file: IO[bytes]) -> None:
    try:
        torch.save(reader, file)
    except RuntimeError as error:  # PyTorch's own, of a file that is shorter than it thinks
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise


def _run(
    pool: ProcessPoolExecutor,
    tasks: Iterator[ShardTask],
    workers: int,
    on_shard: OnShard,
    on_wait: Callable[[], None],
    started: list[BaseProcess],
) -> None:
    """Keep one task more than there are workers under way; note the processes."""
    under_way: list[Future[ShardEntry]] = []
    while True:
        more = islice(tasks, workers + 1 - len(under_way))
        under_way += [_submit(pool, task) for task in more]
        started[:] = (pool._processes or {}).values() or started
        if not under_way:
            return
        wait(under_way, timeout=_POLL_SECONDS, return_when=FIRST_COMPLETED)
        on_wait()
        while under_way and under_way[0].done():
            on_shard(under_way.pop(0).result())


def _submit(pool: ProcessPoolExecutor, task: ShardTask) -> Future[ShardEntry]:
    """Hand a task to the pool, which may start a worker for it.

    Raises:
        BrokenProcessPool: If a worker has died, or none can be started.
    """
    try:
        return pool.submit(_work, task)
    # Of a pool that gave up just now: its pipes are closed, or their numbers are the new process's.
    # An OSError also where none can be started.
    except (OSError, ValueError) as error:
        raise BrokenProcessPool(str(error)) from error


_mine: dict[str, Any] = {}


def _start(parent: int, saved: Path, codec_name: str, rows_per_batch: int, n_tokens: Any) -> None:
    """Set a worker up."""
    _die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; the parent ends the others
    torch.set_num_threads(1)
    # Not only weights are in the file; it is the parent's own.
    reader: Reader = torch.load(saved, mmap=True, weights_only=False)
    _mine.update(
        reader=reader,
        codec=find_codec(codec_name, reader),
        rows_per_batch=rows_per_batch,
        n_tokens=n_tokens,
    )


def _die_with(parent: int) -> None:
    """End when the parent is killed: a resumed build would find this worker still writing."""
    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "prctl"):
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _work(task: ShardTask) -> ShardEntry:
    """Write one shard, in a worker."""

    def on_progress(n: int) -> None:
        _mine["n_tokens"].value += n

    return encode_shard(task, _mine["reader"], _mine["codec"], _mine["rows_per_batch"], on_progress)


@contextmanager
def one_thread(reader: Reader) -> Iterator[None]:
    """Compute as a worker does; on a GPU threads decide nothing."""
    before = torch.get_num_threads()
    if reader.device.type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def default_workers(reader: Reader) -> int:
    """A worker a core; one where a GPU does the work."""
    return len(os.sched_getaffinity(0)) if reader.device.type == "cpu" else 1
