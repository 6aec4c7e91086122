"""A build on a real Ray cluster of three nodes on this machine; `make test-ray` runs these."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from preread.data import PrereadError, read_corpus
from preread.data.sample import sample_corpus_path
from preread.indexer import IndexConfig, build_index, verify_index
from preread.reader import Reader

ray = pytest.importorskip("ray", reason="Ray is not in the `test` extra: run `make test-ray`")

from preread.indexer.builder.executors.ray.executor import RayExecutor  # noqa: E402

FilesOf = Callable[[Path], dict[str, str]]
CONFIG = IndexConfig(codec="float16", passages_per_shard=10)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head without cores, and two nodes of one core."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Workers cannot import a module of tests: its classes go to them as they are.
    ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
    started = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    for _ in range(2):
        started.add_node(num_cpus=1)
    ray.init(address=started.address, log_to_driver=False)
    yield started
    ray.shutdown()
    started.shutdown()


@pytest.fixture(scope="module")
def expected(
    head_reader: Reader, tmp_path_factory: pytest.TempPathFactory, files_of: FilesOf
) -> dict[str, str]:
    """Files of an index built in this process."""
    index = tmp_path_factory.mktemp("local") / "index"
    build_index(sample_corpus_path(), index, head_reader, CONFIG)
    return files_of(index)


class SlowReader(Reader):
    """Takes its time over every batch, so that there is some to kill in."""

    seconds = 0.4

    def window_states(self, windows: Any) -> Any:
        time.sleep(self.seconds)
        return super().window_states(windows)


@pytest.fixture
def slow_reader(head_reader: Reader) -> Reader:
    """The tiny reader, slowed down."""
    return SlowReader(head_reader.model, head_reader.tokenizer, name=head_reader.name)


def when_some_are_finished(index: Path, act: Callable[[], None]) -> threading.Thread:
    """Do something once two shards are written."""

    def wait() -> None:
        while len(list(index.glob("states/*.h5"))) < 2:
            time.sleep(0.05)
        act()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def test_a_cluster_writes_the_same_bytes(
    cluster: Any, head_reader: Reader, expected: dict[str, str], tmp_path: Path, files_of: FilesOf
) -> None:
    progress: list[int] = []
    executor = RayExecutor()
    assert executor.workers(head_reader, 100) == 2
    build_index(
        sample_corpus_path(), tmp_path / "index", head_reader, CONFIG, executor=executor,
        on_estimate=lambda found: progress.append(found.n_tokens),
    )  # fmt: skip
    assert files_of(tmp_path / "index") == expected
    assert verify_index(tmp_path / "index") == []
    assert progress


def test_a_worker_that_is_killed_is_replaced(
    cluster: Any, slow_reader: Reader, expected: dict[str, str], tmp_path: Path, files_of: FilesOf
) -> None:
    index = tmp_path / "index"
    killed: list[int] = []

    def kill() -> None:
        from ray.util.state import list_workers

        found = [w.pid for w in list_workers() if w.is_alive and w.worker_type == "WORKER"]
        busy = [pid for pid in found if "encode_task" in command_line(pid)]
        os.kill(busy[0], signal.SIGKILL)
        killed.append(busy[0])

    thread = when_some_are_finished(index, kill)
    build_index(sample_corpus_path(), index, slow_reader, CONFIG, executor=RayExecutor())
    thread.join()
    assert killed
    assert files_of(index) == expected
    assert verify_index(index) == []  # nothing of the lost worker is left


def command_line(pid: int) -> str:
    """How a process is called, while it runs."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def test_a_node_that_is_killed_is_done_without(
    cluster: Any, slow_reader: Reader, expected: dict[str, str], tmp_path: Path, files_of: FilesOf
) -> None:
    index = tmp_path / "index"
    node = cluster.add_node(num_cpus=1)
    thread = when_some_are_finished(index, lambda: cluster.remove_node(node, allow_graceful=False))
    build_index(sample_corpus_path(), index, slow_reader, CONFIG, executor=RayExecutor())
    thread.join()
    assert files_of(index) == expected
    assert verify_index(index) == []


def test_a_shard_that_fails_ends_the_build_and_the_rest_is_kept(
    cluster: Any, head_reader: Reader, expected: dict[str, str], tmp_path: Path, files_of: FilesOf
) -> None:
    index = tmp_path / "index"
    reader = FaultyReader(head_reader.model, head_reader.tokenizer, name=head_reader.name)
    reader.here = os.getpid()
    reader.fault = list(read_corpus(sample_corpus_path()))[95].text
    with pytest.raises(PrereadError, match="shard-00009.h5: a worker failed: ValueError: no"):
        build_index(sample_corpus_path(), index, reader, CONFIG, executor=RayExecutor())
    kept = len((index / "build-shards.jsonl").read_text().splitlines())
    assert 0 < kept <= 9
    build_index(
        sample_corpus_path(), index, head_reader, CONFIG, executor=RayExecutor(), resume=True
    )
    assert files_of(index) == expected


class FaultyReader(Reader):
    """Fails on a passage, on the cluster; the estimate before is made here."""

    fault = ""
    here = os.getpid()

    def window_states(self, windows: Any) -> Any:
        ids = self.encoder.encode_passages([self.fault], [""])[0][0].token_ids[5:15]
        if os.getpid() != self.here and any(
            str(list(ids))[1:-1] in str(list(w.token_ids)) for w in windows
        ):
            raise ValueError("no")
        return super().window_states(windows)


def test_a_cluster_that_does_nothing_is_left_with_a_clear_message(
    cluster: Any, head_reader: Reader, tmp_path: Path
) -> None:
    executor = RayExecutor(gpus_per_worker=0.5, patience=3)
    message = r"no shard was finished for 3 s; waiting for 3: states/shard-00000.h5.*and 0.5 GPU"
    with pytest.raises(PrereadError, match=message):
        build_index(
            sample_corpus_path(), tmp_path / "index", head_reader, CONFIG, executor=executor
        )


def test_java_keeps_its_signals() -> None:
    """Java was started first, as by a build before this one; Ray sets handlers of its own."""
    code = """
import ctypes
from preread.indexer.bm25.java import java_class
from preread.indexer.builder.executors.ray.executor import connected

def handlers():
    found = []
    for number in (11, 7, 8, 4):
        action = ctypes.create_string_buffer(256)
        ctypes.CDLL(None).sigaction(number, None, action)
        found.append(action.raw[:8])
    return found

java_class("java.lang.Object")
before = handlers()
with connected(None):
    assert handlers() == before
print("kept")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "kept", done.stderr


def test_mistakes_are_told(tmp_path: Path) -> None:
    with pytest.raises(PrereadError, match="patience above 0, found 0 and 0"):
        RayExecutor(patience=0)
