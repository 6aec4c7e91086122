"""Addresses in the shapes that search engines ask for, one module a contract.

Offsets are UTF-16 code units throughout, as engines written in Java count.
"""

from .completion import router as completion
from .highlighter import router as highlighter
from .hits import router as hits
from .predict import router as predict
from .trained_models import router as trained_models

__all__ = ["routers"]

routers = (highlighter, hits, predict, completion, trained_models)
