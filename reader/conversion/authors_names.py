"""Names of variables in TensorFlow checkpoints of the code published with the paper.

Source: https://github.com/StonyBrookNLP/deformer, ``models/`` and ``tasks/``; the names follow from
them by Keras' rules.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ...data import PrereadError

_WORDS = "/embeddings/word_embeddings"
_TABLES = {
    "word": "word_embeddings",
    "position": "position_embeddings",
    "token_type": "token_type_embeddings",
}
_DENSE_OF_LAYER = {
    "attention.query": "attention/self/query",
    "attention.key": "attention/self/key",
    "attention.value": "attention/self/value",
    "attention.output": "attention/output/dense",
    "expand": "intermediate/dense",
    "contract": "output/dense",
}
_NORMS_OF_LAYER = {
    "attention_norm": "attention/output/layer_norm",
    "output_norm": "output/layer_norm",
}
_LAYER = re.compile(r"/(?P<encoder>(lower_|upper_)?encoder)/layer_(?P<number>\d+)/")
_OF_OPTIMIZER = re.compile(
    r"(/(adam_m|adam_v|Adam(_1)?)$)|(^(global_step|beta[12]_power|_CHECKPOINTABLE_OBJECT_GRAPH)$)"
)
_UNUSED = re.compile(r"(/attention/self/w|/pooler/dense|/answer_class/dense)/(kernel|bias)$")
"""A dense layer that no computation uses, and the answerability head, which has no loss."""


@dataclass(frozen=True, slots=True)
class Scopes:
    """Where the model lies among the variables of a checkpoint, and how deep it is."""

    net: str
    """Scope of the transformer, for example ``ebert_qa/ebert``."""
    head: str
    """Scope of the span head, for example ``ebert_qa/answer_classifier/dense``."""
    num_hidden_layers: int
    num_lower_layers: int | None
    """None for the full model, ``bert``."""
    teachers: tuple[str, ...] = ()
    """Scopes of models inside this one, such as the teacher of ``sbert``."""

    def encoder_of(self, layer: int) -> str:
        """Name of the scope that contains a layer.

        Args:
            layer: Number of the layer, from 0.
        """
        if self.num_lower_layers is None:
            return "encoder"
        return "lower_encoder" if layer < self.num_lower_layers else "upper_encoder"


@dataclass(frozen=True, slots=True)
class Variable:
    """The variable in which a weight is stored."""

    name: str
    is_transposed: bool = False
    """Whether the variable is the transpose of our weight."""


def written_scopes(num_hidden_layers: int, num_lower_layers: int) -> Scopes:
    """The scopes of ``ebert``, the model that is written."""
    return Scopes(
        "ebert_qa/ebert", "ebert_qa/answer_classifier/dense", num_hidden_layers, num_lower_layers
    )


def find_scopes(names: Collection[str], place: str) -> Scopes:
    """Find the model among the variables of a checkpoint.

    Args:
        names: Names of all variables.
        place: Path of the checkpoint, for error messages.

    Raises:
        PrereadError: If there is no model or more than one, or its layers are in both layouts.
    """
    nets = sorted(name.removesuffix(_WORDS) for name in names if name.endswith(_WORDS))
    inner = {a for a in nets for b in nets if _stands_inside(_model_of(a), _model_of(b))}
    outer = [net for net in nets if net not in inner]
    if len(outer) != 1:
        what = ", ".join(outer) or f"none among {len(names)} variables, {_first(names)}"
        raise PrereadError(
            f"{place}: expected one model, with a variable SCOPE{_WORDS} as in the code of "
            f"DeFormer's authors; found {what}. Name a checkpoint of bert, ebert or sbert."
        )
    (net,) = outer
    layers = {
        (found["encoder"], int(found["number"]))
        for name in names
        if name.startswith(net) and (found := _LAYER.match(name, len(net)))
    }
    encoders = {encoder for encoder, _ in layers}
    if not layers or encoders >= {"encoder", "upper_encoder"}:
        raise PrereadError(
            f"{place}: expected the layers of {net} in encoder, or in lower_encoder and "
            f"upper_encoder; found {', '.join(sorted(encoders)) or 'none'}. The checkpoint is "
            "damaged, or belongs to another model."
        )
    lower = [number for encoder, number in layers if encoder == "lower_encoder"]
    return Scopes(
        net,
        _head(names, net),
        1 + max(number for _, number in layers),
        None if encoders == {"encoder"} else 1 + max(lower, default=-1),
        tuple(_model_of(other) for other in sorted(inner)),
    )


def variable_names(scopes: Scopes) -> dict[str, Variable]:
    """Our name of every weight, mapped to its variable."""
    table = {
        f"embedder.{ours}.weight": Variable(f"{scopes.net}/embeddings/{theirs}")
        for ours, theirs in _TABLES.items()
    }
    table |= _norm("embedder.norm", f"{scopes.net}/embeddings/layer_norm")
    table |= _dense("head", scopes.head)
    for number in range(scopes.num_hidden_layers):
        scope = f"{scopes.net}/{scopes.encoder_of(number)}/layer_{number}"
        for ours, theirs in _DENSE_OF_LAYER.items():
            table |= _dense(f"layers.{number}.{ours}", f"{scope}/{theirs}")
        for ours, theirs in _NORMS_OF_LAYER.items():
            table |= _norm(f"layers.{number}.{ours}", f"{scope}/{theirs}")
    return table


def is_of_optimizer(name: str) -> bool:
    """Whether a variable belongs to the optimizer or counts its steps."""
    return _OF_OPTIMIZER.search(name) is not None


def is_unused(name: str) -> bool:
    """Whether a variable belongs to a layer that span reading does not use."""
    return _UNUSED.search(name) is not None


def _model_of(net: str) -> str:
    """The scope around the transformer's scope, with a slash at the end."""
    return net[: net.rfind("/") + 1]


def _stands_inside(model: str, other: str) -> bool:
    """Whether a model is part of another."""
    return other != "" and model != other and model.startswith(other)


def _head(names: Collection[str], net: str) -> str:
    """Scope of the span head; in ``sbert`` its layer has no name of its own."""
    outer = (_model_of(net), f"{net}/")
    scopes = [f"{o}answer_classifier{layer}" for o in outer for layer in ("/dense", "")]
    return next((scope for scope in scopes if f"{scope}/kernel" in names), scopes[0])


def _first(names: Iterable[str]) -> str:
    return f"for example {min(names, default='nothing')}"


def _dense(ours: str, theirs: str) -> dict[str, Variable]:
    return {
        f"{ours}.weight": Variable(f"{theirs}/kernel", is_transposed=True),
        f"{ours}.bias": Variable(f"{theirs}/bias"),
    }


def _norm(ours: str, theirs: str) -> dict[str, Variable]:
    return {
        f"{ours}.weight": Variable(f"{theirs}/gamma"),
        f"{ours}.bias": Variable(f"{theirs}/beta"),
    }
