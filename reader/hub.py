"""Where a checkpoint lies: in the package, in a folder, or on the Hugging Face hub.

Nothing else asks the hub. What it has is fetched into its own cache, and loaded from that folder:
configuration as JSON, weights as safetensors, never code and never a pickle.
"""

import os
import re
import stat
import threading
import time
from functools import cache
from pathlib import Path
from typing import Any

from ..data import PrereadError
from ..data.arguments import check_path
from ..data.io.system_errors import first_line
from .checkpoints import shipped_reader_path

ALLOW_VARIABLE = "PREREAD_ALLOW_HUB"
WITHOUT_CODE: dict[str, Any] = {"trust_remote_code": False}
"""What every configuration and tokenizer is loaded with: a checkpoint brings no code along."""
SAFETENSORS: dict[str, Any] = {**WITHOUT_CODE, "use_safetensors": True}
"""What every model is loaded with: files of other forms are pickles, which run code."""

_DEADLINE_S = 4.0
"""For the first answer, from the beginning of the search: the import of huggingface_hub takes a
second where the machine is busy. With what follows, all takes less than five seconds."""
_LEAST_WAIT_S = 0.5
_TIMEOUT_S = 3.0
"""For each step of a request; the look-up of an address does not heed it."""
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?")
_SUFFIXES = frozenset({".json", ".safetensors", ".txt", ".model"})
_MOST_TEXT_BYTES = 1 << 28
"""Of a configuration or vocabulary, which is read as a whole; the largest have some 20 MB."""
_FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "1_Pooling/config.json")
_OTHERS = ("*/*.safetensors", "onnx/*", "openvino/*", "coreml/*")


def hub_is_allowed() -> bool:
    """Whether names in an index may be looked up on the hub, by ``$PREREAD_ALLOW_HUB``."""
    return os.environ.get(ALLOW_VARIABLE, "").lower() in {"1", "true", "yes"}


def looks_like_path(name: str | Path) -> bool:
    """Whether a name can only be a folder, so that the hub is not asked.

    Args:
        name: What a user or an index named.
    """
    if isinstance(name, Path):
        return True
    if name.startswith((".", "/", "~")) or Path(name).exists():
        return True
    first, slash, _ = name.partition("/")
    return _HUB_NAME.fullmatch(name) is None or bool(slash) and Path(first).is_dir()


def find_checkpoint(name: str | Path, *, allow_hub: bool = True) -> str:
    """The folder of a checkpoint.

    Args:
        name: ``default`` or another one that ships, a folder, or a hub name. The hub is not
            asked for a `Path`.
        allow_hub: Whether the hub may be asked.

    Returns:
        The folder, with the files of the newest revision where it is the hub's. Of a path there may
        be none: the loader says what it expects in it.

    Raises:
        PrereadError: If the name is empty, or no text and no path, the operating system refuses to
            look it up, or a file in the folder is a pipe, a device, or too large. Also if it is a
            name for the hub, and the hub must not be asked, has no such model, or cannot be reached
            and its cache does not have the model either.
    """
    path = check_path("reader", name, "a name or a path")
    if name == "":  # which would be the working folder
        raise PrereadError(
            "reader: expected a name or a path, found an empty text. Name a folder, a hub model, "
            "or 'default'."
        )
    name = name if isinstance(name, str) else path
    try:
        shipped = shipped_reader_path(str(name))
        if shipped is not None:
            return str(shipped)
        if looks_like_path(name):
            folder = path.expanduser()
            if folder.is_dir():  # or raises what loading from it would raise
                _check_files(folder)
            return str(folder)
    except (OSError, RuntimeError) as error:  # RuntimeError: nobody has the home of ``~name``
        reason = error.strerror if isinstance(error, OSError) else str(error).rstrip(".")
        raise PrereadError(
            f"{name}: expected the name or the folder of a reader, found a path that the operating "
            f"system refuses: {reason}. Check the path."
        ) from error
    if not allow_hub:
        raise PrereadError(
            f"{name}: expected a folder, or a reader that ships with preread, since an index names "
            "it; found neither here. The Hugging Face hub is not asked for what an index names, "
            f"unless you allow it: `preread --allow-hub …`, {ALLOW_VARIABLE}=1, or allow_hub=True "
            "in Python. If you have it in a folder, `preread set-reader` makes the index name that."
        )
    return _fetched(str(name))


def _check_files(folder: Path) -> None:
    """Refuse a checkpoint whose files are none, or too large to be read as a whole.

    Links are followed, as the hub's own cache has them.
    """
    try:
        found = list(folder.iterdir())
    except OSError:  # who opens a file in it says what the system refuses
        return
    for path in found:
        if path.suffix not in _SUFFIXES:
            continue
        try:
            status = path.stat()
        except OSError:  # a broken link; who needs the file says what is missing
            continue
        if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            raise PrereadError(
                f"{path}: expected a file of a reader, found a device, pipe or socket. Remove it."
            )
        if path.suffix != ".safetensors" and status.st_size > _MOST_TEXT_BYTES:
            raise PrereadError(
                f"{path}: expected at most {_MOST_TEXT_BYTES >> 20} MiB, found "
                f"{status.st_size >> 20:,} MiB. No reader has such a file; fetch it again."
            )


@cache
def _fetched(name: str) -> str:
    """The folder of a hub model, in the hub's own cache."""
    until = time.monotonic() + _DEADLINE_S
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import RepositoryNotFoundError

    wanted: dict[str, Any] = {"allow_patterns": list(_FILES), "ignore_patterns": list(_OTHERS)}
    revision: str | None = None
    problem = ""
    try:
        revision = _newest_revision(name, until)
    except RepositoryNotFoundError as error:
        raise PrereadError(
            f"{name}: expected a model of the Hugging Face hub, found none of this name that is "
            "public or that your token opens. Check the name; a folder is named as ./FOLDER."
        ) from error
    except (OSError, ValueError) as error:
        problem = first_line(error)
    try:
        if revision is None:  # offline: what was fetched before is as good
            wanted["local_files_only"] = True
        return str(snapshot_download(name, revision=revision, **wanted))
    except (OSError, ValueError, RuntimeError) as error:
        reason = (problem or first_line(error)).rstrip(".")
        raise PrereadError(
            f"{name}: no folder of this name is here, and the Hugging Face hub could not be asked: "
            f"{reason}. Check the path or the network; with a copy of the model on this machine, "
            "name its folder."
        ) from error


def _newest_revision(name: str, until: float) -> str:
    """Ask for the commit of a hub model; OSError if there is no answer by the monotonic clock."""
    from huggingface_hub import HfApi

    found: list[str] = []
    failed: list[Exception] = []

    def ask() -> None:
        try:
            found.append(str(HfApi().model_info(name, timeout=_TIMEOUT_S).sha))
        except Exception as error:  # handed to the thread that waits
            failed.append(error)

    # In a thread of its own: how long the look-up of an address takes, nothing can limit.
    asking = threading.Thread(target=ask, name="preread-hub", daemon=True)
    asking.start()
    asking.join(max(_LEAST_WAIT_S, until - time.monotonic()))
    if failed and isinstance(failed[0], OSError | ValueError):
        raise failed[0]
    if failed:
        raise OSError(first_line(failed[0]))
    if not found:
        raise OSError(f"no answer within {_DEADLINE_S:g} seconds")
    return found[0]
