"""Running a target with one mutation after the other."""

import faulthandler
import logging
import os
import resource
import time
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from preread.data import PrereadError

SECONDS = float(os.environ.get("PREREAD_FUZZ_SECONDS", "8"))
"""For which all targets of a module run together."""
_EXAMPLES_A_ROUND = 100
_HANGS_AFTER_S = 120
_MOST_MEMORY_KIB = 1 << 20
"""That a target may take more than at its beginning."""
_LOG = logging.getLogger(__name__)


def fuzz(target: Callable[[st.DataObject], object], seconds: float) -> None:
    """Run a target, which may refuse what it gets by an error of ours, and in no other way.

    Args:
        target: Draws a mutation, and reads it; False if it says that something is wrong.
        seconds: How long it runs; at least 100 mutations are tried.
    """
    n_runs = n_accepted = 0

    def once(data: st.DataObject) -> None:
        nonlocal n_runs, n_accepted
        n_runs += 1
        faulthandler.dump_traceback_later(_HANGS_AFTER_S, exit=True)
        try:
            n_accepted += target(data) is not False
        except PrereadError as error:
            str(error).encode()
        finally:
            faulthandler.cancel_dump_traceback_later()

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    until, number = time.monotonic() + seconds, 0
    while number == 0 or time.monotonic() < until:
        run = settings(
            max_examples=_EXAMPLES_A_ROUND,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )(given(st.data())(once))
        seed(number)(run)()
        number += 1
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    _LOG.info("%d runs, %d accepted, %d MiB more", n_runs, n_accepted, grown >> 10)
    assert grown < _MOST_MEMORY_KIB, f"{grown} KiB"
    assert n_accepted < n_runs
