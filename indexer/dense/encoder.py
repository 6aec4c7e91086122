"""Sentence encoder: a checkpoint of the BERT family whose states are pooled to one unit vector."""

import hashlib
import json
import threading
from collections.abc import Sequence
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import AutoModel, AutoTokenizer
from typing_extensions import override

from ...data import Passage, PrereadError
from ...data.io.system_errors import words_of
from ...reader.config import DeformerConfig
from ...reader.hub import SAFETENSORS, WITHOUT_CODE, find_checkpoint
from ...reader.inference.mixed_precision import MixedPrecision, uses_bfloat16
from ...reader.packing import batches_by_length
from ...reader.reader import check_device
from ..bm25.indexer import contents_of
from .base import VectorEncoder, Vectors
from .kinds import READER

_ROWS_PER_BATCH = 8192
"""Number of tokens that the encoder processes at once."""
_MAX_LENGTH = 512
"""Longest text, in tokens, if the checkpoint does not say."""
_LAYOUT_FIELDS = ("num_attention_heads", "hidden_act", "layer_norm_eps")


class Pooling(StrEnum):
    """How the states of a text's tokens become one vector."""

    MEAN = "mean"
    """The mean of the states."""
    CLS = "cls"
    """The state of the first token."""


class SentenceEncoder(VectorEncoder):
    """Turns texts into vectors whose products measure the similarity of the texts.

    Pooling and the longest text are read from the checkpoint's sentence-transformers files
    (``1_Pooling/config.json``, ``sentence_bert_config.json``). Without them the mean is taken.

    Source: Reimers and Gurevych 2019 (https://aclanthology.org/D19-1410), section 3.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        tokenizer: Any,
        *,
        name: str,
        pooling: Pooling = Pooling.MEAN,
        max_length: int = _MAX_LENGTH,
        query_prefix: str = "",
        passage_prefix: str = "",
    ) -> None:
        """Combine a model and its tokenizer.

        Args:
            model: A Hugging Face encoder, on the device on which it runs.
            tokenizer: The model's tokenizer.
            name: Folder or hub name by which `load` finds the encoder.
            pooling: How the states of a text become one vector.
            max_length: Longest text in tokens, special tokens included; longer texts are cut.
            query_prefix: Text that is put before a question.
            passage_prefix: Text that is put before a passage.
        """
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.name = name
        self.pooling = pooling
        self.max_length = max_length
        self.query_prefix = query_prefix
        self.passage_prefix = passage_prefix
        self._tokenizing = threading.Lock()  # the length is a setting of the tokenizer's own

    @classmethod
    def load(
        cls,
        name: str | Path,
        *,
        device: str | torch.device = "cpu",
        query_prefix: str = "",
        passage_prefix: str = "",
        allow_hub: bool = True,
    ) -> "SentenceEncoder":
        """Load an encoder.

        Args:
            name: A folder or a hub name.
            device: Device on which the encoder runs.
            query_prefix: Text that is put before a question; some encoders are trained with one.
            passage_prefix: Text that is put before a passage.
            allow_hub: Whether a name that is no folder may be fetched from the Hugging Face hub.

        Raises:
            PrereadError: If there is no such encoder or device, it is a reader, it wants another
                pooling than those of `Pooling`, or the hub must not be asked or does not answer.
        """
        name = str(name)
        check_device(device)
        folder = find_checkpoint(name, allow_hub=allow_hub)
        try:
            if _settings(folder, "config.json").get("model_type") == DeformerConfig.model_type:
                raise PrereadError(
                    f"{name}: expected a sentence encoder, found a reader. Name a folder or a hub "
                    f"model of the BERT family, or '{READER}' for the retrieval head of the "
                    "index's reader."
                )
            model = AutoModel.from_pretrained(folder, dtype=torch.float32, **SAFETENSORS)
            model = model.to(device)
            tokenizer = AutoTokenizer.from_pretrained(folder, **WITHOUT_CODE)
            longest = _settings(folder, "sentence_bert_config.json").get("max_seq_length")
            max_length = min(longest or _MAX_LENGTH, tokenizer.model_max_length)
            pooling = _pooling(folder, name)
        except PrereadError:
            raise
        except Exception as error:  # whatever a library raises at a file, it is the file's fault
            raise PrereadError(
                f"{name}: the encoder could not be loaded: {words_of(error)} Name a folder or a "
                "hub model of the BERT family."
            ) from error
        return cls(
            model,
            tokenizer,
            name=str(Path(name).resolve()) if Path(name).is_dir() else name,
            pooling=pooling,
            max_length=max_length,
            query_prefix=query_prefix,
            passage_prefix=passage_prefix,
        )

    @property
    def device(self) -> torch.device:
        """Device on which the encoder runs."""
        return next(self.model.parameters()).device

    @property
    def width(self) -> int:
        """Number of dimensions of a vector."""
        return int(self.model.config.hidden_size)  # type: ignore[union-attr, arg-type]

    @cached_property
    def fingerprint(self) -> str:
        """Hexadecimal SHA-256 of everything that decides a vector: weights, tokenizer and settings.

        The weights of a pooler are left out: it is not used, and is random if the checkpoint has
        none.
        """
        layout = {name: getattr(self.model.config, name, None) for name in _LAYOUT_FIELDS}
        layout |= {"pooling": self.pooling.value, "max_length": self.max_length}
        layout |= {"query_prefix": self.query_prefix, "passage_prefix": self.passage_prefix}
        layout["vocabulary"] = sorted(self.tokenizer.get_vocab().items())
        digest = hashlib.sha256(json.dumps(layout, sort_keys=True, default=str).encode())
        for name, weight in sorted(self.model.state_dict().items()):
            if not name.startswith("pooler."):
                digest.update(name.encode())
                digest.update(weight.detach().cpu().float().contiguous().numpy().data)
        return digest.hexdigest()

    @override
    def encode_passages(self, passages: Sequence[Passage]) -> Vectors:
        return self._encode([self.passage_prefix + contents_of(passage) for passage in passages])

    @override
    def encode_queries(self, queries: Sequence[str]) -> Vectors:
        return self._encode([self.query_prefix + query for query in queries])

    @torch.inference_mode()
    def _encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts, which are encoded in batches of similar length."""
        vectors = np.empty((len(texts), self.width), np.float32)
        if not texts:
            return vectors
        with self._tokenizing:
            ids = self.tokenizer(list(texts), truncation=True, max_length=self.max_length)
        ids = ids["input_ids"]
        for batch in batches_by_length([len(of_text) for of_text in ids], _ROWS_PER_BATCH):
            padded = self.tokenizer.pad(
                {"input_ids": [ids[number] for number in batch]}, return_tensors="pt"
            ).to(self.device)
            vectors[batch] = self._pool(padded).cpu().numpy()
        return vectors

    def _pool(self, padded: Any) -> Tensor:
        """One unit vector for each text of a batch. Shape ``(n_texts, width)``, float32."""
        bfloat16 = uses_bfloat16(MixedPrecision.AUTO, self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=bfloat16):
            states = self.model(**padded).last_hidden_state
        states = states.float()
        if self.pooling is Pooling.CLS:
            pooled = states[:, 0]
        else:
            is_real = padded["attention_mask"].unsqueeze(-1).float()
            pooled = (states * is_real).sum(1) / is_real.sum(1)
        return torch.nn.functional.normalize(pooled, dim=1)


def _pooling(folder: str, name: str) -> Pooling:
    """The pooling that the checkpoint asks for."""
    settings = _settings(folder, "1_Pooling/config.json")
    modes = [mode for mode, chosen in settings.items() if mode.startswith("pooling_mode_")]
    chosen = [mode for mode in modes if settings[mode]]
    known = {"pooling_mode_mean_tokens": Pooling.MEAN, "pooling_mode_cls_token": Pooling.CLS}
    if not chosen:
        return Pooling.MEAN
    if len(chosen) > 1 or chosen[0] not in known:
        raise PrereadError(
            f"{name}: expected an encoder with one of {', '.join(known)}, found "
            f"{', '.join(chosen)}. Name another encoder."
        )
    return known[chosen[0]]


def _settings(folder: str, file: str) -> dict[str, Any]:
    """Content of a settings file of sentence-transformers; empty if the checkpoint has none."""
    path = Path(folder) / file
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text("utf-8"))
    except RecursionError as error:
        raise ValueError(f"{path}: expected JSON, found it nested too deeply.") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path}: expected a JSON object, found {type(found).__name__}.")
    return found
