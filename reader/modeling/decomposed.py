"""What all decomposed models share, with any head: layers, the split and loading."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel

from ...data import PrereadError
from ..config import DeformerConfig
from ..hub import SAFETENSORS, WITHOUT_CODE
from ..packing import Packed
from .families import Head, find_family
from .layers import Joined, Segment, join_segments, run_layers
from .weight_names import from_hugging_face


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


class DecomposedModel(PreTrainedModel):  # type: ignore[no-untyped-call]
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

    config: DeformerConfig
    config_class = DeformerConfig
    base_model_prefix = ""
    head_kind: ClassVar[Head]
    """Kind of the head on top of the upper layers."""
    vanilla_class: ClassVar[Any]
    """Hugging Face's class of full models with the same head."""

    def __init__(self, config: DeformerConfig) -> None:
        """Create embedder and layers with random weights; subclasses add the head."""
        super().__init__(config)
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

    @classmethod
    def from_pretrained(  # type: ignore[override]  # the base class lists its many keywords
        cls, pretrained_model_name_or_path: str | PathLike[str], *args: Any, **kwargs: Any
    ) -> Self:
        """Load a reader, or load a full model and split it.

        Args:
            pretrained_model_name_or_path: Folder or hub name of a DeFormer reader, or of a full
                model of a family in ``families.FAMILIES``.
            *args: Passed to transformers' ``from_pretrained``.
            **kwargs: Passed to transformers' ``from_pretrained``. Fields of `DeformerConfig`
                (``num_lower_layers`` …) replace those of the checkpoint.

        Raises:
            PrereadError: If the checkpoint's family cannot be split, or weights are missing.
        """
        source = str(pretrained_model_name_or_path)
        kwargs.setdefault("dtype", torch.float32)
        kwargs.setdefault("use_safetensors", True)
        is_ours = "config" in kwargs
        if is_ours or AutoConfig.from_pretrained(source, **WITHOUT_CODE).model_type == "deformer":
            return cls._load_whole(source, *args, **kwargs)
        return cls._split_vanilla(source, **kwargs)

    @classmethod
    def _load_whole(cls, source: str, *args: Any, **kwargs: Any) -> Self:
        """Load a saved reader; a missing weight is an error, not filled with random numbers."""
        loaded: Any = super().from_pretrained(source, *args, output_loading_info=True, **kwargs)
        model, report = loaded
        model.config.check()  # transformers sets fields from keywords after construction
        missing = sorted(report["missing_keys"])
        if missing:
            raise PrereadError(
                f"{source}: {len(missing)} weights are missing from the reader's file, for example "
                f"{missing[0]}. The file is damaged, or config.json is another model's. "
                "Fetch or train the reader again."
            )
        return model  # type: ignore[no-any-return]

    @classmethod
    def _split_vanilla(cls, source: str, **kwargs: Any) -> Self:
        """Load a full model from Hugging Face's files and split it."""
        found = AutoConfig.from_pretrained(source, **WITHOUT_CODE)
        del kwargs["use_safetensors"]  # all others are fields of the configuration
        dtype = kwargs.pop("dtype")
        try:
            config = cls._split_config(found, **kwargs)
        except PrereadError as error:
            raise PrereadError(f"{source}: {error}") from None
        vanilla = cls.vanilla_class.from_pretrained(
            source, dtype=dtype, **SAFETENSORS, **cls._vanilla_fields(config)
        )
        return cls._take_over(vanilla, config)

    @classmethod
    def split(cls, vanilla: PreTrainedModel, **changes: Any) -> Self:
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
    def _split_config(cls, found: PreTrainedConfig, **changes: Any) -> DeformerConfig:
        """Convert the configuration of a full model."""
        shape = find_family(found.model_type).config_fields(found) | cls._head_fields(found)
        return DeformerConfig(base=found.model_type, **{**shape, **changes})

    @classmethod
    def _take_over(cls, vanilla: PreTrainedModel, config: DeformerConfig) -> Self:
        """Make a split model with the weights of a full one."""
        model = cls(config).to(vanilla.dtype)  # type: ignore[arg-type]  # a wrapper hides the signature
        model.load_state_dict(from_hugging_face(vanilla.state_dict(), config, cls.head_kind))
        return model.eval()  # type: ignore[no-any-return]

    @classmethod
    def _head_fields(cls, found: PreTrainedConfig) -> dict[str, Any]:
        """Fields of `DeformerConfig` for the head, from the configuration of a full model."""
        return {}

    @classmethod
    def _vanilla_fields(cls, config: DeformerConfig) -> dict[str, Any]:
        """Keywords with which Hugging Face's model is loaded, so that its head fits."""
        return {}
