"""Checkpoints of other people: the paper's own (TensorFlow) and Hugging Face's, both ways.

TensorFlow writes the files; what they compute is written out here once more, in numpy and with the
authors' padded layout, from the variables alone.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from preread.data import PrereadError
from preread.reader import DeformerForQuestionAnswering, Packed
from preread.reader.conversion import (
    CheckpointKind,
    UnusedVariables,
    find_source,
    read_tensorflow,
    split_vanilla,
    vanilla_model,
    write_tensorflow,
)
from preread.reader.modeling.families import FAMILIES
from transformers import (
    AutoModelForQuestionAnswering,
    BertConfig,
    BertForQuestionAnswering,
    BertModel,
    PreTrainedModel,
)

pytestmark = pytest.mark.slow  # TensorFlow takes some seconds to import
Variables = dict[str, NDArray[np.float32]]
HIDDEN, INNER, HEADS, VOCABULARY, LAYERS = 128, 96, 2, 60, 4
QUESTION = [2, 11, 12, 13, 3]
PASSAGES = [[20, 21, 22, 23, 3], [30, 3], [*range(24, 50), 3]]
SLOT = 27
"""Where passages begin in the authors' layout."""


def of_layer(scope: str, random: np.random.Generator) -> Variables:
    """One layer's variables, named as the authors' code names them."""
    shapes = {
        "attention/self/query": (HIDDEN, HIDDEN),
        "attention/self/key": (HIDDEN, HIDDEN),
        "attention/self/value": (HIDDEN, HIDDEN),
        "attention/output/dense": (HIDDEN, HIDDEN),
        "intermediate/dense": (HIDDEN, INNER),
        "output/dense": (INNER, HIDDEN),
    }
    made: Variables = {}
    for name, shape in shapes.items():
        made[f"{scope}/{name}/kernel"] = random.normal(0, 0.15, shape).astype(np.float32)
        made[f"{scope}/{name}/bias"] = random.normal(0, 0.15, shape[1]).astype(np.float32)
    for name in ("attention/output/layer_norm", "output/layer_norm"):
        made |= norm(f"{scope}/{name}", random)
    return made


def norm(scope: str, random: np.random.Generator) -> Variables:
    """Gamma near one, beta near zero."""
    gamma, beta = random.normal((1.0, 0.0), 0.2, (HIDDEN, 2)).astype(np.float32).T
    return {f"{scope}/gamma": gamma.copy(), f"{scope}/beta": beta.copy()}


def authors_variables(model: str, net: str, k: int | None, head: str, seed: int = 0) -> Variables:
    """All variables of ``model``; ``k`` is None for the ordinary one."""
    random = np.random.default_rng(seed)
    tables = {"word": VOCABULARY, "position": 320, "token_type": 2}
    made: Variables = {
        f"{model}/{net}/embeddings/{name}_embeddings": random.normal(0, 0.5, (n, HIDDEN)).astype(
            np.float32
        )
        for name, n in tables.items()
    }
    made |= norm(f"{model}/{net}/embeddings/layer_norm", random)
    for layer in range(LAYERS):
        encoder = "encoder" if k is None else "lower_encoder" if layer < k else "upper_encoder"
        made |= of_layer(f"{model}/{net}/{encoder}/layer_{layer}", random)
    made[f"{model}/{head}/kernel"] = random.normal(0, 0.3, (HIDDEN, 2)).astype(np.float32)
    made[f"{model}/{head}/bias"] = np.array([0.3, -0.2], dtype=np.float32)
    return made


def ebert(k: int = 2) -> Variables:
    """The decomposed model's variables."""
    return authors_variables("ebert_qa", "ebert", k, "answer_classifier/dense")


def save(variables: Mapping[str, NDArray[np.floating[Any]]], folder: Path) -> Path:
    """Write a checkpoint with the saver of TensorFlow 1; returns what its files begin with."""
    import tensorflow as tf

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        made = [tf.compat.v1.Variable(value, name=name) for name, value in variables.items()]
        session.run(tf.compat.v1.global_variables_initializer())
        saver = tf.compat.v1.train.Saver(made)
        return Path(saver.save(session, str(folder / "model.ckpt-8321"), write_meta_graph=False))


