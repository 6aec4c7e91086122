"""A server that answers questions over HTTP: many clients share one reader."""

from .app import create_app
from .auth import ApiKeys
from .limits import Limits, ServeConfig
from .server import serve
from .service import Service

__all__ = ["ApiKeys", "Limits", "ServeConfig", "Service", "create_app", "serve"]
