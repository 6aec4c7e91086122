"""Configuration of a DeFormer reader."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model

from ..data import PrereadError
from ..data.io.validation import validate

CONFIG_FILE = "config.json"
_REMEDY = "Correct config.json, or fetch or train the reader again."

Size = Annotated[int, Field(ge=1, le=1 << 20)]
"""A width of the network or a length of text, in what a file may say."""
Length = Annotated[int, Field(ge=0, le=1 << 20)]
Share = Annotated[float, Field(ge=0, le=1)]


class Stored(StrEnum):
    """Which text of a pair is run through the lower layers ahead of time."""

    FIRST = "first"
    """The text in the question's place, such as the premise of MNLI."""
    SECOND = "second"
    """The text in the passage's place."""


def parse_stored(name: str) -> Stored:
    """The member of `Stored` with a given value.

    Args:
        name: ``first`` or ``second``.

    Raises:
        PrereadError: If it is neither.
    """
    try:
        return Stored(name)
    except ValueError:
        raise PrereadError(f"stored: expected {' or '.join(Stored)}, found {name!r}.") from None


@dataclass(kw_only=True)
class DeformerConfig:
    """Shape of the transformer, the layer at which it is split, and the layout of its text.

    The fields of the transformer have the names of Hugging Face's ``BertConfig`` for every family
    of checkpoints; ``modeling/families/`` translates. The lower layers process question and passage
    separately, each with positions from 0. The upper layers process the two joined.

    Raises:
        PrereadError: If two fields contradict each other; the message names them.

    Source: Cao et al. 2020 (https://aclanthology.org/2020.acl-main.411), section 3.
    """

    model_type: ClassVar[str] = "deformer"

    base: str = "bert"
    """Family of the original checkpoint, a key of ``families.FAMILIES``. It decides the kind of
    layer and the names that Hugging Face gives to the weights."""
    vocab_size: Annotated[int, Field(ge=1, le=1 << 24)] = 30522
    hidden_size: Size = 768
    num_hidden_layers: Annotated[int, Field(ge=0, le=1000)] = 12
    num_attention_heads: Size = 12
    intermediate_size: Size = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: Share = 0.1
    attention_probs_dropout_prob: Share = 0.1
    max_position_embeddings: Size | None = 512
    """Rows of the position table. None for a family with relative positions, whose segments may
    have any length."""
    type_vocab_size: Length = 2
    initializer_range: Share = 0.02
    layer_norm_eps: Share = 1e-12
    pad_token_id: Annotated[int, Field(ge=0)] | None = 0
    embedding_size: Size | None = None
    """Width of the embeddings if it differs from ``hidden_size``, as in small ELECTRA; a projection
    then widens them. None if they are equally wide."""
    position_offset: Length = 0
    """Row of the position table for the first token of a segment. RoBERTa does not use the rows up
    to the id of its padding token."""
    begins_with_separator: bool = False
    """Whether the window of a passage begins with a separator, as in RoBERTa's layout
    ``<s> question </s></s> passage </s>``."""
    passage_first: bool = False
    """Whether the upper layers see the passage before the question. The question then ends with
    [CLS], as in XLNet's layout ``passage <sep> question <sep> <cls>``."""

    num_lower_layers: Length = 9
    """Layers that are run ahead of time over passages. The authors' own configurations use 9 of
    12."""
    max_question_length: Length = 64
    """Longest question in wordpieces, [CLS] and [SEP] included; a longer one is cut. The paper uses
    27, because it pads all questions to one length. Questions are not padded here, so a higher
    limit costs nothing."""
    max_title_length: Length = 32
    """Longest title in wordpieces, its [SEP] included; a longer one is cut."""
    separates_untitled: bool = False
    """Whether the window of a passage without a title begins with the [SEP] that otherwise ends the
    title. A reader trained only on titled passages marks the first row of a passage that holds no
    answer, because that row was never text. Without the separator it would be text, and be taken
    for an answer."""
    window_length: Length = 256
    """Longest window of a passage in wordpieces, title and separators included."""
    window_stride: Length = 192
    """Wordpieces from the start of one window to the start of the next. The paper uses a stride of
    128 with windows of 293."""
    max_answer_length: Size = 30
    """Longest answer in wordpieces."""
    shared_normalization: bool = False
    """Whether the logits of different passages are comparable, as they are after training with one
    softmax over several passages. If not, the logits of each passage are normalised before they are
    compared."""
    has_no_answer_score: bool = False
    """Whether the [CLS] logits were trained as the score of "this passage holds no answer"."""
    stored_segment: str = "second"
    """Which text of a pair is run through the lower layers ahead of time, in a reader of pairs:
    ``first``, which is laid out as a question, or ``second``, which is laid out as a passage."""
    id2label: dict[int, str] | None = None
    """Labels of a classifier of pairs, by the number of their logit; None for other heads."""
    architectures: list[str] | None = None
    """Name of the class whose network was saved with the configuration; None if none was."""
    codec: str = "float16"
    """Name of the codec that an index uses by default: the smallest that costs no answers. The file
    of a learned codec lies in the reader's folder."""

    def __post_init__(self) -> None:
        """Check that the fields agree."""
        self.check()

    @classmethod
    def from_dict(cls, described: Mapping[str, Any], **changes: Any) -> Self:
        """Make a configuration from the content of a file; what other programs add is ignored.

        Args:
            described: Values by field name. JSON has the numbers of labels as strings.
            **changes: Fields that replace those of the file.

        Raises:
            PrereadError: If a field is of another type, out of bounds, or contradicts another.
        """
        names = {field.name for field in fields(cls)}
        known = {name: value for name, value in described.items() if name in names}
        labels = known.get("id2label")
        if isinstance(labels, Mapping):
            known["id2label"] = {
                int(n) if str(n).isdecimal() else n: label for n, label in labels.items()
            }
        validate(_DESCRIBED, known, "reader configuration", _REMEDY)
        return cls(**{**known, **changes})

    def to_dict(self) -> dict[str, Any]:
        """Values by field name."""
        return asdict(self)

    def save(self, folder: str | Path) -> None:
        """Write the file of a reader.

        Args:
            folder: Folder of the reader.
        """
        described = {"model_type": self.model_type, **self.to_dict()}
        text = json.dumps(described, indent=2, sort_keys=True) + "\n"
        (Path(folder) / CONFIG_FILE).write_text(text, "utf-8")

    @property
    def longest_segment(self) -> int | None:
        """Most tokens of a question or window that have positions; None if there is no limit."""
        if self.max_position_embeddings is None:
            return None
        return self.max_position_embeddings - self.position_offset

    def check(self) -> None:
        """Check that the fields agree; call it again after setting one.

        Raises:
            PrereadError: If two fields contradict each other; the message names them.
        """
        self._require(
            0 <= self.num_lower_layers <= self.num_hidden_layers,
            f"num_lower_layers must lie in 0..{self.num_hidden_layers} (num_hidden_layers), "
            f"found {self.num_lower_layers}",
        )
        self._require(
            self.hidden_size % self.num_attention_heads == 0,
            f"hidden_size ({self.hidden_size}) must be a multiple of num_attention_heads "
            f"({self.num_attention_heads})",
        )
        self._require(
            self.pad_token_id is None or self.pad_token_id < self.vocab_size,
            f"pad_token_id must be below vocab_size ({self.vocab_size}), found {self.pad_token_id}",
        )
        longest = max(self.window_length, self.max_question_length)
        offset = f" less position_offset ({self.position_offset})" if self.position_offset else ""
        self._require(
            self.longest_segment is None or longest <= self.longest_segment,
            f"window_length ({self.window_length}) and max_question_length "
            f"({self.max_question_length}) must not exceed max_position_embeddings "
            f"({self.max_position_embeddings}){offset}",
        )
        n_separators = 1 + self.begins_with_separator
        room_for_text = self.window_length - self.max_title_length - n_separators
        self._require(
            1 <= self.window_stride <= room_for_text,
            f"window_stride must lie in 1..{room_for_text} (window_length - max_title_length - "
            f"{n_separators}), so that no token between two windows is left out; found "
            f"{self.window_stride}",
        )
        self._require(
            self.max_question_length >= 3,
            "max_question_length must be at least 3 ([CLS] word [SEP])",
        )

        parse_stored(self.stored_segment)

    @staticmethod
    def _require(holds: bool, message: str) -> None:
        if not holds:
            raise PrereadError(f"reader configuration: {message}.")


_HINTS = get_type_hints(DeformerConfig, include_extras=True)
_FIELDS: dict[str, Any] = {
    field.name: (_HINTS[field.name], field.default) for field in fields(DeformerConfig)
}
_STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
_DESCRIBED: TypeAdapter[BaseModel] = TypeAdapter(
    create_model("_Described", __config__=_STRICT, **_FIELDS)
)
"""Checks each field of a file."""
