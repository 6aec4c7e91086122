"""Reading and writing TensorFlow's checkpoint files, by TensorFlow itself."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data import PrereadError
from ...data.io.system_errors import first_line


class VariableFile:
    """The variables of a checkpoint; each is read on request."""

    def __init__(self, prefix: Path) -> None:
        """Open a checkpoint.

        Args:
            prefix: Common beginning of the paths of its files.

        Raises:
            PrereadError: If TensorFlow is not installed, or cannot read the files.
        """
        self.prefix = prefix
        self._errors = (_tensorflow().errors.OpError, ValueError, LookupError, RuntimeError)
        try:
            self._reader = _tensorflow().train.load_checkpoint(str(prefix))
        except self._errors as error:
            raise self._damaged(error) from error
        self.shapes: dict[str, tuple[int, ...]] = {
            name: tuple(shape) for name, shape in self._reader.get_variable_to_shape_map().items()
        }

    def read(self, name: str) -> NDArray[np.float32]:
        """Read one variable, in its own shape, as float32.

        Args:
            name: Name of the variable.

        Raises:
            PrereadError: If the variable cannot be read, or does not hold numbers.
        """
        try:
            return np.asarray(self._reader.get_tensor(name), dtype=np.float32)
        except self._errors as error:
            raise self._damaged(error, f", variable {name}") from error

    def _damaged(self, error: Exception, where: str = "") -> PrereadError:
        return PrereadError(
            f"{self.prefix}{where}: TensorFlow cannot read the checkpoint: {first_line(error)}. "
            "Fetch all of its files again: .index and .data-…"
        )


def write_variables(prefix: Path, variables: Mapping[str, NDArray[np.float32]]) -> None:
    """Write a checkpoint, and the file ``checkpoint`` that names it as the latest of its folder.

    Args:
        prefix: Common beginning of the paths of its files.
        variables: Variables by name.

    Raises:
        PrereadError: If TensorFlow is not installed.
    """
    tf = _tensorflow()
    with tf.device("CPU"):
        tf.raw_ops.SaveV2(
            prefix=str(prefix),
            tensor_names=list(variables),
            shape_and_slices=[""] * len(variables),
            tensors=[tf.constant(value) for value in variables.values()],
        )
    note = f'model_checkpoint_path: "{prefix.name}"\n'
    prefix.with_name("checkpoint").write_text(note, "utf-8")


def _tensorflow() -> Any:
    """Import TensorFlow without its log messages."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # otherwise it logs that they are on
    try:
        import tensorflow
    except ImportError:
        raise PrereadError(
            "expected TensorFlow, which reads and writes its own checkpoints; it is not installed. "
            "Install it with `pip install 'preread[convert]'`."
        ) from None
    return tensorflow
