"""F1 by split, from a file of measurements."""

import json
from pathlib import Path
from typing import Any

from ...data import PrereadError


def f1_by_split(path: str | Path) -> dict[str, dict[int, float]]:
    """Read what ``benchmarks/split_curve.py`` wrote.

    Args:
        path: JSON with ``rows``, each of ``num_lower_layers``, ``scores`` (``f1``, in percent, by
            data set) and, where there are several at one split, a ``kind``.

    Returns:
        For each data set and kind, F1 by ``num_lower_layers``.

    Raises:
        PrereadError: If the file holds nothing of that form.
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
            f"{path}: no F1 by split could be read ({error!r}). Expected JSON as "
            "benchmarks/split_curve.py writes it: rows of num_lower_layers and scores."
        ) from error
    return curves
