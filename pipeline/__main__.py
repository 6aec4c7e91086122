"""``python -m preread.pipeline``: the command line."""

from .cli import main

main()
