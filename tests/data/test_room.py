"""What the room as a whole promises."""

import subprocess
import sys

import preread.data


def test_all_names_are_there() -> None:
    assert sorted(preread.data.__all__) == preread.data.__all__
    assert all(hasattr(preread.data, name) for name in preread.data.__all__)


def test_room_knows_no_model() -> None:
    code = "import sys, preread.data; print(*sorted({'torch', 'transformers'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.stdout.strip(), result.stderr) == ("", "")
