"""The error of downloads."""

from ..errors import PrereadError


class DownloadError(PrereadError):
    """A file could not be fetched, or is not the one that was expected."""
