"""What all decomposed models share, with any head: layers, the split and loading."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ...data import PrereadError
from ..config import DeformerConfig
from ..hub import SAFETENSORS, WITHOUT_CODE, find_checkpoint
from ..packing import Packed
from ..saved_files import read_config, read_weights, write_weights
from .families import Head, find_family
from .layers import Joined, Segment, join_segments, run_layers
from .weight_names import from_hugging_face

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel


_WORDS = "embedder.word.weight"


@dataclass(frozen=True, slots=True)
class JointStates:
    """The output of the upper layers for pairs of question and passage."""

    joined: Joined
    """The joined rows of the pairs, as the upper layers received them."""
    last: Tensor
    """Output of the last layer. Shape ``(n_rows, hidden_size)``."""
    hidden: tuple[Tensor, ...] = ()
    """Output of each upper layer if it was requested, otherwise empty. Shape
    ``(n_rows, hidden_size)`` each."""

    @property
    def passage_rows(self) -> Tensor:
        """The rows of ``last`` that come from passages. Shape ``(n_passage_rows, hidden_size)``."""
        return self.last[self.joined.passage_rows.to(self.last.device)]

    @property
    def cls_rows(self) -> Tensor:
        """The row of ``last`` for the [CLS] of each pair. Shape ``(n_pairs, hidden_size)``."""
        return self.last[self.joined.cls_rows.to(self.last.device)]


class DecomposedModel(nn.Module):
    r"""A decomposed transformer without a head.

    ::

        question --embed--> layers 0..k-1 --\
                                             join --> layers k..n-1 --> head
        passage  --embed--> layers 0..k-1 --/
                            `-- stored --'

    One embedder and one set of lower layers are applied to question and passage. The split adds no
    parameter, so any checkpoint of the full model can be loaded. With ``num_lower_layers`` = 0 this
    is the full model, except that passage positions count from 0. In models of text pairs, the
    first text takes the question's place.

    Source: Cao et al. 2020 (https://aclanthology.org/2020.acl-main.411), section 3.
    """

    head_kind: ClassVar[Head]
    """Kind of the head on top of the upper layers."""
    vanilla_class: ClassVar[str]
    """Name of Hugging Face's class of full models with the same head."""

    def __init__(self, config: DeformerConfig) -> None:
        """Create embedder and layers with random weights; subclasses add the head."""
        super().__init__()
        self.config = config
        base = find_family(config.base)
        self.embedder = base.embedder(config)
        self.layers = nn.ModuleList(
            base.layer(config, self.embedder) for _ in range(config.num_hidden_layers)
        )

    def lower(self, tokens: Packed, segment: Segment) -> Packed:
        """Run embedder and lower layers over questions or over passages.

        Args:
            tokens: Token ids, int64. Shape ``(n_rows,)``.
            segment: Whether these are questions or passages.

        Returns:
            States of the same segments. Shape ``(n_rows, hidden_size)``. An index stores those of
            passages.
        """
        embedded = self.embedder(tokens, segment)
        lower_layers = self.layers[: self.config.num_lower_layers]
        return tokens.with_rows(run_layers(lower_layers, embedded, tokens.lengths))

    def joint(
        self,
        questions: Packed,
        passages: Packed,
        pairs: Sequence[tuple[int, int]],
        *,
        keep_hidden: bool = False,
    ) -> JointStates:
        """Join lower states and run the upper layers.

        Args:
            questions: Lower states of the questions. Shape ``(n_question_rows, hidden_size)``.
            passages: Lower states of the passages. Shape ``(n_passage_rows, hidden_size)``.
            pairs: Segment numbers of a question and a passage, for each pair that is read.
            keep_hidden: Whether to return the output of each upper layer.

        Raises:
            ValueError: If the states of questions and passages have different widths.
        """
        passage_first = self.config.passage_first
        joined = join_segments(questions, passages, pairs, passage_first=passage_first)
        outputs: list[Tensor] = []
        hidden, lengths = joined.states.rows, joined.states.lengths
        for layer in self.layers[self.config.num_lower_layers :]:
            hidden = run_layers([layer], hidden, lengths, joined.first_lengths)
            if keep_hidden:
                outputs.append(hidden)
        return JointStates(joined, hidden, tuple(outputs))

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return next(self.parameters()).device

    def draw_weights(self) -> None:
        """Draw all weights at random, as Hugging Face's models do.

        Source: Devlin et al. 2019, https://github.com/google-research/bert, ``modeling.py``: a
        normal distribution with standard deviation ``initializer_range``, and zeros for biases.
        """
        std = self.config.initializer_range
        for module in _children_first(self):
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=std)
            if isinstance(module, nn.Linear) and module.bias is not None:
                nn.init.zeros_(module.bias)
            if isinstance(module, nn.Embedding) and module.padding_idx is not None:
                with torch.no_grad():
                    module.weight[module.padding_idx].zero_()

    @classmethod
    def from_pretrained(
        cls, source: str | PathLike[str], *, half_words: bool = False, **changes: Any
    ) -> Self:
        """Load a reader, or load a full model and split it.

        Args:
            source: Folder or hub name of a DeFormer reader, or of a full model of a family in
                ``families.FAMILIES``.
            half_words: Whether the word table stays in float16 if the file of a reader has it so.
                It then takes half the memory, and states are the same. It cannot be trained.
            **changes: Fields of `DeformerConfig`, such as ``num_lower_layers``, that replace those
                of the checkpoint.

        Returns:
            The model in float32, apart from such a word table, on the CPU, in evaluation mode.

        Raises:
            PrereadError: If the checkpoint's family cannot be split, or weights are missing.
            OSError: If a file is missing or cannot be read.
        """
        folder = find_checkpoint(str(source))
        described = read_config(folder)
        if described.get("model_type") == DeformerConfig.model_type:
            config = DeformerConfig.from_dict(described, **changes)
            return cls._load_whole(folder, config, half_words)
        return cls._split_vanilla(folder, **changes)

    def save_pretrained(
        self, folder: str | PathLike[str], *, state_dict: Mapping[str, Tensor] | None = None
    ) -> None:
        """Save the model: its configuration and its weights.

        Args:
            folder: Folder of the reader; it is made if it does not exist.
            state_dict: Weights to save instead of the model's own, such as the same in float16.
        """
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        replace(self.config, architectures=[type(self).__name__]).save(target)
        write_weights(dict(state_dict or self.state_dict()), target)

    @classmethod
    def _load_whole(cls, source: str, config: DeformerConfig, half_words: bool) -> Self:
        """Load a saved reader; a missing weight is an error, not filled with random numbers."""
        with Undrawn():
            model = cls(config)
        model._take(source, model.state_dict().keys(), half_words)
        return model.eval()

    def _take(self, source: str, wanted: Collection[str], half_words: bool = False) -> None:
        """Take the wanted weights from the file of a reader, all of which must be there."""
        found = read_weights(source)
        own = {name: weight.shape for name, weight in self.state_dict().items() if name in wanted}
        missing = sorted(own.keys() - found.keys())
        if missing:
            raise PrereadError(
                f"{source}: {len(missing)} weights are missing from the reader's file, for example "
                f"{missing[0]}. The file is damaged, or config.json is another model's. "
                "Fetch or train the reader again."
            )
        for name, shape in own.items():
            if found[name].shape != shape:
                raise PrereadError(
                    f"{source}: weight {name}: expected shape {tuple(shape)}, found "
                    f"{tuple(found[name].shape)}. The file is damaged, or config.json is another "
                    "model's. Fetch or train the reader again."
                )
        kept = {_WORDS} if half_words and found[_WORDS].dtype == torch.float16 else set()
        weights = {
            name: found[name].to(torch.float16 if name in kept else torch.float32, copy=True)
            for name in own
        }
        self.load_state_dict(weights, strict=False, assign=True)

    @classmethod
    def _split_vanilla(cls, source: str, **changes: Any) -> Self:
        """Load a full model from Hugging Face's files and split it."""
        import transformers

        found = transformers.AutoConfig.from_pretrained(source, **WITHOUT_CODE)
        try:
            config = cls._split_config(found, **changes)
        except PrereadError as error:
            raise PrereadError(f"{source}: {error}") from None
        vanilla = getattr(transformers, cls.vanilla_class).from_pretrained(
            source, dtype=torch.float32, **SAFETENSORS, **cls._vanilla_fields(config)
        )
        return cls._take_over(vanilla, config)

    @classmethod
    def split(cls, vanilla: "PreTrainedModel", **changes: Any) -> Self:
        """Split a full model of Hugging Face; its weights are copied by name.

        Args:
            vanilla: A model with the same head, of a family in ``families.FAMILIES``.
            **changes: Fields of `DeformerConfig` to set.

        Returns:
            The split model, in evaluation mode and in the number format of ``vanilla``.

        Raises:
            PrereadError: If a model with this configuration cannot be split.
        """
        return cls._take_over(vanilla, cls._split_config(vanilla.config, **changes))

    @classmethod
    def _split_config(cls, found: "PreTrainedConfig", **changes: Any) -> DeformerConfig:
        """Convert the configuration of a full model."""
        shape = find_family(found.model_type).config_fields(found) | cls._head_fields(found)
        return DeformerConfig(base=found.model_type, **{**shape, **changes})

    @classmethod
    def _take_over(cls, vanilla: "PreTrainedModel", config: DeformerConfig) -> Self:
        """Make a split model with the weights of a full one."""
        model = cls(config).to(vanilla.dtype)
        model.load_state_dict(from_hugging_face(vanilla.state_dict(), config, cls.head_kind))
        return model.eval()

    @classmethod
    def _head_fields(cls, found: "PreTrainedConfig") -> dict[str, Any]:
        """Fields of `DeformerConfig` for the head, from the configuration of a full model."""
        return {}

    @classmethod
    def _vanilla_fields(cls, config: DeformerConfig) -> dict[str, Any]:
        """Keywords with which Hugging Face's model is loaded, so that its head fits."""
        return {}


class Undrawn(TorchFunctionMode):
    """Context in which new modules leave their weights undrawn, because a file has them.

    Modules on PyTorch's device ``meta`` would do as well, but its first embedding imports sympy and
    more, for longer than everything else takes that loads a reader.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Return the tensor unchanged from functions of `torch.nn.init`; call others."""
        named = dict(kwargs or {})
        if getattr(func, "__module__", None) == nn.init.__name__:
            return named["tensor"] if "tensor" in named else args[0]
        return func(*args, **named)


def _children_first(module: nn.Module) -> Iterator[nn.Module]:
    """A module's parts, each after its own parts: the order in which Hugging Face draws weights."""
    for child in module.children():
        yield from _children_first(child)
    yield module
