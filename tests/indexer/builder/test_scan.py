"""What a build says that it will cost."""

import pytest
from preread.indexer import BuildEstimate


@pytest.mark.parametrize(
    ("n_bytes", "seconds", "said"),
    [
        (950, 0.01, "0.95 kB on disk, 1 s to encode"),
        (250_130, 12.4, "250 kB on disk, 12 s to encode"),
        (999_600, 99, "1 MB on disk, 99 s to encode"),
        (5_250_782, 100, "5.25 MB on disk, 2 min to encode"),
        (61_400_000_000, 3_570, "61.4 GB on disk, 1 h 0 min to encode"),
        (2_340_000_000_000, 360_000, "2.34 TB on disk, 100 h 0 min to encode"),
    ],
)
def test_size_and_time_are_in_units_that_suit_them(n_bytes: int, seconds: float, said: str) -> None:
    assert said in str(BuildEstimate(3, 60, n_bytes, seconds))
