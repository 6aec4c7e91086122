"""Fetching published data sets, each by its name in a list with addresses and checksums."""

from .checksums import ChecksumOrigin
from .errors import DownloadError
from .fetching import Downloaded, default_folder, download
from .registry import RemoteFile, find_remote_file, load_registry
from .transfer import Retries

__all__ = [
    "ChecksumOrigin",
    "DownloadError",
    "Downloaded",
    "RemoteFile",
    "Retries",
    "default_folder",
    "download",
    "find_remote_file",
    "load_registry",
]
