"""What every decomposed model shares, whatever head it has: layers, the split, loading."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn
from transformers import AutoConfig, PreTrainedConfig, PreTrainedModel

from ...data import PrereadError
from ..config import DeformerConfig
from ..packing import Packed
from .families import Head, find_family
from .layers import Joined, Segment, join_segments, run_layers
from .weight_names import from_hugging_face


@dataclass(frozen=True, slots=True)
class JointStates:
    """Pairs after the upper layers."""

    joined: Joined
    """The pairs' rows as they came in, and what they are."""
    last: Tensor
    """Output of the last layer. Shape ``(n_rows, hidden_size)``."""
    hidden: tuple[Tensor, ...] = ()
    """Output of each upper layer, where it was asked for. Shape ``(n_rows, hidden_size)`` each."""

    @property
    def passage_rows(self) -> Tensor:
        """Rows of ``last`` that come from passages. Shape ``(n_passage_rows, hidden_size)``."""
        return self.last[self.joined.passage_rows.to(self.last.device)]

    @property
    def cls_rows(self) -> Tensor:
        """Row of ``last`` of each pair's [CLS]. Shape ``(n_pairs, hidden_size)``."""
        return self.last[self.joined.cls_rows.to(self.last.device)]


class DecomposedModel(PreTrainedModel):  # type: ignore[no-untyped-call]
    r"""Decomposed transformer, without a head.

    ::

        question --embed--> layers 0..k-1 --\
                                             join --> layers k..n-1 --> head
        passage  --embed--> layers 0..k-1 --/
                            `-- stored --'

    Embedder and lower layers are one set of weights, applied to question and passage; the split
    adds no parameter, so that any checkpoint of the ordinary model can be loaded. With
    ``num_lower_layers`` = 0 this is the ordinary model, passage positions counting from 0. Where
    the two are called first and second text, the first is what a question is.

    Source: Cao et al. 2020 (https://aclanthology.org/2020.acl-main.411), section 3.
    """

    config: DeformerConfig
    config_class = DeformerConfig
    base_model_prefix = ""
    head_kind: ClassVar[Head]
    """What stands on top."""
    vanilla_class: ClassVar[Any]
    """Hugging Face's class of ordinary models with the same head."""

    def __init__(self, config: DeformerConfig) -> None:
        """Create embedder and layers with random weights; the head is the subclass's."""
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
            segment: Which of the two they are.

        Returns:
            States of the same segments. Shape ``(n_rows, hidden_size)``. For passages, this is what
            an index stores.
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
            pairs: Which question is read with which passage, as segment numbers.
            keep_hidden: Keep the outputs of all upper layers.

        Raises:
            ValueError: If the hidden sizes differ.
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
        """Load a reader, or split an ordinary checkpoint.

        Args:
            pretrained_model_name_or_path: Folder or hub name of a DeFormer reader or of an ordinary
                model of a family of ``bases.BASES``.
            *args: As in transformers.
            **kwargs: As in transformers. Fields of `DeformerConfig` (``num_lower_layers`` …) change
                the configuration.

        Raises:
            PrereadError: If the checkpoint is of a family that cannot be split, or lacks weights.
        """
        source = str(pretrained_model_name_or_path)
        kwargs.setdefault("dtype", torch.float32)
        if "config" in kwargs or AutoConfig.from_pretrained(source).model_type == "deformer":
            return cls._load_whole(source, *args, **kwargs)
        return cls._split_vanilla(source, **kwargs)

    @classmethod
    def _load_whole(cls, source: str, *args: Any, **kwargs: Any) -> Self:
        """Load a saved reader; a missing weight is an error, not a random number."""
        loaded: Any = super().from_pretrained(source, *args, output_loading_info=True, **kwargs)
        model, report = loaded
        model.config.check()  # keywords were put into it after it was made
        missing = sorted(report["missing_keys"])
        if missing:
            raise PrereadError(
                f"{source}: the reader's file lacks {len(missing)} weights, {missing[0]} among "
                "them. It is damaged, or config.json is another model's; fetch or train it again."
            )
        return model  # type: ignore[no-any-return]

    @classmethod
    def _split_vanilla(cls, source: str, **kwargs: Any) -> Self:
        """Load a Hugging Face model and split it."""
        found = AutoConfig.from_pretrained(source)
        dtype = kwargs.pop("dtype")
        try:
            config = cls._split_config(found, **kwargs)
        except PrereadError as error:
            raise PrereadError(f"{source}: {error}") from None
        vanilla = cls.vanilla_class.from_pretrained(
            source, dtype=dtype, **cls._vanilla_fields(config)
        )
        return cls._take_over(vanilla, config)

    @classmethod
    def split(cls, vanilla: PreTrainedModel, **changes: Any) -> Self:
        """Split a model of Hugging Face, whose weights are taken over by name.

        Args:
            vanilla: One with the same head, of a family of ``bases.BASES``.
            **changes: Fields of `DeformerConfig`.

        Returns:
            The reader, in evaluation mode and the same number format.

        Raises:
            PrereadError: If its configuration cannot be split.
        """
        return cls._take_over(vanilla, cls._split_config(vanilla.config, **changes))

    @classmethod
    def _split_config(cls, found: PreTrainedConfig, **changes: Any) -> DeformerConfig:
        """Our configuration of an ordinary model."""
        shape = find_family(found.model_type).config_fields(found) | cls._head_fields(found)
        return DeformerConfig(base=found.model_type, **{**shape, **changes})

    @classmethod
    def _take_over(cls, vanilla: PreTrainedModel, config: DeformerConfig) -> Self:
        """A model with an ordinary one's weights."""
        model = cls(config).to(vanilla.dtype)  # type: ignore[arg-type]  # a wrapper hides the signature
        model.load_state_dict(from_hugging_face(vanilla.state_dict(), config, cls.head_kind))
        return model.eval()  # type: ignore[no-any-return]

    @classmethod
    def _head_fields(cls, found: PreTrainedConfig) -> dict[str, Any]:
        """What an ordinary checkpoint's configuration says of its head."""
        return {}

    @classmethod
    def _vanilla_fields(cls, config: DeformerConfig) -> dict[str, Any]:
        """What Hugging Face's model must be told for its head to fit."""
        return {}