def evaluate(variables: Variables, net: str, k: int | None, head: str) -> NDArray[np.float32]:
    """Logits of every passage row, as the authors' graph computes them: padded and masked."""

    def embed(ids: NDArray[np.int64], kind: int) -> NDArray[np.float32]:
        at = f"{net}/embeddings"
        summed = variables[f"{at}/word_embeddings"][ids]
        summed = summed + variables[f"{at}/position_embeddings"][: len(ids)]
        summed = summed + variables[f"{at}/token_type_embeddings"][kind]
        return layer_norm(summed, f"{at}/layer_norm")

    def layer_norm(rows: NDArray[np.float32], at: str) -> NDArray[np.float32]:
        centred = rows - rows.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return scaled * variables[f"{at}/gamma"] + variables[f"{at}/beta"]

    def dense(rows: NDArray[np.float32], at: str) -> NDArray[np.float32]:
        return rows @ variables[f"{at}/kernel"] + variables[f"{at}/bias"]

    def run(rows: NDArray[np.float32], mask: NDArray[np.bool_], at: str) -> NDArray[np.float32]:
        size = HIDDEN // HEADS
        q, key, v = (
            dense(rows, f"{at}/attention/self/{name}").reshape(-1, HEADS, size).swapaxes(0, 1)
            for name in ("query", "key", "value")
        )
        scores = q @ key.swapaxes(1, 2) / np.sqrt(size) + (1.0 - mask) * -1e10
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights = weights / weights.sum(-1, keepdims=True)
        attended = (weights @ v).swapaxes(0, 1).reshape(-1, HIDDEN)
        attended = dense(attended, f"{at}/attention/output/dense")
        rows = layer_norm(attended + rows, f"{at}/attention/output/layer_norm")
        inner = dense(rows, f"{at}/intermediate/dense")
        inner = 0.5 * inner * (1 + np.tanh(0.7978845608 * inner * (1 + 0.044715 * inner**2)))
        return layer_norm(dense(inner, f"{at}/output/dense") + rows, f"{at}/output/layer_norm")

    logits = []
    for passage in PASSAGES:
        padded = [
            np.array(QUESTION + [0] * (SLOT - len(QUESTION))),
            np.array(passage + [0] * (40 - len(passage))),
        ]
        masks = [ids != 0 for ids in padded]
        parts = [embed(ids, kind) for kind, ids in enumerate(padded)]
        for layer in range(k or 0):
            at = f"{net}/lower_encoder/layer_{layer}"
            parts = [run(rows, mask, at) for rows, mask in zip(parts, masks, strict=True)]
        rows, mask = np.concatenate(parts), np.concatenate(masks)
        for layer in range(k or 0, LAYERS):
            encoder = "encoder" if k is None else "upper_encoder"
            rows = run(rows, mask, f"{net}/{encoder}/layer_{layer}")
        logits.append(dense(rows, head)[SLOT : SLOT + len(passage)])
    return np.concatenate(logits)


@torch.no_grad()
def logits_of(model: DeformerForQuestionAnswering) -> NDArray[np.float32]:
    """Start and end logits of every passage row, packed."""
    found = model(Packed.from_lists([QUESTION]), Packed.from_lists(PASSAGES))
    return torch.stack([found.start, found.end], 1).numpy()


@pytest.mark.parametrize("k", [0, 2, None])
def test_logits_are_those_of_the_variables(k: int | None, tmp_path: Path) -> None:
    net = "bert" if k is None else "ebert"
    variables = authors_variables(f"{net}_qa", net, k, "answer_classifier/dense")
    model, scopes, left_out = read_tensorflow(save(variables, tmp_path))
    expected = evaluate(variables, f"{net}_qa/{net}", k, f"{net}_qa/answer_classifier/dense")
    np.testing.assert_allclose(logits_of(model), expected, rtol=2e-5, atol=2e-5)
    assert scopes.num_lower_layers == k and model.config.num_lower_layers == (k or 0)
    assert left_out == UnusedVariables(0, 0, 0)


