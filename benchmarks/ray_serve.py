"""Do partitions behind Ray Serve answer as the whole index does, and what if one is lost?

    python benchmarks/ray_serve.py INDEX QUESTIONS --questions 500 --seconds 60

Needs the extra ``ray``. INDEX is split into three partitions, each served by a process, behind two
fronts. First every question is asked of them, and of the index itself in this process. Then two
clients ask without a pause. After a third of the time, the process of one partition is killed
(SIGKILL).
"""

import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ray
import requests
from common import command_line, drawn, write_result
from preread.data import read_questions
from preread.indexer import split_index
from preread.indexer.bm25.java import keeping_java_signals
from preread.pipeline import OpenDomainQA
from preread.pipeline.cluster.deployment import ClusterConfig, start
from timing import spread
from tqdm import tqdm

N_PARTS = 3
PORT = 8471
URL = f"http://127.0.0.1:{PORT}/v1/index/answer"
TOP_K = 20
CLIENTS = 2


def ask(question: str) -> requests.Response:
    """Ask the cluster."""
    return requests.post(URL, json={"question": question, "top_k": TOP_K}, timeout=120)


def compare(index: Path, questions: Sequence[str]) -> dict[str, Any]:
    """Ask the cluster and the whole index the same."""
    whole = OpenDomainQA.from_index(index, stop_margin=float("inf"))
    same = same_list = 0
    off: list[float] = []
    different: list[dict[str, Any]] = []
    for question in tqdm(questions, desc="comparing", unit=" questions"):
        reply = ask(question).json()
        assert not reply["partial"], reply["failed_parts"]
        found = [(a["answer"], a["passage_id"], a["start"]) for a in reply["answers"]]
        answers = whole.answer(question, top_k=TOP_K).answers
        expected = [(a.answer, a.passage_id, a.start) for a in answers]
        same += found[:1] == expected[:1]
        same_list += found == expected
        if found[:1] == expected[:1] and found:
            off.append(abs(reply["answers"][0]["score"] - answers[0].score))
        elif len(different) < 5:
            different.append({"question": question, "parts": found[:1], "whole": expected[:1]})
    return {
        "n_questions": len(questions),
        "same_best_answer_and_place": same,
        "same_five_answers_in_order": same_list,
        "score_off_by_at_most": round(max(off, default=0.0), 6),
        "different": different,
    }


def pid_of(part: str) -> int:
    """The process of a part's replica."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"ServeReplica:preread:{part}" in process.read_text():
                return int(process.parent.name)
        except OSError:
            continue
    raise SystemExit(f"{part} has no process")


def under_load(questions: Sequence[str], seconds: float, part: str) -> dict[str, Any]:
    """Ask on while a part is killed."""
    begin = time.monotonic()
    replies: list[tuple[float, float, int, bool]] = []

    def client(number: int) -> None:
        draw = random.Random(number)
        while time.monotonic() - begin < seconds:
            asked = time.monotonic()
            reply = ask(draw.choice(questions))
            now = time.monotonic()
            partial = reply.status_code == 200 and bool(reply.json()["partial"])
            replies.append((asked - begin, now - begin, reply.status_code, partial))

    with ThreadPoolExecutor(CLIENTS) as pool:
        clients = [pool.submit(client, number) for number in range(CLIENTS)]
        time.sleep(seconds / 3)
        os.kill(pid_of(part), signal.SIGKILL)
        killed = time.monotonic() - begin
        for one in clients:
            one.result()
    partial = [reply for reply in replies if reply[3]]
    full_again = [asked for asked, _, _, is_partial in replies if asked > killed and not is_partial]
    last_partial = max((asked for asked, *_ in partial), default=killed)
    whole = [1000 * (end - asked) for asked, end, *_ in replies if end < killed]
    while_lost = [1000 * (end - asked) for asked, end, *_ in partial]
    return {
        "seconds": seconds,
        "clients": CLIENTS,
        "killed": part,
        "statuses": dict(Counter(str(status) for _, _, status, _ in replies)),
        "n_replies": len(replies),
        "n_partial": len(partial),
        "full_again_after_s": round(
            min((a for a in full_again if a > last_partial), default=float("nan")) - killed, 1
        ),
        "ms_before": spread(whole) if whole else {},
        "ms_partial": spread(while_lost) if while_lost else {},
    }


def main() -> None:
    """Split, serve, compare, kill."""
    parser = command_line(__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--questions", dest="n", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--deadline-s", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    questions = [question.question for question in read_questions(options.questions)]
    questions = drawn(questions, options.n, options.seed)
    with tempfile.TemporaryDirectory() as folder:
        parts = split_index(options.index, Path(folder) / "parts", N_PARTS, show_progress=True)
        with keeping_java_signals():
            ray.init(num_cpus=2, log_to_driver=False)
        config = ClusterConfig(cpus_per_part=0.6, deadline_s=options.deadline_s)
        begin = time.perf_counter()
        start("index", parts, config, host="127.0.0.1", port=PORT)
        ready = round(time.perf_counter() - begin, 1)
        content = {
            "index": options.index.name,
            "questions": options.questions.name,
            "seed": options.seed,
            "top_k": TOP_K,
            "n_parts": N_PARTS,
            "n_fronts": config.fronts,
            "deadline_s": config.deadline_s,
            "ready_after_s": ready,
            "comparison": compare(options.index, questions),
            "part_killed": under_load(questions, options.seconds, parts[1].name),
        }
        ray.shutdown()
    print(content)
    write_result("ray-serve", content)


if __name__ == "__main__":
    main()
