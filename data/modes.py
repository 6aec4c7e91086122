"""File permissions."""

import os
from pathlib import Path


def give_usual_mode(path: Path) -> None:
    """Give a file the permissions of a new file, which follow the umask.

    safetensors writes files that only their owner may read, whatever the umask.

    Args:
        path: A file that belongs to this process's user.

    Raises:
        OSError: If no file can be created in its folder, or its permissions cannot be changed.
    """
    # The mode is taken from a new file: reading the umask means changing it, for all threads.
    probe = path.with_name(f".{path.name}.{os.getpid()}.mode")
    descriptor = os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    try:
        mode = os.fstat(descriptor).st_mode & 0o777
    finally:
        os.close(descriptor)
        probe.unlink()
    path.chmod(mode)
