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
"""Of every configuration that the authors published."""
_ACTIVATION = "gelu_new"
"""The authors' gelu is the approximation by tanh."""
_LAYOUT: dict[str, Any] = {
    "max_question_length": 27,
    "window_length": 293,
    "window_stride": 128,
    "max_answer_length": 31,
}
"""Theirs on SQuAD: 25 wordpieces of question, 320 in all, and an end at most 30 after its start."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class UnusedVariables:
    """How many variables of a checkpoint a reader has no use for."""

    optimizer: int
    teacher: int
    unused: int


def read_tensorflow(
    prefix: Path, *, num_attention_heads: int | None = None
) -> tuple[DeformerForQuestionAnswering, Scopes, UnusedVariables]:
    """Make a reader of a TensorFlow checkpoint.

    Args:
        prefix: What its files' names begin with.
        num_attention_heads: The checkpoint does not say; by default heads are 64 wide.

    Returns:
        The reader, split where the checkpoint is (at 0 where it is of the ordinary model); where in
        the checkpoint it was; and what was left out.

    Raises:
        PrereadError: If variables are missing, of another shape, or unknown.
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
        model: Of BERT's family, in float32.
        prefix: What the files' names begin with.

    Raises:
        PrereadError: If the authors' code has no such model.
    """
    config = model.config
    if config.base != "bert":
        raise PrereadError(
            f"tensorflow: expected a reader of base bert, which the authors' code runs; found "
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
    """Whether the authors' code computes another activation than a reader was trained with."""
    return config.hidden_act != _ACTIVATION


def _check_names(file: VariableFile, scopes: Scopes, table: dict[str, Variable]) -> UnusedVariables:
    """Compare a checkpoint's names with those that are needed, and count the others."""
    wanted = {variable.name for variable in table.values()}
    missing = wanted - file.shapes.keys()
    if missing:
        raise PrereadError(
            f"{file.prefix}: expected the {len(wanted)} variables of a reader; {len(missing)} of "
            f"them are missing: {_names(missing)}. The checkpoint is damaged, or of another model."
        )
    others = file.shapes.keys() - wanted
    optimizer = {name for name in others if is_of_optimizer(name)}
    teacher = {name for name in others - optimizer if name.startswith(scopes.teachers)}
    unused = {name for name in others - optimizer - teacher if is_unused(name)}
    unexpected = others - optimizer - teacher - unused
    if unexpected:
        raise PrereadError(
            f"{file.prefix}: {len(unexpected)} variables are unknown: {_names(unexpected)}. The "
            "checkpoint is of a model that computes something else with them, so that a reader "
            "without them would answer otherwise."
        )
    return UnusedVariables(len(optimizer), len(teacher), len(unused))


def _config(file: VariableFile, scopes: Scopes, heads: int | None) -> DeformerConfig:
    """The reader's configuration, from the shapes of variables."""
    layer_0 = f"{scopes.net}/{scopes.encoder_of(0)}/layer_0"
    vocab_size, hidden_size = _matrix(file, f"{scopes.net}/embeddings/word_embeddings")
    positions, _ = _matrix(file, f"{scopes.net}/embeddings/position_embeddings")
    types, _ = _matrix(file, f"{scopes.net}/embeddings/token_type_embeddings")
    _, intermediate_size = _matrix(file, f"{layer_0}/intermediate/dense/kernel")
    if heads is None and hidden_size % _ATTENTION_HEAD_SIZE:
        raise PrereadError(
            f"{file.prefix}: expected states of a multiple of {_ATTENTION_HEAD_SIZE}, the width of "
            f"an attention head, found {hidden_size}. Say how many heads there are with "
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
            f"{file.prefix}, variable {variable.name}: expected shape {wanted}, as the other "
            f"variables have it, found {found}. The checkpoint is damaged, or of another model."
        )


def _names(names: Iterable[str]) -> str:
    """The first few names."""
    some = sorted(names)
    return ", ".join(some[:_SHOWN]) + (" …" if len(some) > _SHOWN else "")
