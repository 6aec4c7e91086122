"""What a reader costs: operations, parameters, memory, time, and bytes on disk."""

from ..config import Stored, parse_stored
from .accuracy import f1_by_split
from .counting import Counter
from .layouts import LAYOUTS, Arrangement, Layout, Workload, find_layouts
from .measuring import Latency, Memory, measure_latency, measure_memory
from .passes import Case, PassKind, make_pass
from .plot import plot_sweep
from .profile import Profile, ProfileOptions, Row, profile_reader, sweep_reader
from .shapes import SHAPES, Subject
from .storage import CODECS, WIKIPEDIA_PASSAGES, Storage, storage_of

__all__ = [
    "CODECS",
    "LAYOUTS",
    "SHAPES",
    "WIKIPEDIA_PASSAGES",
    "Arrangement",
    "Case",
    "Counter",
    "Latency",
    "Layout",
    "Memory",
    "PassKind",
    "Profile",
    "ProfileOptions",
    "Row",
    "Storage",
    "Stored",
    "Subject",
    "Workload",
    "f1_by_split",
    "find_layouts",
    "make_pass",
    "measure_latency",
    "measure_memory",
    "parse_stored",
    "plot_sweep",
    "profile_reader",
    "storage_of",
    "sweep_reader",
]