def test_the_student_of_sbert_is_taken_and_the_rest_is_counted(tmp_path: Path) -> None:
    student = authors_variables("sbert_qa", "ebert", 2, "answer_classifier")
    teacher = authors_variables("sbert_qa/ebert_qa", "ebert", 0, "answer_classifier/dense", seed=1)
    slots = {f"{name}/{slot}": student[name] for name in student for slot in ("adam_m", "adam_v")}
    unused = {
        "sbert_qa/ebert/lower_encoder/layer_0/attention/self/w/kernel": np.ones((HIDDEN, 1)),
        "sbert_qa/ebert/lower_encoder/layer_0/attention/self/w/bias": np.ones(1),
        "sbert_qa/pooler/dense/kernel": np.ones((HIDDEN, HIDDEN)),
        "sbert_qa/pooler/dense/bias": np.ones(HIDDEN),
        "sbert_qa/answer_class/dense/kernel": np.ones((HIDDEN, 2)),
        "sbert_qa/answer_class/dense/bias": np.ones(2),
    }
    step = {"global_step": np.array(8321)}
    prefix = save(student | teacher | slots | unused | step, tmp_path)
    model, _, left_out = read_tensorflow(prefix)
    expected = evaluate(student, "sbert_qa/ebert", 2, "sbert_qa/answer_classifier")
    np.testing.assert_allclose(logits_of(model), expected, rtol=2e-5, atol=2e-5)
    assert left_out == UnusedVariables(len(slots) + 1, len(teacher), len(unused))


def test_a_reader_written_for_tensorflow_has_the_authors_variables(tmp_path: Path) -> None:
    import tensorflow as tf

    variables = ebert()
    model, _, _ = read_tensorflow(save(variables, tmp_path))
    (tmp_path / "again").mkdir()
    write_tensorflow(model, tmp_path / "again" / "model.ckpt")
    assert tf.train.latest_checkpoint(str(tmp_path / "again")) is not None
    written = tf.train.load_checkpoint(str(tmp_path / "again"))
    assert set(written.get_variable_to_shape_map()) == set(variables)
    for name, value in variables.items():
        np.testing.assert_array_equal(written.get_tensor(name), value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ebert_qa/answer_classifier/dense/bias": None}, "answer_classifier/dense/bias"),
        (
            {"ebert_qa/ebert/upper_encoder/layer_3/output/dense/kernel": None},
            "1 of them are missing: ebert_qa/ebert/upper_encoder/layer_3/output/dense/kernel",
        ),
        (
            {"ebert_qa/ebert/upper_encoder/layer_2/intermediate/dense0/kernel": np.ones((8, 8))},
            "1 variables are unknown: ebert_qa/ebert/upper_encoder/layer_2/intermediate/dense0",
        ),
        (
            {
                "ebert_qa/answer_classifier/dense/kernel": np.ones((HIDDEN, 3)),
                "ebert_qa/answer_classifier/dense/bias": np.ones(3),
            },
            r"answer_classifier/dense/kernel: expected shape \(128, 2\), .* found \(128, 3\)",
        ),
        (
            {"ebert_qa/ebert/embeddings/word_embeddings": np.ones(5)},
            r"word_embeddings: expected two dimensions, found shape \(5,\)",
        ),
        (
            {"ebert_qa/ebert/embeddings/word_embeddings": None},
            "expected one model, .* found none among",
        ),
        (
            {"init_sbert/embeddings/word_embeddings": np.ones((5, 5))},
            "expected one model, .* found ebert_qa/ebert, init_sbert",
        ),
        (
            {"ebert_qa/ebert/encoder/layer_0/output/dense/bias": np.ones(HIDDEN)},
            "found encoder, lower_encoder, upper_encoder",
        ),
    ],
)
def test_a_checkpoint_of_another_model_is_refused_by_its_variables(
    change: dict[str, NDArray[np.float64] | None], message: str, tmp_path: Path
) -> None:
    changed = {name: v for name, v in (ebert() | change).items() if v is not None}
    with pytest.raises(PrereadError, match=message):
        read_tensorflow(save(changed, tmp_path))


