"""Make a trained reader the one that ships.

    python benchmarks/ship_reader.py RUN/reader --bm25-weight 0.2 --codec rpq8

The script copies weights (float16), configuration, ranking, tokenizer, and the files of the codec
and of the retrieval head, which lie beside the weights. Those of the reader that shipped before are
removed. It does not change the model card, which has to be revised by hand. `preread calibrate`
fits the ranking.
"""

import json
import shutil
from pathlib import Path

from common import ROOT, command_line
from preread.reader import Reader
from preread.reader.codecs import known_codec
from preread.reader.retrieval.files import HEAD_FILE

SHIPPED = ROOT / "reader" / "checkpoints" / "deformer-minilm-l6"
MOST_BYTES = {"model.safetensors": 50_000_000, HEAD_FILE: 8_000_000}


def main() -> None:
    """Check, then copy."""
    parser = command_line(__doc__)
    parser.add_argument("reader", type=Path)
    parser.add_argument("--bm25-weight", type=float, help="by default the reader's own")
    parser.add_argument("--codec", required=True, help="what indexes are made with by default")
    options = parser.parse_args()
    # Or they would not load from their new place either.
    reader = Reader.load(str(options.reader))
    known_codec(options.codec, reader)
    for name, most in MOST_BYTES.items():
        path = options.reader / name
        if path.exists() and path.stat().st_size > most:
            raise SystemExit(f"{path}: {path.stat().st_size:,} bytes, at most {most:,}.")
    for path in SHIPPED.glob("*.safetensors"):
        path.unlink()
    for path in options.reader.iterdir():
        shutil.copyfile(path, SHIPPED / path.name)
    config = SHIPPED / "config.json"
    fields = json.loads(config.read_text("utf-8"))
    # Where the teacher and the base lay is of no use to anyone else.
    fields = {k: v for k, v in fields.items() if not k.startswith("_")}
    # The model card says why untitled windows of this reader begin with a separator.
    fields |= {"codec": options.codec, "dtype": "float16", "separates_untitled": True}
    config.write_text(json.dumps(fields, indent=2, sort_keys=True) + "\n", "utf-8")
    ranking = reader.ranking
    if options.bm25_weight is not None:
        ranking = ranking.changed(bm25_weight=options.bm25_weight)
    ranking.save(SHIPPED)  # a reader of the defaults has no file, and the old one's would stay
    print(SHIPPED)


if __name__ == "__main__":
    main()
