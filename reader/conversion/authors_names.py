"""What variables are called in TensorFlow checkpoints of the code published with the paper.

Source: https://github.com/StonyBrookNLP/deformer, ``models/`` and ``tasks/``, from which the names
follow by Keras' rules.
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
"""A layer that nothing is computed with, and the answerability head, which has no loss."""


@dataclass(frozen=True, slots=True)
class Scopes:
    """Where a checkpoint's model stands among its variables, and how deep it is."""

    net: str
    """Scope of the transformer: ``ebert_qa/ebert``."""
    head: str
    """Scope of the span head's layer: ``ebert_qa/answer_classifier/dense``."""
    num_hidden_layers: int
    num_lower_layers: int | None
    """None where the model is the ordinary one, ``bert``."""
    teachers: tuple[str, ...] = ()
    """Scopes of models that stand inside this one: the teacher of ``sbert``."""

    def encoder_of(self, layer: int) -> str:
        """Name of the scope that a layer is in."""
        if self.num_lower_layers is None:
            return "encoder"
        return "lower_encoder" if layer < self.num_lower_layers else "upper_encoder"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable, as a weight of ours is stored there."""

    name: str
    is_transposed: bool = False


def written_scopes(num_hidden_layers: int, num_lower_layers: int) -> Scopes:
    """The scopes of ``ebert``, which is what we write."""
    return Scopes(
        "ebert_qa/ebert", "ebert_qa/answer_classifier/dense", num_hidden_layers, num_lower_layers
    )


def find_scopes(names: Collection[str], place: str) -> Scopes:
    """Find the model among the variables of a checkpoint.

    Args:
        names: Of all variables.
        place: What errors begin with.

    Raises:
        PrereadError: If there is no model or more than one, or it is split in two ways at once.
    """
    nets = sorted(name.removesuffix(_WORDS) for name in names if name.endswith(_WORDS))
    inner = {a for a in nets for b in nets if _stands_inside(_model_of(a), _model_of(b))}
    outer = [net for net in nets if net not in inner]
    if len(outer) != 1:
        what = ", ".join(outer) or f"none among {len(names)} variables, {_first(names)}"
        raise PrereadError(
            f"{place}: expected one model, a variable SCOPE{_WORDS} as the code of DeFormer's "
            f"authors names it; found {what}. Name a checkpoint of bert, ebert or sbert."
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
            "damaged, or of another model."
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
    """Our name of every weight, each with its variable."""
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
    """Whether a variable is the optimizer's, or counts its steps."""
    return _OF_OPTIMIZER.search(name) is not None


def is_unused(name: str) -> bool:
    """Whether a variable is of a layer that span reading has no use for."""
    return _UNUSED.search(name) is not None


def _model_of(net: str) -> str:
    """The scope around the transformer's, with the slash that ends it."""
    return net[: net.rfind("/") + 1]


def _stands_inside(model: str, other: str) -> bool:
    """Whether a model is part of another one."""
    return other != "" and model != other and model.startswith(other)


def _head(names: Collection[str], net: str) -> str:
    """Scope of the span head: ``sbert`` makes it of a layer without a name of its own."""
    outer = (_model_of(net), f"{net}/")
    scopes = [f"{o}answer_classifier{layer}" for o in outer for layer in ("/dense", "")]
    return next((scope for scope in scopes if f"{scope}/kernel" in names), scopes[0])


def _first(names: Iterable[str]) -> str:
    return f"{min(names, default='nothing')} the first"


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