def test_heads_of_another_width_have_to_be_told(tmp_path: Path) -> None:
    variables = {name: v for name, v in ebert().items()}
    words = "ebert_qa/ebert/embeddings/word_embeddings"
    prefix = save(variables | {words: variables[words][:, :96]}, tmp_path)
    with pytest.raises(PrereadError, match="found 96.*--num-attention-heads"):
        read_tensorflow(prefix)
    model, _, _ = read_tensorflow(save(variables, tmp_path), num_attention_heads=4)
    assert model.config.num_attention_heads == 4


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    prefix = save(ebert(), tmp_path)
    data = prefix.with_name(prefix.name + ".data-00000-of-00001")
    data.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
    with pytest.raises(PrereadError, match="TensorFlow cannot read the checkpoint"):
        read_tensorflow(prefix)


def test_without_tensorflow_the_error_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(PrereadError, match=r"preread\[convert\]"):
        read_tensorflow(tmp_path / "model.ckpt")


def test_only_a_bert_can_be_written_for_tensorflow(
    make_vanilla: Callable[..., PreTrainedModel], tmp_path: Path
) -> None:
    model = DeformerForQuestionAnswering.split(make_vanilla("xlnet"), num_lower_layers=1)
    with pytest.raises(PrereadError, match="base bert.*found 'xlnet'"):
        write_tensorflow(model, tmp_path / "model.ckpt")


def test_a_source_is_known_by_its_files(tiny_reader_path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "authors"
    folder.mkdir()
    for name in ("model.ckpt-10", "model.ckpt-20"):
        (folder / f"{name}.index").touch()
    with pytest.raises(PrereadError, match=r"model\.ckpt-10, model\.ckpt-20"):
        find_source(str(folder))
    (folder / "checkpoint").write_text('model_checkpoint_path: "/elsewhere/model.ckpt-10"\n')
    for path in (folder, folder / "model.ckpt-10", folder / "model.ckpt-10.index"):
        found = find_source(str(path))
        assert found.kind is CheckpointKind.TENSORFLOW
        assert found.location == str(folder / "model.ckpt-10")
    assert find_source(str(tiny_reader_path)).kind is CheckpointKind.READER
    assert find_source("default").kind is CheckpointKind.READER
    for nowhere in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(PrereadError, match="found neither"):
            find_source(str(nowhere))


@pytest.mark.parametrize("family", FAMILIES)
@torch.no_grad()
def test_an_vanilla_model_comes_back_as_it_was(
    family: str, make_vanilla: Callable[..., PreTrainedModel], tmp_path: Path
) -> None:
    long = {} if family == "xlnet" else {"max_position_embeddings": 260}
    vanilla = make_vanilla(family, **long)
    vanilla.save_pretrained(tmp_path / "there")
    reader = split_vanilla(str(tmp_path / "there"), num_lower_layers=1)
    assert reader.config.num_lower_layers == 1 and reader.config.base == family
    vanilla_model(reader).save_pretrained(tmp_path / "back")
    back, report = AutoModelForQuestionAnswering.from_pretrained(
        tmp_path / "back", output_loading_info=True
    )
    assert not report["missing_keys"] and not report["unexpected_keys"]
    assert type(back) is type(vanilla)
    ids = torch.tensor([[*QUESTION, *PASSAGES[2]]])
    for found, expected in zip(back(ids)[:2], vanilla(ids)[:2], strict=True):
        assert torch.equal(found, expected)


def test_a_head_of_other_labels_is_refused(tmp_path: Path) -> None:
    small = BertConfig(vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2)
    small.num_labels = 3
    BertForQuestionAnswering(small).save_pretrained(tmp_path)
    with pytest.raises(PrereadError, match="2 labels.* found 3 labels"):
        split_vanilla(str(tmp_path), 0)


def test_an_encoder_alone_is_refused(tmp_path: Path) -> None:
    small = BertConfig(vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2)
    BertModel(small).save_pretrained(tmp_path)
    with pytest.raises(PrereadError, match="qa_outputs.bias, qa_outputs.weight"):
        split_vanilla(str(tmp_path), 0)
