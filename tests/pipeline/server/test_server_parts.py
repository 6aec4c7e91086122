"""What a server is made of, without HTTP."""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from preread.data import PrereadError
from preread.indexer import IndexFormatError
from preread.pipeline.server.auth import ApiKeys
from preread.pipeline.server.batching import BatchRules, BatchWorker
from preread.pipeline.server.errors import (
    DeadlineError,
    OverloadedError,
    ShuttingDownError,
    UnavailableError,
)
from preread.pipeline.server.indexes import named_paths
from preread.pipeline.server.limits import Limits, ServeConfig
from preread.pipeline.server.metrics import Metrics
from preread.pipeline.server.offsets import Offsets
from preread.pipeline.server.service import Service

KEY = "0123456789abcdef"


class Held:
    """A worker that doubles numbers, and does the first only when it is let go."""

    def __init__(self, checks: bool = False, **rules: object) -> None:
        """Make a worker.

        Args:
            checks: Whether it looks, while it works, whether somebody still waits.
            **rules: Fields of its rules.
        """
        self.checks = checks
        self.go = threading.Event()
        self.begun = threading.Event()
        self.batches: list[list[int]] = []
        self.metrics = Metrics()
        options: dict[str, Any] = {"max_queue": 8, "max_batch": 4, "max_weight": 100, **rules}
        options.setdefault("key", lambda job: 0)
        self.worker: BatchWorker[int, int] = BatchWorker(
            "test",
            self._handle,
            BatchRules(**options),
            self.metrics,
        )

    def _handle(self, jobs: Sequence[int], check_wanted: Callable[[], None]) -> list[int]:
        self.begun.set()
        while not self.go.wait(0.01):
            if self.checks:
                check_wanted()
        self.batches.append(list(jobs))
        if any(job < 0 for job in jobs):
            raise ValueError("negative")
        return [2 * job for job in jobs]


@pytest.fixture
def hold() -> Iterator[Callable[..., Held]]:
    """Makes workers that are busy with job 1 already, and ends them."""
    made: list[Held] = []

    def make(**rules: Any) -> Held:
        held = Held(**rules)
        made.append(held)
        held.worker.submit(1, later())
        assert held.begun.wait(10)
        return held

    yield make
    for held in made:
        held.go.set()
        held.worker.close()
        assert not held.worker.is_alive


def later() -> float:
    return time.monotonic() + 60


def test_jobs_that_come_meanwhile_make_a_batch(hold: Callable[..., Held]) -> None:
    held = hold()
    futures = [held.worker.submit(job, later()) for job in range(2, 8)]
    held.go.set()
    assert [f.result(10) for f in futures] == [4, 6, 8, 10, 12, 14]
    assert held.batches == [[1], [2, 3, 4, 5], [6, 7]]


def test_jobs_of_other_kinds_and_too_much_weight_wait(hold: Callable[..., Held]) -> None:
    held = hold(key=lambda job: job % 2, weight=lambda job: job, max_weight=10)
    futures = [held.worker.submit(job, later()) for job in (2, 3, 4, 6, 30, 5)]
    held.go.set()
    assert [f.result(10) for f in futures] == [4, 6, 8, 12, 60, 10]
    assert held.batches == [[1], [2, 4], [3, 5], [6], [30]]


def test_one_jobs_fault_is_not_anothers(hold: Callable[..., Held]) -> None:
    held = hold()
    good, bad, other = (held.worker.submit(job, later()) for job in (2, -3, 4))
    held.go.set()
    assert good.result(10) == 4 and other.result(10) == 8
    with pytest.raises(ValueError, match="negative"):
        bad.result(10)


def test_cancelled_and_late_jobs_are_not_done_and_make_room(hold: Callable[..., Held]) -> None:
    held = hold(max_queue=3)
    late = held.worker.submit(2, time.monotonic() + 0.01)
    unwanted = held.worker.submit(3, later())
    wanted = held.worker.submit(4, later())
    time.sleep(0.02)
    assert unwanted.cancel()
    more = [held.worker.submit(job, later()) for job in (5, 6)]
    with pytest.raises(OverloadedError) as refused:
        held.worker.submit(7, later())
    assert int(refused.value.headers["Retry-After"]) >= 1
    held.go.set()
    assert [f.result(10) for f in (wanted, *more)] == [8, 10, 12]
    assert held.batches == [[1], [4, 5, 6]]
    assert b'preread_dropped_jobs_total{worker="test"} 2.0' in held.metrics.text()
    with pytest.raises(CancelledError):
        late.result(1)


