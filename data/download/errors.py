"""What goes wrong when a file is fetched."""

from ..errors import PrereadError


class DownloadError(PrereadError):
    """A file could not be fetched, or is not the one that was expected."""
