"""Does a build on a Ray cluster survive the loss of a worker and of a node, with the same bytes?

    python benchmarks/ray_build.py CORPUS --passages 4000

Needs the extra ``ray``. The reader that ships encodes the first passages of CORPUS three times: in
processes of this machine; on a cluster of a head and two nodes of one core each, all on this
machine; and on the same cluster while a worker and then a node is killed (SIGKILL), after a tenth
and three tenths of the shards. A third node joins after that. All files except Lucene's must be the
same. Lucene's must give the same hits and scores.
"""

import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray
from common import command_line, write_result
from index_files import hashes, hits
from preread.data import read_questions
from preread.data.sample import sample_questions_path
from preread.indexer import IndexConfig, build_index, verify_index
from preread.indexer.bm25.java import keeping_java_signals
from preread.indexer.builder.executors.local import Executor
from preread.indexer.builder.executors.ray.executor import RayExecutor
from preread.reader import Reader
from ray.cluster_utils import Cluster
from ray.util.state import list_workers
from timing import seconds


def hits_of(index: Path) -> list[tuple[str, float]]:
    """Hits and scores of the sample's questions."""
    return hits(index, [q.question for q in read_questions(sample_questions_path())], 20)


def kill_a_worker() -> int:
    """Kill a process that encodes."""
    for worker in list_workers():
        name = Path(f"/proc/{worker.pid}/cmdline")
        if worker.is_alive and name.exists() and "encode_task" in name.read_text():
            os.kill(worker.pid, signal.SIGKILL)
            return int(worker.pid)
    raise SystemExit("no worker encodes")


def disturb(index: Path, cluster: Cluster, node: Any, n_shards: int, said: dict[str, Any]) -> None:
    """Kill a worker and a node when so many shards are written, and have another node join."""

    def wait_for(share: float) -> None:
        while len(list(index.glob("states/*.h5"))) < share * n_shards:
            time.sleep(0.1)

    wait_for(0.1)
    said["worker_killed"] = {"shards_written": len(list(index.glob("states/*.h5")))}
    kill_a_worker()
    wait_for(0.3)
    said["node_killed"] = {"shards_written": len(list(index.glob("states/*.h5")))}
    cluster.remove_node(node, allow_graceful=False)
    cluster.add_node(num_cpus=1)


def main() -> None:
    """Build three times."""
    parser = command_line(__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--passages", type=int, default=4000)
    parser.add_argument("--passages-per-shard", type=int, default=100)
    options = parser.parse_args()
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    reader = Reader.load("default")
    config = IndexConfig(limit=options.passages, passages_per_shard=options.passages_per_shard)
    n_shards = -(-options.passages // options.passages_per_shard)

    def build(index: Path, executor: Executor | None = None) -> Callable[[], object]:
        return lambda: build_index(
            options.corpus, index, reader, config, executor=executor, show_progress=True
        )

    took: dict[str, float] = {}
    said: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        local, steady, disturbed = (Path(folder) / n for n in ("local", "steady", "disturbed"))
        took["local, 2 workers"] = seconds(build(local))
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
        nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
        with keeping_java_signals():
            ray.init(address=cluster.address, log_to_driver=False)
        took["Ray, 2 nodes of 1 core"] = seconds(build(steady, RayExecutor()))
        arguments = (disturbed, cluster, nodes[1], n_shards, said)
        thread = threading.Thread(target=disturb, args=arguments, daemon=True)
        thread.start()
        took["Ray, a worker and a node killed"] = seconds(build(disturbed, RayExecutor()))
        thread.join()
        ray.shutdown()
        cluster.shutdown()
        same = {
            path.name: hashes(path) == hashes(local) and hits_of(path) == hits_of(local)
            for path in (steady, disturbed)
        }
        faults = {path.name: verify_index(path) for path in (steady, disturbed)}
    content = {
        "corpus": options.corpus.name,
        "n_passages": options.passages,
        "n_shards": n_shards,
        "ray": ray.__version__,
        "seconds": {name: round(s, 1) for name, s in took.items()},
        **said,
        "same_as_local": same,
        "faults": faults,
    }
    print(content)
    write_result("ray-build", content)


if __name__ == "__main__":
    main()
