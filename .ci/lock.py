"""Puts the hashes of each release on the line of its name; reads and writes standard streams."""

import re
import sys

_HEAD = """\
# Written by `make lock`: the releases that `make` installs, and the SHA-256 of their files.
# PyTorch is not among them: its CPU build is not the one of PyPI.
"""

sys.stdout.write(_HEAD + re.sub(r" \\\n\s+", " ", sys.stdin.read()))
