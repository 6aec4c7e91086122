"""Encoding shards in this process or in several worker processes.

A shard has the same bytes whichever process writes it. Every worker computes the same batches with
one thread, because the last bit of a matrix product depends on how threads split it. MKL's
conditional reproducibility (MKL_CBWR) is not set. It selects other kernels and must be set before
the first product of a process, so this process and its workers would differ. It guards against
matrices at different memory offsets, which PyTorch's allocator rules out.

Workers load the reader from a safetensors file, whose weights all of them map. Arguments of a new
process go through a pipe that holds 64 KiB. If the process died before it read more than that, its
parent would wait for ever, because the parent has the other end of the pipe open as well.
"""

import ctypes
import json
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO, Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from tokenizers import Tokenizer

from ....data import PrereadError
from ....data.io.atomic import temporary_path
from ....reader import DeformerConfig, DeformerForQuestionAnswering, Reader
from ....reader.codecs import Codec, find_codec
from ....reader.modeling.decomposed import Undrawn
from ....reader.retrieval.head import RetrievalHead
from ....reader.text.saved_tokenizer import SavedTokenizer
from ...storage.cleaning import READER_FILE
from ...storage.manifest import ShardEntry
from ..encode import LowerPass, Progress, ShardTask, encode_shard

_POLL_SECONDS = 0.5
_PR_SET_PDEATHSIG = 1
"""https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html"""

_ABOUT = "preread"
"""Entry in the metadata of a reader's file."""
_OF_HEAD = "retrieval-head."
"""What the names of a retrieval head's weights begin with in that file."""

OnShard = Callable[[ShardEntry], None]


@dataclass(frozen=True, slots=True)
class Encoding:
    """Reader, codec and settings with which shards are encoded."""

    reader: Reader
    """Computes the states."""
    codec: Codec
    """Turns states into codes."""
    codec_name: str
    """Name or file by which another process loads the codec."""
    lower: LowerPass
    """How the reader's lower layers run."""
    scratch: Path
    """Folder for temporary files; their names end in ``.tmp``."""
    head: RetrievalHead | None = None
    """Makes vectors of the states; None makes no vectors."""


def encode_shards(
    tasks: Iterable[ShardTask],
    encoding: Encoding,
    workers: int,
    on_shard: OnShard,
    on_progress: Progress,
) -> None:
    """Encode shards and report them in their order.

    Args:
        tasks: The shards to encode, taken one by one, a few ahead of the workers.
        encoding: Reader, codec and settings.
        workers: Number of processes: 1 encodes in this process, more start as many workers.
        on_shard: Called with the manifest's entry of each finished shard, in order.
        on_progress: Called from time to time with the number of tokens encoded since.

    Raises:
        PrereadError: If a worker dies.
    """
    reader, head, lower = encoding.reader, encoding.head, encoding.lower
    if workers == 1:
        with one_thread(reader):
            for task in tasks:
                on_shard(encode_shard(task, reader, encoding.codec, lower, on_progress, head=head))
        return
    context = get_context("spawn")
    # No lock: a worker that is killed while it holds one would block the others. Two counts at the
    # same time lose one, which only the progress bar shows.
    n_tokens = context.RawValue("Q", 0)
    n_told = 0

    def tell() -> None:
        nonlocal n_told
        n_told, n_new = n_tokens.value, n_tokens.value - n_told
        on_progress(n_new)

    with (
        _saved(reader, head, encoding.scratch) as saved,
        ProcessPoolExecutor(
            workers,
            context,
            initializer=_start,
            initargs=(os.getpid(), saved, encoding.codec_name, lower, n_tokens),
        ) as pool,
    ):
        started: list[BaseProcess] = []
        try:
            _run(pool, iter(tasks), workers, on_shard, tell, started)
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in started:  # the pool would ask them to end, and wait for ever
                process.kill()
            if isinstance(error, BrokenProcessPool):
                raise PrereadError(
                    "a worker died; the system kills processes when memory runs out. Go on with "
                    "--resume, and use fewer --workers if it happens again."
                ) from error
            raise


@contextmanager
def _saved(reader: Reader, head: RetrievalHead | None, folder: Path) -> Iterator[Path]:
    """The file of the reader and its head, which is removed after the block."""
    path = temporary_path(folder / Path(READER_FILE).name)
    try:
        with path.open("xb") as file:
            save_reader(reader, head, file)
        yield path
    finally:
        path.unlink(missing_ok=True)