def test_work_that_nobody_waits_for_any_more_is_given_up(hold: Callable[..., Held]) -> None:
    held = hold(checks=True)
    late = held.worker.submit(2, time.monotonic() + 0.2)
    unwanted = held.worker.submit(3, later())
    held.go.set()
    assert late.result(10) == 4 and unwanted.result(10) == 6
    held.go.clear()
    late = held.worker.submit(4, time.monotonic() + 0.2)
    with pytest.raises(DeadlineError):
        late.result(5)
    unwanted = held.worker.submit(5, later())
    while not unwanted.running():
        time.sleep(0.01)
    unwanted.cancel()
    wanted = held.worker.submit(6, later())
    while not wanted.running():  # only once the unwanted one was given up
        time.sleep(0.01)
    held.go.set()
    assert wanted.result(10) == 12


def test_closing_gives_up_what_is_being_worked_on(hold: Callable[..., Held]) -> None:
    held = hold(checks=True)
    held.worker.close()
    assert not held.worker.is_alive


def test_a_closed_worker_refuses_what_waits_and_what_comes(hold: Callable[..., Held]) -> None:
    held = hold()
    waiting = held.worker.submit(2, later())
    held.worker.close(timeout_s=0)
    for refused in (lambda: waiting.result(1), lambda: held.worker.submit(3, later())):
        with pytest.raises(ShuttingDownError):
            refused()


def test_a_forked_process_is_told_that_it_has_no_thread() -> None:
    held = Held()
    child = os.fork()
    if child == 0:
        with pytest.raises(UnavailableError, match="make the service in each process"):
            held.worker.submit(1, later())
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    held.go.set()
    assert held.worker.submit(1, later()).result(10) == 2
    held.worker.close()


def test_an_idle_worker_waits_a_little_for_company() -> None:
    held = Held(wait_s=0.5, max_batch=2)
    held.go.set()
    futures = [held.worker.submit(job, later()) for job in (1, 2)]
    assert [f.result(10) for f in futures] == [2, 4]
    held.worker.close()
    assert held.batches == [[1, 2]]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.data())
def test_utf16_offsets_are_where_java_finds_the_answer(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    first, last = Offsets.UTF16.convert(text, start, end)
    units = text.encode("utf-16-le")
    assert units[2 * first : 2 * last].decode("utf-16-le") == text[start:end]
    assert Offsets.CODEPOINT.convert(text, start, end) == (start, end)


def test_keys_come_from_file_and_environment(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# a comment\n\n{KEY}\n")
    keys = ApiKeys.load(file, {"PREREAD_API_KEYS": f"{KEY}-a, {KEY}-b"})
    assert len(keys) == 3
    for good in (KEY, f"{KEY}-a", f"{KEY}-b"):
        assert keys.admit({"x-api-key": good}) and keys.admit({"authorization": f"bearer {good}"})
    assert not keys.admit({"x-api-key": f"{KEY}-c"}) and not keys.admit({})
    assert ApiKeys.load(None, {}).admit({})


@pytest.mark.parametrize("content", ["", "# nothing\n", "short\n", None])
def test_a_key_file_without_good_keys_is_refused(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "keys"
    if content is not None:
        file.write_text(content)
    with pytest.raises(PrereadError) as refused:
        ApiKeys.load(file, {})
    assert "short" not in str(refused.value).replace("too short", "")


def test_indexes_are_named_by_folder_or_by_hand(tmp_path: Path) -> None:
    (tmp_path / "wiki").mkdir()
    assert named_paths([f"{tmp_path}/wiki", f"b={tmp_path}/wiki"]) == {
        "wiki": tmp_path / "wiki",
        "b": tmp_path / "wiki",
    }
    for wrong in ([f"a/b={tmp_path}"], ["=x"], [f"a={tmp_path}", f"a={tmp_path}"]):
        with pytest.raises(PrereadError):
            named_paths(wrong)


def test_a_folder_without_an_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IndexFormatError, match="nothing"):
        Service({"nothing": tmp_path / "nothing"})


@pytest.mark.parametrize("name", ["max_queue", "max_batch", "max_in_flight", "grace_seconds"])
def test_settings_that_cannot_be_are_refused_by_their_flag(name: str) -> None:
    fields: dict[str, Any] = {name: -1}
    with pytest.raises(PrereadError, match=name.replace("_", "-")):
        ServeConfig(**fields)
    with pytest.raises(PrereadError, match="--timeout-s"):
        Limits(timeout_s=0)
    with pytest.raises(PrereadError, match="--max-passages: expected at most 1,000, found 1,001"):
        Limits(max_passages=1_001)
    with pytest.raises(PrereadError, match="--min-confidence"):
        ServeConfig(min_confidence=float("nan"))
