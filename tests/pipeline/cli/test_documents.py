"""Commands for folders of documents."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.slow
def test_sync_documents_show_delete_and_filter(preread: Callable[..., Any], tmp_path: Path) -> None:
    folder, index = tmp_path / "folder", tmp_path / "index"
    (folder / "faq").mkdir(parents=True)
    (folder / "faq" / "pay.md").write_text("---\nyear: 2025\n---\n# Pay\n\nInvoices come in March.")
    (folder / "plans.md").write_text(
        "# Plans\n\n|Plan|Price|\n|-|-|\n|Team|290 EUR|\n|Big|9 EUR|\n"
    )
    assert preread("index", folder, index, "--workers", 1).code == 0
    listed = preread("documents", index, "--json").out.splitlines()
    assert [json.loads(line) for line in listed] == [
        {"document": "faq/pay.md", "n_passages": 1},
        {"document": "plans.md", "n_passages": 2},
    ]
    none = preread("documents", index, "nosuch*")
    assert none.code == 0 and not none.out and "no document fits nosuch*" in none.err

    (folder / "faq" / "pay.md").write_text("# Pay\n\nInvoices come in June.")
    (folder / "copy.md").write_text("# Pay\n\nInvoices come in June.")
    done = preread("sync", index, folder, "--workers", 1)
    assert done.out == "1 added, 1 updated, 0 removed, 1 unchanged\n"
    assert "The same text: copy.md#1 = faq/pay.md#1\n" in done.err
    again = json.loads(preread("sync", index, folder, "--json").out)
    assert (again["n_unchanged"], again["n_passages"], again["repeated"]) == (3, 4, [])

    shown = json.loads(preread("show", index, "plans.md#1", "--json").out)
    assert shown["text"] == "Plan Team: price 290 EUR."
    assert shown["metadata"]["document"] == "plans.md" and "_hash" not in shown["metadata"]
    assert "Pay  [faq/pay.md#1]" in preread("show", index, "faq/*").out
    assert "holds no passage and no document 'x'" in preread("show", index, "x").err

    found = preread("search", index, "invoices", "--filter", "document~faq/*", "--json")
    (hit,) = [json.loads(line) for line in found.out.splitlines()]
    assert hit["passage_id"] == "faq/pay.md#1" and hit["metadata"]["line"] == 3
    asked = preread(
        "ask", index, "When do invoices come?", "--filter", "document=copy.md", "--json"
    )
    answer = json.loads(asked.out)["answers"][0]
    assert (answer["answer"], answer["metadata"]["document"]) == ("June", "copy.md")
    assert (
        "none passes the filter (page=3)."
        in preread("search", index, "price", "--filter", "page=3").err
    )

    removed = json.loads(preread("delete", index, "--document", "*.md", "--json").out or "{}")
    assert removed == {}  # nothing would be left
    deleted = json.loads(preread("delete", index, "--document", "plans*", "--json").out)
    assert deleted["n_deleted"] == 2
    assert "holds no document 'plans*'" in preread("delete", index, "--document", "plans*").err
    assert "expected passages or documents" in preread("delete", index).err
