"""DeFormer for pairs of texts: classification and multiple choice.

The head is a dense layer with an activation over the [CLS] row of the last layer, dropout, and a
classifier. The [CLS] row belongs to the first text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from torch import Tensor, nn

from ..config import DeformerConfig
from ..modeling.activations import find_activation
from ..modeling.decomposed import DecomposedModel
from ..modeling.families import Head, find_family
from ..modeling.layers import Segment
from ..packing import Packed
from ..saved_files import read_config

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

_HEAD = ("pooler.", "classifier.")


@dataclass(frozen=True, slots=True)
class PairLogits:
    """Logits of pairs of texts."""

    logits: Tensor
    """In classification the logit of each label, shape ``(n_pairs, num_labels)``; in multiple
    choice one logit for each pair, shape ``(n_pairs,)``. Float."""
    pooled: Tensor
    """Input of the classifier, before dropout. Shape ``(n_pairs, hidden_size)``."""
    hidden: tuple[Tensor, ...] = ()
    """Output of each upper layer if it was requested, otherwise empty. Shape
    ``(n_rows, hidden_size)`` each."""


class PairModel(DecomposedModel):
    """A decomposed transformer with a head over the [CLS] row.

    Source: Cao et al. 2020 (https://aclanthology.org/2020.acl-main.411), section 4; the head is
    that of Devlin et al. 2019 (https://aclanthology.org/N19-1423), section 4.1.
    """

    has_labels: ClassVar[bool]
    """Whether there is one logit for each label; otherwise there is one for each pair."""

    def __init__(self, config: DeformerConfig) -> None:
        """Create the model with random weights."""
        super().__init__(config)
        self.pooler = nn.Linear(config.hidden_size, config.hidden_size)
        self.activation = find_activation(find_family(config.base).pooler_activation)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        n_logits = len(config.id2label or ()) if self.has_labels else 1
        self.classifier = nn.Linear(config.hidden_size, n_logits)
        self.draw_weights()

    def upper(
        self,
        firsts: Packed,
        seconds: Packed,
        pairs: Sequence[tuple[int, int]] | None = None,
        *,
        keep_hidden: bool = False,
    ) -> PairLogits:
        """Join lower states, and run upper layers and head.

        Args:
            firsts: Lower states of the first texts. Shape ``(n_first_rows, hidden_size)``.
            seconds: Lower states of the second texts. Shape ``(n_second_rows, hidden_size)``.
            pairs: Segment numbers of a first and a second text, for each pair that is read; by
                default the first of each, the second of each, and so on.
            keep_hidden: Whether to return the output of each upper layer.

        Returns:
            Logits, in the order of the pairs.

        Raises:
            ValueError: If there are no pairs and the numbers of first and second texts differ, or
                the states of first and second texts have different widths.
        """
        if pairs is None:
            if len(firsts) != len(seconds):
                raise ValueError(
                    f"pairs: required to read {len(firsts)} first texts with {len(seconds)} second "
                    "texts, found None"
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
        """Read pairs of texts, from their token ids.

        Args:
            firsts: Token ids of the first texts, [CLS] included, int64.
            seconds: Token ids of the second texts, int64.
            pairs: Segment numbers of a first and a second text, for each pair that is read. A text
                in several pairs is run through the lower layers once.
            keep_hidden: Whether to return the output of each upper layer.

        Returns:
            Logits, in the order of the pairs.
        """
        first_states = self.lower(firsts, Segment.QUESTION)
        second_states = self.lower(seconds, Segment.PASSAGE)
        return self.upper(first_states, second_states, pairs, keep_hidden=keep_hidden)

    @classmethod
    def _load_whole(cls, source: str, config: DeformerConfig, half_words: bool) -> Self:
        """Load a saved reader; of one for another task, only embedder and layers."""
        is_same_task = cls.__name__ in (config.architectures or [])
        if is_same_task and config.id2label == _saved_labels(source):
            return super()._load_whole(source, config, half_words)
        model = cls(config)
        names = [name for name in model.state_dict() if not name.startswith(_HEAD)]
        model._take(source, names, half_words)
        return model.eval()


class DeformerForSequenceClassification(PairModel):
    """Classifies pairs of texts (BoolQ, MNLI, QQP). The labels are in ``config.id2label``."""

    head_kind = Head.CLASSIFICATION
    vanilla_class = "AutoModelForSequenceClassification"
    has_labels = True

    @classmethod
    def _head_fields(cls, found: "PreTrainedConfig") -> dict[str, Any]:
        return {"id2label": found.id2label}

    @classmethod
    def _vanilla_fields(cls, config: DeformerConfig) -> dict[str, Any]:
        # Of a checkpoint with other labels, everything but the classifier is used.
        return {"num_labels": len(config.id2label or ()), "ignore_mismatched_sizes": True}


class DeformerForMultipleChoice(PairModel):
    """Chooses an answer, as in RACE: one logit for each pair of question with choice, and passage.

    The pairs of a question share the passage, which is run through the lower layers once.
    """

    head_kind = Head.CHOICE
    vanilla_class = "AutoModelForMultipleChoice"
    has_labels = False


def _saved_labels(source: str) -> dict[int, str] | None:
    return DeformerConfig.from_dict(read_config(source)).id2label
