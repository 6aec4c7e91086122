"""``preread highlight``, ``prune`` and ``check-quote``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

PIANO = "How many keys does a modern piano have?"


def test_sentences_are_shown(preread: Callable[..., Any], sample_index: Path) -> None:
    shown = preread("highlight", sample_index, PIANO, "--top-k", 3)
    assert shown.code == 0 and "88" in shown.out and "[piano-1]" in shown.out
    found = json.loads(preread("highlight", sample_index, PIANO, "--top-k", 3, "--json").out)
    best = found["sentences"][0]
    assert best["passage"][best["start"] : best["end"]] == best["sentence"]
    nothing = preread("highlight", sample_index, PIANO, "--top-k", 3, "--min-score", 1)
    assert nothing.code == 0 and "No sentence answers" in nothing.out


def test_why_no_passage_was_read_is_said(preread: Callable[..., Any], sample_index: Path) -> None:
    for command in ("highlight", "prune"):
        done = preread(command, sample_index, "qwxzv?", "--retriever", "bm25")
        said = done.out + done.err
        assert done.code == 0 and "No passage matches the question: none has a word" in said
    listed = preread("documents", sample_index, "*.md")
    assert listed.code == 0 and not listed.out and "passages are not from documents" in listed.err


def test_passages_are_pruned(preread: Callable[..., Any], sample_index: Path) -> None:
    given = ("--passage", "piano-1", "--max-tokens", 40)
    shown = preread("prune", sample_index, PIANO, *given)
    assert shown.code == 0 and "88" in shown.out and "tokens" in shown.err
    left = json.loads(preread("prune", sample_index, PIANO, *given, "--json").out)
    assert [one["passage_id"] for one in left["contexts"]] == ["piano-1"]
    assert left["n_tokens"] <= 40 < left["n_tokens_read"]


def test_quotations_are_found(preread: Callable[..., Any], sample_index: Path) -> None:
    shown = preread("check-quote", sample_index, "has 88 KEYS", "--question", PIANO)
    assert shown.code == 0 and "exact" in shown.out and "answers '88'" in shown.out
    found = json.loads(preread("check-quote", sample_index, "has 88 KEYS", "--json").out)
    assert any(one["passage_id"] == "piano-1" for one in found["matches"])
    nothing = preread("check-quote", sample_index, "The moon is made of green cheese entirely")
    assert nothing.code == 0 and "Not found" in nothing.out
    refused = preread("check-quote", sample_index, "...")
    assert refused.code == 2 and "quote: expected some words" in refused.err
