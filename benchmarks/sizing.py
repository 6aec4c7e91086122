"""What all of Wikipedia takes: operations by shape, and bytes as in an index that was built."""

from dataclasses import dataclass

from common import ROOT, Result, newest
from scaling import WIKIPEDIA

PASSAGE_TOKENS = 145
"""Of a passage of Wikipedia, title and [SEP]s included; see docs/guide/profile.md."""
CODE_BYTES = 9
"""A token's, in the codec of the shipped reader."""
DEVICE_TERAFLOPS = (0.1, 10, 100, 300)
"""Achieved, not on the data sheet: what a core pair, and GPUs of several makes, may come to."""
WEIGHTS = ROOT / "reader" / "checkpoints" / "deformer-minilm-l6" / "model.safetensors"
"""Of the shipped reader, in float16."""


@dataclass(frozen=True)
class Shape:
    """A reader, by what decides the cost of its index."""

    name: str
    weight_bytes: int
    """In float32."""
    hidden_size: int
    num_lower_layers: int
    lower_parameters: int
    """Of the products of its lower layers."""

    @property
    def flops_a_passage(self) -> int:
        """Operations of the lower layers for one passage."""
        of_attention = 4 * self.num_lower_layers * self.hidden_size * PASSAGE_TOKENS**2
        return 2 * self.lower_parameters * PASSAGE_TOKENS + of_attention

    @property
    def index_gigabytes(self) -> list[float]:
        """Of all of Wikipedia, in float16, int8 and the shipped codec."""
        widths = (2 * self.hidden_size, self.hidden_size + 2, CODE_BYTES)
        return [WIKIPEDIA * bytes_a_passage(width) / 1e9 for width in widths]

    @property
    def hours(self) -> list[float]:
        """Of all of Wikipedia's lower layers, for each of `DEVICE_TERAFLOPS`."""
        whole = WIKIPEDIA * self.flops_a_passage
        return [whole / rate / 1e12 / 3600 for rate in DEVICE_TERAFLOPS]


SHIPPED = Shape("deformer-minilm-l6, k = 4", 2 * WEIGHTS.stat().st_size, 384, 4, 4 * 12 * 384**2)


def shapes() -> list[Shape]:
    """The shipped reader and the paper's two, the latter as `profile_table.py` counted them."""
    profiles = {profile["reader"]: profile for profile in newest("profile-table")["profiles"]}
    found = [SHIPPED]
    for name in ("bert-base", "bert-large"):
        profile = profiles[name]
        k, parameters = profile["num_lower_layers"], profile["parameters"]
        found.append(
            Shape(
                name=f"{name}, k = {k}",
                weight_bytes=4 * parameters["all"],
                hidden_size=profile["hidden_size"],
                num_lower_layers=k,
                lower_parameters=parameters["lower_layers"],
            )
        )
    return found


def bytes_a_passage(code_bytes: int) -> float:
    """Bytes of a passage with everything an index has of it.

    Args:
        code_bytes: Of a token's code. What comes with it was counted by `codec_scores.py`, texts
            and BM25 in an index that was built.
    """
    index = newest("open-domain")["index"]
    texts = (index["bytes_text"] + index["bytes_lucene"]) / index["n_passages"]
    return float(PASSAGE_TOKENS * (code_bytes + newest("codecs")["bytes_beside_codes"]) + texts)


def sizing_checked(result: Result) -> list[dict[str, float]]:
    """For each index of a rehearsal what the sizing says of it, beside what it is."""
    rows = []
    for row in sorted(result["rows"], key=lambda row: int(row["index"]["n_passages"])):
        n, build = row["index"]["n_passages"], row["build"]
        found = {
            "n_passages": n,
            "derived_gigabytes": n * bytes_a_passage(CODE_BYTES) / 1e9,
            "gigabytes": row["index"]["bytes_total"] / 1e9,
        }
        if "n_generated" in build:  # no lower layers ran
            found["passages_a_second"] = build["n_generated"] / build["tokenising_and_writing"]
        else:
            rate = build["n_encoded_after_first_shard"] / build["encoding_and_writing"]
            found["passages_a_second"] = rate
            found["gigaflops"] = rate * SHIPPED.flops_a_passage / 1e9
        rows.append(found)
    return rows
