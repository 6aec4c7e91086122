"""Configuration of a DeFormer reader."""

from typing import ClassVar

from transformers import AutoConfig, PreTrainedConfig

from ..data import PrereadError
from .stored import parse_stored


class DeformerConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]
    """Shape of the transformer, where it is split, and how text is laid out for it.

    The fields of the transformer are those of Hugging Face's ``BertConfig``, under the same names,
    whatever family the checkpoint is of (``modeling/families/`` translates). The lower layers see
    question and passage apart from each other, each with positions from 0; the upper layers see
    them joined.

    Raises:
        PrereadError: If a field contradicts another; the message names it.

    Source: Cao et al. 2020 (https://aclanthology.org/2020.acl-main.411), section 3.
    """

    model_type: ClassVar[str] = "deformer"

    base: str = "bert"
    """Family of the checkpoint the weights come from, one of ``bases.BASES``: decides the kind of
    layer, and what weights are called elsewhere."""
    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int | None = 512
    """Rows of the table of positions; None where there is none, positions being relative, and a
    segment may be as long as it likes."""
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-12
    pad_token_id: int | None = 0
    embedding_size: int | None = None
    """Width of the embeddings, where a projection takes them to ``hidden_size``; small ELECTRA has
    one."""
    position_offset: int = 0
    """Row of the table of positions that a segment's first token has. RoBERTa leaves those up to
    its padding token's number alone."""
    begins_with_separator: bool = False
    """Whether a passage's window begins with a separator, as RoBERTa's ``<s> q </s></s> c </s>``
    has it."""
    passage_first: bool = False
    """Whether upper layers see passage before question, which then ends with [CLS]: XLNet's
    ``c <sep> q <sep> <cls>``."""

    num_lower_layers: int = 9
    """Layers run ahead of time over passages; the authors' own configurations use 9 of 12."""
    max_question_length: int = 64
    """Longest question in wordpieces, [CLS] and [SEP] included; the rest is cut. The paper has 27
    because its questions are padded to a fixed length; ours are not, so that a longer limit costs
    nothing."""
    max_title_length: int = 32
    """Longest title in wordpieces, its [SEP] included."""
    separates_untitled: bool = False
    """Whether the window of a passage without title begins with the [SEP] that ends a title. A
    reader trained on titled passages alone marks the first row of those that do not answer, where
    it expects no text."""
    window_length: int = 256
    """Longest window of a passage in wordpieces, title and [SEP]s included."""
    window_stride: int = 192
    """Wordpieces between the starts of two windows of one passage. The paper moves by 128 of
    293."""
    max_answer_length: int = 30
    """Longest answer in wordpieces."""
    shared_normalization: bool = False
    """Whether logits of different passages compare, as they do after training on several passages
    under one softmax. Where they do not, each passage's are normalised before they are mixed."""
    has_no_answer_score: bool = False
    """Whether the [CLS] logits were trained to say that a passage holds no answer."""
    stored_segment: str = "second"
    """Which text of a pair is stored, where a reader reads pairs of texts: ``first`` or ``second``.
    The first is laid out as a question is, the second as a passage."""
    codec: str = "float16"
    """What an index stores its states with unless told otherwise: the smallest codec that costs no
    answers. A learned one comes along in the reader's folder."""

    def __post_init__(self, **kwargs: object) -> None:
        """Check the fields against each other."""
        super().__post_init__(**kwargs)  # type: ignore[no-untyped-call]
        self.check()

    @property
    def longest_segment(self) -> int | None:
        """Tokens that a question or window has positions for; None where there is no limit."""
        if self.max_position_embeddings is None:
            return None
        return self.max_position_embeddings - self.position_offset

    def check(self) -> None:
        """Check the fields against each other, again where some were set later.

        Raises:
            PrereadError: If a field contradicts another; the message names it.
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
            f"{n_separators}), or tokens between two windows would never be read; found "
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


AutoConfig.register(DeformerConfig.model_type, DeformerConfig)
