"""Does an XLNet-shaped reader index, retrieve and answer, and how well without pretraining?

    python benchmarks/xlnet_sample.py FOLDER [--epochs 30]

The script makes a small XLNet with random weights and a tokenizer of the sample corpus. It trains
it, split, on questions made from the sentences of that corpus (none of the sample's questions is
among them), builds an index for each codec, and answers the sample's questions. The same network
before training is scored too. FOLDER keeps everything, and nothing that exists there is repeated.

A reader of this size that has read a few hundred passages in its life answers little. The score
says that all parts work together, not what XLNet can do.
"""

import json
from pathlib import Path
from typing import Any

import torch
from common import command_line, write_result
from preread.data import (
    cloze_examples,
    read_corpus,
    read_questions,
    statement_examples,
    write_examples,
)
from preread.data.sample import sample_corpus_path, sample_questions_path
from preread.indexer import IndexConfig, build_index, index_info
from preread.pipeline import OpenDomainQA, evaluate
from preread.reader import Reader
from preread.reader.training.recipe import Recipe, SourceConfig, StageConfig
from tokenizers import Tokenizer, models, trainers
from training_runs import trained
from transformers import XLNetConfig, XLNetForQuestionAnsweringSimple, XLNetTokenizer

SHAPE: dict[str, Any] = {"d_model": 128, "n_layer": 4, "n_head": 4, "d_inner": 512}
SPECIAL = ["<unk>", "<s>", "</s>", "<cls>", "<sep>", "<pad>", "<mask>"]
CODECS = ("float16", "int8")
NUM_LOWER_LAYERS = 2
PER_PASSAGE = 12
"""Questions of each kind that a passage gives at most."""


def make_tokenizer(vocab_size: int) -> XLNetTokenizer:
    """XLNet's tokenizer, its pieces learned from the sample corpus."""
    empty = XLNetTokenizer().backend_tokenizer
    trained = Tokenizer(models.Unigram())
    trained.normalizer, trained.pre_tokenizer = empty.normalizer, empty.pre_tokenizer
    trainer = trainers.UnigramTrainer(
        vocab_size=vocab_size, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False
    )
    passages = read_corpus(sample_corpus_path())
    trained.train_from_iterator([f"{p.title} {p.text}" for p in passages], trainer)
    pieces = json.loads(trained.to_str())["model"]["vocab"]
    return XLNetTokenizer([tuple(piece) for piece in pieces], additional_special_tokens=[])


def make_base(folder: Path, vocab_size: int) -> None:
    """Write an ordinary XLNet with random weights."""
    torch.manual_seed(0)
    tokenizer = make_tokenizer(vocab_size)
    config = XLNetConfig(vocab_size=len(tokenizer), **SHAPE)
    XLNetForQuestionAnsweringSimple(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def split_reader(base: Path, folder: Path) -> Reader:
    """The base as it is, split; saved, for an index names its reader's folder."""
    reader = Reader.load(str(base), num_lower_layers=NUM_LOWER_LAYERS)
    reader.model.save_pretrained(folder)
    reader.tokenizer.save_pretrained(folder)
    return Reader.load(str(folder))


def make_questions(path: Path) -> int:
    """Write questions made of the sample corpus."""
    passages = list(read_corpus(sample_corpus_path()))
    made = [
        *statement_examples(passages, per_passage=PER_PASSAGE),
        *cloze_examples(passages, per_passage=PER_PASSAGE),
    ]
    return write_examples(path, made)


def score(reader: Reader, folder: Path, top_k: int) -> list[dict[str, Any]]:
    """Index the sample with every codec and answer its questions."""
    questions = list(read_questions(sample_questions_path()))
    rows = []
    for codec in CODECS:
        index = folder / f"index-{codec}"
        build_index(sample_corpus_path(), index, reader, IndexConfig(codec=codec), resume=True)
        qa = OpenDomainQA.from_index(index)
        scores = evaluate(qa, questions, top_k=top_k, show_progress=True)
        kept = ("exact_match", "f1", "n_questions", "top_k_accuracy")
        size = {"bytes_per_token": index_info(index)["bytes_per_token"]}
        rows.append({"codec": codec} | size | {key: scores[key] for key in kept})
        print(folder.name, rows[-1])
    return rows


def main() -> None:
    """Make, train, index, answer, write."""
    parser = command_line(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--vocab-size", type=int, default=4_000)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--top-k", type=int, default=5)
    options = parser.parse_args()
    folder: Path = options.folder
    folder.mkdir(parents=True, exist_ok=True)
    base = folder / "base"
    if not (base / "config.json").exists():
        make_base(base, options.vocab_size)
    n_made = make_questions(folder / "made.jsonl")
    recipe = Recipe(
        base=str(base),
        num_lower_layers=NUM_LOWER_LAYERS,
        stages=(StageConfig(sources=(SourceConfig(file="made.jsonl", titles=True),),
                            epochs=options.epochs),),
        learning_rate=options.learning_rate,
    )  # fmt: skip
    untrained = split_reader(base, folder / "split")
    learned = Reader.load(str(trained(recipe, folder, folder / "run")))
    content = {
        "shape": SHAPE | {"vocab_size": learned.config.vocab_size},
        "num_lower_layers": NUM_LOWER_LAYERS,
        "n_parameters": sum(p.numel() for p in learned.model.parameters()),
        "n_made_questions": n_made,
        "epochs": options.epochs,
        "learning_rate": options.learning_rate,
        "top_k": options.top_k,
        "untrained": score(untrained, folder / "untrained", options.top_k),
        "trained": score(learned, folder / "trained", options.top_k),
    }
    write_result("xlnet-sample", content)


if __name__ == "__main__":
    main()
