"""DeFormer for pairs of texts: classification, and choice among answers.

The [CLS] row of the last layer goes through a dense layer and its activation, dropout, and the
classifier. That row is the first text's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn
from transformers import (
    AutoModelForMultipleChoice,
    AutoModelForSequenceClassification,
    PreTrainedConfig,
)
from transformers.activations import ACT2FN

from ...data import PrereadError
from ..config import DeformerConfig
from ..modeling.decomposed import DecomposedModel
from ..modeling.families import Head, find_family
from ..modeling.layers import Segment
from ..packing import Packed

_HEAD = ("pooler.", "classifier.")


@dataclass(frozen=True, slots=True)
class PairLogits:
    """What reading pairs of texts gives."""

    logits: Tensor
    """Of each label, shape ``(n_pairs, num_labels)``; of a choice, shape ``(n_pairs,)``. Float."""
    pooled: Tensor
    """What the classifier is given, dropout aside. Shape ``(n_pairs, hidden_size)``."""
    hidden: tuple[Tensor, ...] = ()
    """Output of each upper layer, where it was asked for. Shape ``(n_rows, hidden_size)`` each."""


class PairModel(DecomposedModel):
    """Decomposed transformer with a head on [CLS].

    Source: Cao et al. 2020 (https://aclanthology.org/2020.acl-main.411), section 4; the head is
    that of Devlin et al. 2019 (https://aclanthology.org/N19-1423), section 4.1.
    """

    main_input_name = "firsts"
    has_labels: ClassVar[bool]
    """Whether there is a logit for each label; if not, there is one for the pair."""

    def __init__(self, config: DeformerConfig) -> None:
        """Create the model with random weights."""
        super().__init__(config)
        self.pooler = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = ACT2FN[find_family(config.base).pooler_activation]
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        n_logits = len(config.id2label or ()) if self.has_labels else 1
        self.classifier = nn.Linear(config.hidden_size, n_logits)
        self.post_init()  # type: ignore[no-untyped-call]

    def upper(
        self,
        firsts: Packed,
        seconds: Packed,
        pairs: Sequence[tuple[int, int]] | None = None,
        *,
        keep_hidden: bool = False,
    ) -> PairLogits:
        """Join lower states and run upper layers and head.

        Args:
            firsts: Lower states of the first texts, stored or not. Shape ``(n_first_rows,
                hidden_size)``.
            seconds: Lower states of the second texts. Shape ``(n_second_rows, hidden_size)``.
            pairs: Which first text is read with which second, as segment numbers; by default each
                with the one in the same place.
            keep_hidden: Return the outputs of the upper layers too.

        Returns:
            Logits, in the order of the pairs.

        Raises:
            ValueError: If there are no pairs and not as many first texts as second ones, or the
                hidden sizes differ.
        """
        if pairs is None:
            if len(firsts) != len(seconds):
                raise ValueError(
                    f"pairs are needed to read {len(firsts)} texts with {len(seconds)} others"
                )
            pairs = [(number, number) for number in range(len(firsts))]
        states = self.joint(firsts, seconds, pairs, keep_hidden=keep_hidden)
        with torch.autocast(states.last.device.type, enabled=False):
            pooled = self.activation(self.pooler(states.cls_rows.float()))
            logits = self.classifier(self.dropout(pooled))
        return PairLogits(logits if self.has_labels else logits.squeeze(1), pooled, states.hidden)

    def forward(
        self,
        firsts: Packed,
        seconds: Packed,
        pairs: Sequence[tuple[int, int]] | None = None,
        *,
        keep_hidden: bool = False,
    ) -> PairLogits:
        """Read token ids.

        Args:
            firsts: Token ids of the first texts, [CLS] included, int64.
            seconds: Token ids of the second texts, int64.
            pairs: As in `upper`. A text met in several pairs is run through the lower layers once.
            keep_hidden: As in `upper`.
        """
        first_states = self.lower(firsts, Segment.QUESTION)
        second_states = self.lower(seconds, Segment.PASSAGE)
        return self.upper(first_states, second_states, pairs, keep_hidden=keep_hidden)

    @classmethod
    def _load_whole(cls, source: str, *args: Any, **kwargs: Any) -> Self:
        """Load a saved reader; one of another task gives embedder and layers, its head stays."""
        config = kwargs.get("config") or DeformerConfig.from_pretrained(source)
        if cls.__name__ in (config.architectures or []) and "id2label" not in kwargs:
            return super()._load_whole(source, *args, **kwargs)
        loaded: Any = super(DecomposedModel, cls).from_pretrained(
            source, *args, output_loading_info=True, ignore_mismatched_sizes=True, **kwargs
        )
        model, report = loaded
        model.config.check()
        lost = {*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])}
        damaged = sorted(name for name in lost if not name.startswith(_HEAD))
        if damaged:
            raise PrereadError(
                f"{source}: the reader's file lacks {len(damaged)} weights, {damaged[0]} among "
                "them. It is damaged; fetch or train it again."
            )
        return model  # type: ignore[no-any-return]


class DeformerForSequenceClassification(PairModel):  # type: ignore[no-untyped-call]
    """Tells the label of a pair of texts: BoolQ, MNLI, QQP. Labels: ``config.id2label``."""

    head_kind = Head.CLASSIFICATION
    vanilla_class = AutoModelForSequenceClassification
    has_labels = True

    @classmethod
    def _head_fields(cls, found: PreTrainedConfig) -> dict[str, Any]:
        return {"id2label": found.id2label}

    @classmethod
    def _vanilla_fields(cls, config: DeformerConfig) -> dict[str, Any]:
        # A checkpoint with other labels gives all but its classifier.
        return {"num_labels": config.num_labels, "ignore_mismatched_sizes": True}


class DeformerForMultipleChoice(PairModel):  # type: ignore[no-untyped-call]
    """Chooses an answer: a logit for each pair of a question with a choice, and a passage (RACE).

    The choices' pairs share the passage, which is run through the lower layers once.
    """

    head_kind = Head.CHOICE
    vanilla_class = AutoModelForMultipleChoice
    has_labels = False
