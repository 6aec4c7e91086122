"""Fixtures for every room: a tiny random reader with the shipped tokenizer."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import settings
from preread.reader import DeformerConfig, DeformerForQuestionAnswering, Reader
from preread.reader.checkpoints import shipped_reader_path
from transformers import AutoTokenizer, PreTrainedTokenizerFast

settings.register_profile("preread", deadline=None)  # a shared machine stalls now and then
settings.load_profile("preread")
torch.set_num_threads(min(2, torch.get_num_threads()))  # OMP_NUM_THREADS may ask for fewer


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    """The uncased BERT tokenizer that ships with the default reader."""
    return AutoTokenizer.from_pretrained(str(shipped_reader_path("default")))


def _tiny_model(**changes: object) -> DeformerForQuestionAnswering:
    """A random four-layer model, the same at every call."""
    fields = {
        "hidden_size": 32,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "num_lower_layers": 2,
        "window_length": 48,
        "window_stride": 24,
        "max_title_length": 8,
        "max_position_embeddings": 64,
        "initializer_range": 0.2,
    }
    torch.manual_seed(0)
    return DeformerForQuestionAnswering(DeformerConfig(**{**fields, **changes})).eval()


@pytest.fixture(scope="session")
def make_tiny_model() -> Callable[..., DeformerForQuestionAnswering]:
    """Makes a tiny model; keywords change its configuration."""
    return _tiny_model


@pytest.fixture(scope="session")
def tiny_reader(tokenizer: PreTrainedTokenizerFast) -> Reader:
    """A random reader of 32 dimensions; windows of 48 tokens, so that most texts have several."""
    return Reader(_tiny_model(), tokenizer, name="tiny")


@pytest.fixture(scope="session")
def tiny_reader_path(tiny_reader: Reader, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny reader, saved."""
    folder = tmp_path_factory.mktemp("tiny-reader")
    tiny_reader.model.save_pretrained(folder)
    tiny_reader.tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data sets; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("PREREAD_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("real data sets are not here (set PREREAD_DATA)")
    return folder
