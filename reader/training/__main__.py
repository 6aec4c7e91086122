"""``python -m preread.reader.training RECIPE --base FOLDER --data FOLDER --output FOLDER``."""

import argparse
import logging
from pathlib import Path

import torch

from .recipe import Recipe
from .run import train


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m preread.reader.training", description=__doc__)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--base", required=True, help="folder or hub name of the base checkpoint")
    parser.add_argument("--data", type=Path, required=True, help="folder of the training sets")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(options.threads)
    train(
        Recipe.load(options.recipe),
        base=options.base,
        data=options.data,
        output=options.output,
        resume=options.resume,
    )


if __name__ == "__main__":
    main()
