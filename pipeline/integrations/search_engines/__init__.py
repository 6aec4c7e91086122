"""What a search engine is told so that it asks a server of ours: requests, ready to be sent.

Nothing here needs the server, or the reader.
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
