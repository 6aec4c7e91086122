"""Ask questions about your own notes: a folder of .txt and .md files.

    python examples/ask_a_folder.py FOLDER "When is the boiler serviced?"

The index lies beside the folder, in FOLDER.preread. Delete it when the notes have changed.
"""

import sys
from pathlib import Path

from preread.indexer import build_index
from preread.pipeline import OpenDomainQA
from preread.reader import Reader


def main() -> None:
    """Build the index if it is not there, then answer."""
    folder, question = Path(sys.argv[1]), sys.argv[2]
    index = folder.with_name(folder.name + ".preread")
    if not (index / "manifest.json").exists():
        build_index(folder, index, Reader.load("default"), resume=True)
    for answer in OpenDomainQA.from_index(index)(question, n_answers=3):
        print(f"{answer.score:.3f}  {answer.answer}   ({answer.passage_id}: {answer.title})")


if __name__ == "__main__":
    main()
