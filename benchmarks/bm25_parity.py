"""Are our BM25 hits pyserini's own, on a whole corpus?

    python benchmarks/bm25_parity.py INDEX QUESTIONS

The script indexes the passages of INDEX once more with pyserini's own indexer, and compares the 100
hits of every question by identifier and score. Both sides
get texts and questions in the same Unicode form.
"""

import json
import os
import tempfile
from pathlib import Path

from common import command_line, write_result
from preread.data import read_questions
from preread.data.text.normalization import visible_text
from preread.indexer import PassageIndex
from preread.indexer.bm25.indexer import contents_of, docid_of
from preread.indexer.bm25.java import java_class
from preread.indexer.bm25.searcher import K1, B
from tqdm import tqdm

N_HITS = 100


def index_with_pyserini(index: PassageIndex, folder: Path) -> Path:
    """Lucene index of the same passages, by Anserini's own command."""
    collection = folder / "collection"
    collection.mkdir()
    with (collection / "passages.jsonl").open("w") as file:
        for ordinal in range(len(index)):
            contents = visible_text(contents_of(index.passage(ordinal)))
            record = {"id": docid_of(ordinal), "contents": contents}
            file.write(json.dumps(record) + "\n")
    arguments = ["-collection", "JsonCollection", "-generator", "DefaultLuceneDocumentGenerator"]
    arguments += ["-input", str(collection), "-index", str(folder / "lucene"), "-threads", "2"]
    java_class("io.anserini.index.IndexCollection").main(arguments)
    return folder / "lucene"


def main() -> None:
    """Compare and write."""
    parser = command_line(__doc__)
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path)
    options = parser.parse_args()
    index = PassageIndex(options.index)
    ours = index.bm25
    questions = list(read_questions(options.questions))
    with tempfile.TemporaryDirectory() as folder:
        path = index_with_pyserini(index, Path(folder))
        os.environ.setdefault("OPENAI_API_KEY", "none")  # pyserini makes a client when imported
        from pyserini.search.lucene import LuceneSearcher

        theirs = LuceneSearcher(str(path))
        theirs.set_bm25(K1, B)
        n_hits = n_different = 0
        for question in tqdm(questions):
            query = visible_text(question.question)
            expected = [(int(h.docid), h.score) for h in theirs.search(query, k=N_HITS)]
            found = [(h.ordinal, h.score) for h in ours.search(question.question, N_HITS)]
            n_hits += len(expected)
            n_different += found != expected
    content = {"n_passages": len(index), "n_questions": len(questions), "n_hits": n_hits}
    write_result("bm25-parity", {**content, "n_questions_that_differ": n_different})
    print(content, "questions that differ:", n_different)


if __name__ == "__main__":
    main()
