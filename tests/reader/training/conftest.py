"""A base and a training set for training tests."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

CONTEXT = "Etna is a volcano on Sicily. It erupted in 2021 and in 2022."
ANSWERS = {"where is it?": "Sicily", "what is it?": "volcano", "when first?": "2021"}


@pytest.fixture(scope="session")
def lesson(tokenizer: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of an ordinary random BERT with a tokenizer, and of `ANSWERS` as JSON Lines.

    Nothing may be written there.
    """
    folder = tmp_path_factory.mktemp("lesson")
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        initializer_range=0.2,
    )
    BertModel(config).save_pretrained(folder / "base")
    tokenizer.save_pretrained(folder / "base")
    records = [
        {"id": q, "title": "Etna", "question": q, "context": CONTEXT, "answers": [a]}
        | {"answer_starts": [CONTEXT.index(a)]}
        for q, a in ANSWERS.items()
    ]
    lines = "".join(json.dumps(r) + "\n" for r in records)
    (folder / "train.jsonl").write_text(lines)
    return folder


@pytest.fixture
def base(lesson: Path, tmp_path: Path) -> Path:
    """The BERT, in a folder of the test's own."""
    return Path(shutil.copytree(lesson / "base", tmp_path / "base"))


@pytest.fixture
def train_file(lesson: Path, tmp_path: Path) -> Path:
    """The questions, beside it."""
    return Path(shutil.copy(lesson / "train.jsonl", tmp_path))
