"""Permissions of files that libraries make with others than the umask's."""

import os
from pathlib import Path


def give_usual_mode(path: Path) -> None:
    """Give a file the permissions that the umask gives to a new one.

    safetensors makes files that only their owner may read, whatever the umask is.

    Args:
        path: A file of this process's user.

    Raises:
        OSError: If no file can be made beside it, or its permissions cannot be changed.
    """
    # A new file's mode tells the umask; to read the umask itself is to change it for a moment, for
    # all threads.
    probe = path.with_name(f".{path.name}.{os.getpid()}.mode")
    descriptor = os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        mode = os.fstat(descriptor).st_mode & 0o777
    finally:
        os.close(descriptor)
        probe.unlink()
    path.chmod(mode)
