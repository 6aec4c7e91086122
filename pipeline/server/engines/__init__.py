"""Addresses with the requests and replies that search engines expect, one module per contract.

All offsets are UTF-16 code units, because the engines are written in Java.
"""

from .completion import router as completion
from .highlighter import router as highlighter
from .hits import router as hits
from .predict import router as predict
from .trained_models import router as trained_models

__all__ = ["routers"]

routers = (highlighter, hits, predict, completion, trained_models)
