"""The DeFormer reader: lower layers for question and passage apart, upper layers for both."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, Self

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModelForQuestionAnswering,
    PreTrainedConfig,
    PreTrainedModel,
)

from ..data import PrereadError
from .bases import find_base
from .config import DeformerConfig
from .layers import Segment, join_segments, run_layers
from .packing import Packed
from .weight_names import from_hugging_face


@dataclass(frozen=True, slots=True)
class SpanLogits:
    """What reading gives."""

    start: Tensor
    """Shape ``(n_passage_rows,)``, float, packed in the order of the pairs; so has ``end``."""
    end: Tensor
    null: Tensor
    """Start and end logit of each pair's [CLS] row, which stand for "no answer here". Shape
    ``(n_pairs, 2)``. They mean something only after training that taught them."""
    hidden: tuple[Tensor, ...] = ()
    """Output of each upper layer, question rows included, where it was asked for. Shape
    ``(n_rows, hidden_size)`` each."""


class DeformerForQuestionAnswering(PreTrainedModel):  # type: ignore[no-untyped-call]
    r"""Decomposed transformer with a span head.

    ::

        question --embed--> layers 0..k-1 --\
                                             join --> layers k..n-1 --> head --> start, end
        passage  --embed--> layers 0..k-1 --/
                            `-- stored --'

    Embedder and lower layers are one set of weights, applied to question and passage; the split
    adds no parameter, so that any checkpoint of the ordinary model can be loaded. With
    ``num_lower_layers`` = 0 this is the ordinary model, passage positions counting from 0.

    Source: Cao et al. 2020 (https://aclanthology.org/2020.acl-main.411), section 3.
    """

    config: DeformerConfig
    config_class = DeformerConfig
    base_model_prefix = ""
    main_input_name = "questions"

    def __init__(self, config: DeformerConfig) -> None:
        """Create the model with random weights."""
        super().__init__(config)
        base = find_base(config.base)
        self.embedder = base.embedder(config)
        self.layers = nn.ModuleList(base.layer(config) for _ in range(config.num_hidden_layers))
        self.head = nn.Linear(config.hidden_size, 2)
        self.stored_as: Callable[[Packed, Packed], Packed] | None = None
        """What `forward` does to passage states and their token ids between lower and upper layers:
        a codec, so that upper layers learn to read what an index gives back."""
        self.post_init()  # type: ignore[no-untyped-call]

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

    def upper(
        self,
        questions: Packed,
        passages: Packed,
        pairs: Sequence[tuple[int, int]] | None = None,
        *,
        keep_hidden: bool = False,
    ) -> SpanLogits:
        """Join lower states and run upper layers and span head.

        Args:
            questions: Lower states of the questions. Shape ``(n_question_rows, hidden_size)``.
            passages: Lower states of the passages. Shape ``(n_passage_rows, hidden_size)``.
            pairs: Which question is read with which passage, as segment numbers; by default the one
                question with every passage.
            keep_hidden: Return the outputs of the upper layers too.

        Returns:
            Logits of passage rows, in the order of the pairs.

        Raises:
            ValueError: If there are several questions and no pairs, or the hidden sizes differ.
        """
        if pairs is None:
            if len(questions) != 1:
                raise ValueError(f"pairs are needed to read {len(questions)} questions at once")
            pairs = [(0, p) for p in range(len(passages))]
        passage_first = self.config.passage_first
        joined = join_segments(questions, passages, pairs, passage_first=passage_first)
        outputs: list[Tensor] = []
        hidden, lengths = joined.states.rows, joined.states.lengths
        for layer in self.layers[self.config.num_lower_layers :]:
            hidden = run_layers([layer], hidden, lengths, joined.first_lengths)
            if keep_hidden:
                outputs.append(hidden)
        passage_hidden = hidden[joined.passage_rows.to(hidden.device)]
        cls_hidden = hidden[joined.cls_rows.to(hidden.device)]
        # Logits of different passages are compared: they keep float32's digits in mixed precision.
        with torch.autocast(hidden.device.type, enabled=False):
            start, end = self.head(passage_hidden.float()).unbind(-1)
            null = self.head(cls_hidden.float())
        return SpanLogits(start, end, null, hidden=tuple(outputs))

    def forward(
        self,
        questions: Packed,
        passages: Packed,
        pairs: Sequence[tuple[int, int]] | None = None,
        *,
        keep_hidden: bool = False,
    ) -> SpanLogits:
        """Read token ids.

        Args:
            questions: Token ids of the questions, int64.
            passages: Token ids of the passages' windows, int64.
            pairs: As in `upper`. A passage met by several questions is run through the lower layers
                once.
            keep_hidden: As in `upper`.
        """
        question_states = self.lower(questions, Segment.QUESTION)
        passage_states = self.lower(passages, Segment.PASSAGE)
        if self.stored_as is not None:
            passage_states = self.stored_as(passage_states, passages)
        return self.upper(question_states, passage_states, pairs, keep_hidden=keep_hidden)

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
        return cls._split_ordinary(source, **kwargs)

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
    def _split_ordinary(cls, source: str, **kwargs: Any) -> Self:
        """Load a Hugging Face model and take its weights over, by name."""
        found = AutoConfig.from_pretrained(source)
        dtype = kwargs.pop("dtype")
        try:
            cls._split_config(found, **kwargs)
        except PrereadError as error:
            raise PrereadError(f"{source}: {error}") from None
        ordinary = AutoModelForQuestionAnswering.from_pretrained(source, dtype=dtype)
        return cls.split(ordinary, **kwargs)

    @classmethod
    def split(cls, ordinary: PreTrainedModel, **changes: Any) -> Self:
        """Split a model of Hugging Face, whose weights are taken over by name.

        Args:
            ordinary: A ``…ForQuestionAnswering`` of a family of ``bases.BASES``.
            **changes: Fields of `DeformerConfig`.

        Returns:
            The reader, in evaluation mode and the same number format.

        Raises:
            PrereadError: If its configuration cannot be split.
        """
        config = cls._split_config(ordinary.config, **changes)
        model = cls(config).to(ordinary.dtype)  # type: ignore[arg-type]  # a wrapper hides the signature
        model.load_state_dict(from_hugging_face(ordinary.state_dict(), config))
        return model.eval()  # type: ignore[no-any-return]

    @staticmethod
    def _split_config(found: PreTrainedConfig, **changes: Any) -> DeformerConfig:
        """Our configuration of an ordinary model."""
        shape = find_base(found.model_type).config_fields(found)
        return DeformerConfig(base=found.model_type, **{**shape, **changes})


AutoConfig.register(DeformerConfig.model_type, DeformerConfig)
