"""A base and a training set for training tests."""

import json
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

CONTEXT = "Etna is a volcano on Sicily. It erupted in 2021 and in 2022."
ANSWERS = {"where is it?": "Sicily", "what is it?": "volcano", "when first?": "2021"}


@pytest.fixture
def base(tokenizer: PreTrainedTokenizerFast, tmp_path: Path) -> Path:
    """An ordinary random BERT with a tokenizer."""
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        initializer_range=0.2,
    )
    BertModel(config).save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    return tmp_path / "base"


@pytest.fixture
def train_file(tmp_path: Path) -> Path:
    """`ANSWERS` as JSON Lines."""
    records = [
        {"id": q, "title": "Etna", "question": q, "context": CONTEXT, "answers": [a]}
        | {"answer_starts": [CONTEXT.index(a)]}
        for q, a in ANSWERS.items()
    ]
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in records))
    return path