def save_reader(reader: Reader, head: RetrievalHead | None, file: IO[bytes]) -> None:
    """Write what makes states and vectors. The file holds no code and no pickle.

    Args:
        reader: The reader that `map_reader` shall give back.
        head: The retrieval head that it shall give back; None if there is none.
        file: An open file.

    Raises:
        OSError: If the file cannot be written.
    """
    about = {
        "name": reader.name,
        "device": str(reader.device),
        "config": reader.config.to_dict(),
        "tokenizer": reader.encoder.backend.to_str(),
        "special_tokens": {
            "cls_token_id": reader.encoder.cls_id,
            "sep_token_id": reader.encoder.sep_id,
        },
        "head": None if head is None else asdict(head.shape),
    }
    state = dict(reader.model.state_dict())
    if head is not None:
        state |= {_OF_HEAD + name: weight for name, weight in head.state_dict().items()}
    weights = {name: weight.detach().cpu().contiguous() for name, weight in state.items()}
    # The library's own function hides the operating system's errors.
    file.write(save(weights, {_ABOUT: json.dumps(about)}))


def map_reader(path: Path) -> tuple[Reader, RetrievalHead | None]:
    """Load a reader whose weights are mapped, so that processes share them in memory.

    Args:
        path: A file that `save_reader` wrote.

    Returns:
        The reader, and its retrieval head if it was written with one.
    """
    with safe_open(path, "pt") as file:
        about = json.loads(file.metadata()[_ABOUT])
        weights = {name: file.get_tensor(name) for name in file.keys()}
    of_head = {
        name.removeprefix(_OF_HEAD): weights.pop(name)
        for name in list(weights)
        if name.startswith(_OF_HEAD)
    }
    config = DeformerConfig.from_dict(about["config"])
    shape, head = about["head"], None
    with Undrawn():
        model = DeformerForQuestionAnswering(config)
        if shape is not None:
            head = RetrievalHead(config, shape["n_layers"], shape["width"])
    model.load_state_dict(weights, assign=True)
    tokenizer = SavedTokenizer(Tokenizer.from_str(about["tokenizer"]), **about["special_tokens"])
    reader = Reader(model, tokenizer, name=about["name"], device=about["device"])
    if head is not None:
        head.load_state_dict(of_head, assign=True)
        head = head.requires_grad_(False).eval().to(reader.device)
    return reader, head


def _run(
    pool: ProcessPoolExecutor,
    tasks: Iterator[ShardTask],
    workers: int,
    on_shard: OnShard,
    on_wait: Callable[[], None],
    started: list[BaseProcess],
) -> None:
    """Keep one task more under way than there are workers; ``started`` gets the processes."""
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
    """Submit a task to the pool, which may start a worker."""
    try:
        return pool.submit(_work, task)
    # A pool that broke just now has closed its pipes, whose numbers the new process may reuse. An
    # OSError also comes if no process can be started.
    except (OSError, ValueError) as error:
        raise BrokenProcessPool(str(error)) from error


_mine: dict[str, Any] = {}


def _start(parent: int, saved: Path, codec_name: str, lower: LowerPass, n_tokens: Any) -> None:
    """Set up a worker."""
    _die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent ends the workers
    torch.set_num_threads(1)
    reader, head = map_reader(saved)
    _mine.update(
        reader=reader,
        head=head,
        codec=find_codec(codec_name, reader),
        lower=lower,
        n_tokens=n_tokens,
    )


def _die_with(parent: int) -> None:
    """End this process when its parent is killed; it would write into a resumed build."""
    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "prctl"):
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _work(task: ShardTask) -> ShardEntry:
    """Write one shard in a worker."""

    def on_progress(n: int) -> None:
        _mine["n_tokens"].value += n

    return encode_shard(
        task,
        _mine["reader"],
        _mine["codec"],
        _mine["lower"],
        on_progress,
        head=_mine["head"],
    )


@contextmanager
def one_thread(reader: Reader) -> Iterator[None]:
    """Compute with one thread, as a worker does, within the block.

    Args:
        reader: Computes the states; on a GPU the number of threads is left as it is.
    """
    before = torch.get_num_threads()
    if reader.device.type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def default_workers(reader: Reader) -> int:
    """Number of workers: one for each core, or one if the reader is on a GPU.

    Args:
        reader: Computes the states.
    """
    return len(os.sched_getaffinity(0)) if reader.device.type == "cpu" else 1
