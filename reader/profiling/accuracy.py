"""F1 by split, from a file of measurements."""

import json
from pathlib import Path
from typing import Any

from ...data import PrereadError


def f1_by_split(path: str | Path) -> dict[str, dict[int, float]]:
    """Read the results of ``benchmarks/split_curve.py``.

    Args:
        path: JSON file with ``rows``. Each row has ``num_lower_layers``, ``scores`` (``f1`` in
            percent, by data set) and, if there are several rows for one split, ``kind``.

    Returns:
        F1 in percent by ``num_lower_layers``, for each data set and kind.

    Raises:
        PrereadError: If the file is not of this form.
    """
    path = Path(path)
    try:
        rows: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["rows"]
        curves: dict[str, dict[int, float]] = {}
        for row in rows:
            for dataset, scores in row["scores"].items():
                label = f"{dataset}, {row['kind']}" if "kind" in row else str(dataset)
                curves.setdefault(label, {})[int(row["num_lower_layers"])] = float(scores["f1"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PrereadError(
            f"{path}: expected the JSON that benchmarks/split_curve.py writes, rows with "
            f"num_lower_layers and scores; found another form ({error!r}). Name such a file."
        ) from error
    return curves
