"""Readers from and to TensorFlow checkpoints of the code published with the paper."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...data import PrereadError
from ..config import DeformerConfig
from ..modeling.question_answering import DeformerForQuestionAnswering
from .authors_names import (
    Scopes,
    Variable,
    find_scopes,
    is_of_optimizer,
    is_unused,
    variable_names,
    written_scopes,
)
from .tensorflow_files import VariableFile, write_variables

_ATTENTION_HEAD_SIZE = 64
"""Width of an attention head in every configuration that the authors published."""
_ACTIVATION = "gelu_new"
"""The authors' gelu is the approximation with tanh."""
_LAYOUT: dict[str, Any] = {
    "max_question_length": 27,
    "window_length": 293,
    "window_stride": 128,
    "max_answer_length": 31,
}
"""The authors' lengths on SQuAD: 25 wordpieces of question, 320 in all, and an end at most 30 after
its start."""
_SHOWN = 5
"""Number of names shown in an error message."""


@dataclass(frozen=True, slots=True)
class UnusedVariables:
    """Numbers of variables that a reader does not use."""

    optimizer: int
    """Variables of the optimizer."""
    teacher: int
    """Variables of models inside the model."""
    unused: int
    """Variables of layers that span reading does not use."""


def read_tensorflow(
    prefix: Path, *, num_attention_heads: int | None = None
) -> tuple[DeformerForQuestionAnswering, Scopes, UnusedVariables]:
    """Make a reader from a TensorFlow checkpoint.

    Args:
        prefix: Common beginning of the paths of its files.
        num_attention_heads: Number of attention heads, which the checkpoint does not record; by
            default the number of heads 64 wide.

    Returns:
        The reader, split as in the checkpoint, or at 0 if the checkpoint is a full model; the
        scopes of the model; and the numbers of variables left out.

    Raises:
        PrereadError: If variables are missing, unknown or of another shape.
    """
    file = VariableFile(prefix)
    scopes = find_scopes(file.shapes, str(prefix))
    table = variable_names(scopes)
    left_out = _check_names(file, scopes, table)
    model = DeformerForQuestionAnswering(_config(file, scopes, num_attention_heads))
    weights = {}
    for name, own in model.state_dict().items():
        variable = table[name]
        _check_shape(file, variable, tuple(own.shape))
        found = torch.from_numpy(file.read(variable.name))
        weights[name] = found.T.contiguous() if variable.is_transposed else found
    model.load_state_dict(weights)
    model.train(False)
    return model, scopes, left_out


def write_tensorflow(model: DeformerForQuestionAnswering, prefix: Path) -> None:
    """Write a reader as a checkpoint of ``ebert``.

    Args:
        model: Model of BERT's family, in float32.
        prefix: Common beginning of the paths of the files.

    Raises:
        PrereadError: If the model is of another family, which the authors' code does not have.
    """
    config = model.config
    if config.base != "bert":
        raise PrereadError(
            f"tensorflow: expected a reader with base bert, which the authors' code runs; found "
            f"{config.base!r}. Convert it to huggingface instead."
        )
    weights: dict[str, Tensor] = model.state_dict()
    scopes = written_scopes(config.num_hidden_layers, config.num_lower_layers)
    write_variables(
        prefix,
        {
            variable.name: (weights[ours].T if variable.is_transposed else weights[ours])
            .float()
            .numpy()
            for ours, variable in variable_names(scopes).items()
        },
    )


def activation_differs(config: DeformerConfig) -> bool:
    """Whether the authors' code computes another activation than the reader was trained with."""
    return config.hidden_act != _ACTIVATION


def _check_names(file: VariableFile, scopes: Scopes, table: dict[str, Variable]) -> UnusedVariables:
    """Check that no needed variable is missing and no other is unknown, and count the others."""
    wanted = {variable.name for variable in table.values()}
    missing = wanted - file.shapes.keys()
    if missing:
        raise PrereadError(
            f"{file.prefix}: expected the {len(wanted)} variables of a reader; {len(missing)} of "
            f"them are missing: {_names(missing)}. The checkpoint is damaged, or belongs to "
            "another model."
        )
    others = file.shapes.keys() - wanted
    optimizer = {name for name in others if is_of_optimizer(name)}
    teacher = {name for name in others - optimizer if name.startswith(scopes.teachers)}
    unused = {name for name in others - optimizer - teacher if is_unused(name)}
    unexpected = others - optimizer - teacher - unused
    if unexpected:
        raise PrereadError(
            f"{file.prefix}: {len(unexpected)} variables are unknown: {_names(unexpected)}. The "
            "checkpoint belongs to another model, whose answers a reader without these variables "
            "would not give."
        )
    return UnusedVariables(len(optimizer), len(teacher), len(unused))


def _config(file: VariableFile, scopes: Scopes, heads: int | None) -> DeformerConfig:
    """The reader's configuration, from the shapes of the variables."""
    layer_0 = f"{scopes.net}/{scopes.encoder_of(0)}/layer_0"
    vocab_size, hidden_size = _matrix(file, f"{scopes.net}/embeddings/word_embeddings")
    positions, _ = _matrix(file, f"{scopes.net}/embeddings/position_embeddings")
    types, _ = _matrix(file, f"{scopes.net}/embeddings/token_type_embeddings")
    _, intermediate_size = _matrix(file, f"{layer_0}/intermediate/dense/kernel")
    if heads is None and hidden_size % _ATTENTION_HEAD_SIZE:
        raise PrereadError(
            f"{file.prefix}: expected states whose width is a multiple of {_ATTENTION_HEAD_SIZE}, "
            f"the width of an attention head, found {hidden_size}. Give the number of heads with "
            "--num-attention-heads."
        )
    return DeformerConfig(
        base="bert",
        vocab_size=vocab_size,
        hidden_size=hidden_size,
        num_hidden_layers=scopes.num_hidden_layers,
        num_attention_heads=heads or hidden_size // _ATTENTION_HEAD_SIZE,
        intermediate_size=intermediate_size,
        hidden_act=_ACTIVATION,
        max_position_embeddings=positions,
        type_vocab_size=types,
        num_lower_layers=scopes.num_lower_layers or 0,
        **_LAYOUT,
    )


def _matrix(file: VariableFile, name: str) -> tuple[int, int]:
    shape = file.shapes[name]
    if len(shape) != 2:
        raise PrereadError(
            f"{file.prefix}, variable {name}: expected two dimensions, found shape {shape}."
        )
    return shape[0], shape[1]


def _check_shape(file: VariableFile, variable: Variable, own: tuple[int, ...]) -> None:
    wanted = own[::-1] if variable.is_transposed else own
    found = file.shapes[variable.name]
    if found != wanted:
        raise PrereadError(
            f"{file.prefix}, variable {variable.name}: expected shape {wanted}, to fit the other "
            f"variables, found {found}. The checkpoint is damaged, or belongs to another model."
        )


def _names(names: Iterable[str]) -> str:
    """The first few names, in alphabetical order."""
    some = sorted(names)
    return ", ".join(some[:_SHOWN]) + (" …" if len(some) > _SHOWN else "")
