"""Make a trained reader the one that ships.

    python benchmarks/ship_reader.py RUN/reader --bm25-weight 0.2

Copies weights (float16), configuration and tokenizer; the model card stays and has to be looked at.
"""

import argparse
import json
import shutil
from pathlib import Path

from preread.reader import Reader

SHIPPED = Path(__file__).parents[1] / "reader" / "checkpoints" / "deformer-minilm-l6"
MOST_BYTES = 50_000_000


def main() -> None:
    """Check, then copy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reader", type=Path)
    parser.add_argument("--bm25-weight", type=float, required=True)
    options = parser.parse_args()
    Reader.load(str(options.reader))  # or it would not load from its new place either
    n_bytes = (options.reader / "model.safetensors").stat().st_size
    if n_bytes > MOST_BYTES:
        raise SystemExit(f"{options.reader}: {n_bytes:,} bytes of weights, at most {MOST_BYTES:,}.")
    for path in options.reader.iterdir():
        shutil.copyfile(path, SHIPPED / path.name)
    config = SHIPPED / "config.json"
    fields = json.loads(config.read_text("utf-8"))
    # Where the teacher and the base lay is of no use to anyone else.
    fields = {k: v for k, v in fields.items() if not k.startswith("_")}
    # The model card says why untitled windows of this reader begin with a separator.
    fields |= {"bm25_weight": options.bm25_weight, "dtype": "float16", "separates_untitled": True}
    config.write_text(json.dumps(fields, indent=2, sort_keys=True) + "\n", "utf-8")
    print(SHIPPED)


if __name__ == "__main__":
    main()
