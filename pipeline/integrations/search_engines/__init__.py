"""Requests that configure a search engine to ask a preread server.

They are made without the server and without a reader.
"""

from .elasticsearch import elasticsearch_steps
from .opensearch import opensearch_steps
from .steps import ServerAddress, SetupRequest, console_text

__all__ = [
    "ServerAddress",
    "SetupRequest",
    "console_text",
    "elasticsearch_steps",
    "opensearch_steps",
]
