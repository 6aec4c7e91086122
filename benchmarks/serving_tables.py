"""Tables of docs/serving.md, each of a benchmark's newest result."""

from collections.abc import Callable
from typing import Any

from common import all_results, newest


def serving_load() -> str:
    """Load, batching, a kill, swaps."""
    results = all_results("serving-load")
    parts = {
        part: next(r for r in results if part in r) for part in ("load", "batching", "kill", "swap")
    }
    result = {**parts["load"], **{part: found[part] for part, found in parts.items()}}
    index, machine, ratio = result["index"], result["machine"], result["batching"]["ratio"]
    memory, kill, swap = result["load"]["memory"], result["kill"], result["swap"]
    lines = [
        f"{result['load']['n_clients']} clients at once, each with its next question as soon as it "
        f"has an answer: {result['n_questions']:,} questions of `{result['questions']}` over "
        f"`{index['name']}` ({index['n_passages']:,} passages, {index['codec']}), "
        f"{result['top_k']} passages each; server and clients on {machine['threads']} threads of "
        f"an {machine['cpu']}.",
        "",
        "| | seconds | replies by status | answers a second | p50 | p95 |",
        "|---|---|---|---|---|---|",
    ]
    for name, what in (
        ("load", "as it is by default"),
        ("kill", "killed and started again"),
        ("swap", f"the index swapped {swap['n_swaps']} times"),
    ):
        row = result[name]
        lines.append(
            f"| {what} | {row['seconds']} | {_statuses(row['statuses'])} | "
            f"{row['answers_per_second']} | {row['p50_ms']:,.0f} ms | {row['p95_ms']:,.0f} ms |"
        )
    lines += [
        "",
        f"Memory of its own: {memory['idle_mib']:,.0f} MiB before the load, "
        f"{memory['most_mib']:,.0f} at most; the mean of the last quarter less that of the third "
        f"is {memory['last_less_third_quarter_mib']:+.1f} MiB. Besides, "
        f"{max(memory['mapped_mib_by_second']):,.0f} MiB of mapped files at most, which the "
        "system takes back when it needs them.",
        "",
        f"Reading up to 16 questions together against one at a time: {ratio['median']:.2f} times "
        f"the answers a second ({ratio['least']:.2f} to {ratio['most']:.2f} in "
        f"{len(result['batching']['rounds'])} alternating pairs).",
        "",
        f"After SIGKILL under load, a new server was ready in {kill['seconds_to_ready']} s and "
        f"gave the same answers to {kill['n_same']} of {kill['n_compared']} questions. Of "
        f"{swap['n_swaps']} swaps {swap['n_reloads']:.0f} were taken up while requests ran.",
        "",
    ]
    files = dict.fromkeys(f"`{found['file']}`" for found in parts.values())
    return "\n".join([*lines, f"`python benchmarks/serving_load.py` → {', '.join(files)}"])


def malformed_requests() -> str:
    """Replies to requests that are wrong."""
    result = newest("malformed-requests")
    statuses = list(result["statuses"])
    lines = [
        f"{result['n_requests']:,} requests, half of them by schemathesis "
        f"{result['schemathesis']} from the OpenAPI document; replies by status:",
        "",
        f"| | {' | '.join(statuses)} |",
        f"|---|{'---|' * len(statuses)}",
    ]
    for kind, found in {**result["by_kind"], "all": result["statuses"]}.items():
        lines.append(f"| {kind} | {' | '.join(str(found.get(s, '')) for s in statuses)} |")
    after = result["after"]
    lines += [
        "",
        f"{result['n_faults']} replies were wrong: a 5xx that is no honest refusal, an error in "
        "another shape, or one that shows code. Afterwards `/health` said "
        f"{after['health']}, the answers were "
        f"{'the same' if after['same_answers'] else 'OTHERS'} as before, and the log had "
        f"{after['n_failures_logged']} failures.",
        "",
    ]
    return "\n".join([*lines, f"`python benchmarks/malformed_requests.py` → `{result['file']}`"])


def _statuses(counts: dict[str, Any]) -> str:
    return ", ".join(f"{status}: {n:,}" for status, n in counts.items())


SERVING_TABLES: dict[str, Callable[[], str]] = {
    "serving-load": serving_load,
    "malformed-requests": malformed_requests,
}
