"""Hugging Face's BERT: whole, and decomposed as the paper has it."""

from collections.abc import Sequence

import torch
from preread.reader import DeformerConfig, DeformerForQuestionAnswering
from preread.reader.modeling.weight_names import to_hugging_face
from torch import Tensor
from torch.nn.functional import pad
from transformers import BertConfig, BertForQuestionAnswering

from .pairs import Pair, Reading, padded_batches, unpadded

QUESTION_SLOT, PASSAGE_SLOT = 27, 293
"""Source: Cao et al. 2020, section 4; 320 together."""
BATCH = 32


def vanilla_bert(model: DeformerForQuestionAnswering) -> BertForQuestionAnswering:
    """The same weights in Hugging Face's model, its attention fused (``sdpa``)."""
    shared = BertConfig().to_dict().keys() & model.config.to_dict().keys() - {"model_type"}
    config = BertConfig(**{name: getattr(model.config, name) for name in shared})
    bert = BertForQuestionAnswering(config)
    bert.load_state_dict(to_hugging_face(model.state_dict(), model.config))
    bert.train(False)
    return bert


class FullModel:
    """Question and passage together through all layers, padded batches, logits on the host."""

    def __init__(
        self, bert: BertForQuestionAnswering, *, is_sorted: bool, batch: int = BATCH
    ) -> None:
        """Choose whether pairs are sorted by length, and how many are read at once."""
        self._bert = bert
        self._is_sorted = is_sorted
        self._batch = batch

    def prepare(self, pairs: Sequence[Pair]) -> Reading:
        """See `Baseline`."""
        batches = padded_batches(pairs, size=self._batch, is_sorted=self._is_sorted)
        device = self._bert.device

        @torch.inference_mode()
        def read() -> list[Tensor]:
            logits = []
            for batch in batches:
                out = self._bert(
                    input_ids=batch.ids.to(device),
                    token_type_ids=batch.types.to(device),
                    attention_mask=batch.is_real.long().to(device),
                )
                logits.append(torch.stack([out.start_logits, out.end_logits], -1))
            return unpadded(batches, [rows.cpu() for rows in logits])

        return read


class PaddedDecomposed:
    """The paper's own way: both segments in slots of fixed length, upper layers over all of it.

    Passage states are at hand in memory, in float32, as the paper's code has them; neither fetching
    nor decoding is timed. The question goes through the lower layers in its slot, once.
    """

    def __init__(self, bert: BertForQuestionAnswering, config: DeformerConfig) -> None:
        """Split where the reader is split."""
        self._bert = bert
        self._n_lower = config.num_lower_layers

    @torch.inference_mode()
    def prepare(self, pairs: Sequence[Pair]) -> Reading:
        """See `Baseline`. All pairs are of one question."""
        question = pairs[0].question
        n_question = len(question)
        ids = pad(torch.tensor([question]), (0, QUESTION_SLOT - n_question))
        is_question = (torch.arange(QUESTION_SLOT) < n_question)[None]
        states = [self._passage_states(pair.window) for pair in pairs]
        stored = torch.stack([pad(s, (0, 0, 0, PASSAGE_SLOT - len(s))) for s in states])
        lengths = torch.tensor([len(pair.window) for pair in pairs])
        is_passage = torch.arange(PASSAGE_SLOT) < lengths[:, None]

        @torch.inference_mode()
        def read() -> list[Tensor]:
            lower = self._lower(ids, 0, is_question)
            logits: list[Tensor] = []
            for first in range(0, len(pairs), BATCH):
                some = stored[first : first + BATCH]
                hidden = torch.cat([lower.expand(len(some), -1, -1), some], 1)
                real = [is_question.expand(len(some), -1), is_passage[first : first + BATCH]]
                hidden = self._run(self._n_lower, None, hidden, torch.cat(real, 1))
                logits += self._bert.qa_outputs(hidden)[:, QUESTION_SLOT:]
            return [rows[:n] for rows, n in zip(logits, lengths.tolist(), strict=True)]

        return read

    def _passage_states(self, window: list[int]) -> Tensor:
        ids = torch.tensor([window])
        return self._lower(ids, 1, torch.ones_like(ids, dtype=torch.bool))[0]

    def _lower(self, ids: Tensor, token_type: int, is_real: Tensor) -> Tensor:
        types = torch.full_like(ids, token_type)
        embedded = self._bert.bert.embeddings(input_ids=ids, token_type_ids=types)
        return self._run(0, self._n_lower, embedded, is_real)

    def _run(self, first: int, last: int | None, hidden: Tensor, is_real: Tensor) -> Tensor:
        """Some layers; padding is not attended to."""
        mask = is_real[:, None, None, :]
        for layer in self._bert.bert.encoder.layer[first:last]:
            hidden = layer(hidden, attention_mask=mask)
        return hidden
