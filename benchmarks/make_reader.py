"""Make the reader that ships, from an MPNet to a student that reads through its codec.

    python benchmarks/make_reader.py CORPUS SETS QUESTIONS WORK --leave-out DEV… --device cuda
    python benchmarks/make_reader.py … --until label
    python benchmarks/make_reader.py … --rehearse 200

CORPUS holds passages, SETS the labelled training sets, QUESTIONS the lists of questions that have
answers and no passage. Each step is a command of the package and leaves a file or a folder in WORK;
a step whose result is there is not taken again, and one that was stopped goes on. ``--rehearse``
mines so many questions of each list and trains two steps of each recipe: it shows that everything
is in place.

mine-gold       negatives that BM25 finds, for questions with a labelled passage
teacher-first   MPNet on the labelled sets
mine-open       passages for the lists of questions, each confirmed by that teacher
teacher-second  the teacher on retrieved passages
label           its logits for all that the student is trained on
student         all layers of the reader, split at four
codec           a codec for its states, and its upper layers through it
"""

import argparse
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from common import command_line
from preread.reader.training import recipe_path

GOLD = ("nq-train-qed",)
OPEN = ("nq-open-train-part", "webquestions", "ambignq-train-single", "freebaseqa-dev-eval")
REHEARSED_STEPS = 2
CODEC_PASSAGES = 20_000
REHEARSED_PASSAGES = 200


class Maker:
    """Takes the steps."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Take them as a command line says."""
        self.options = options
        self.work: Path = options.work
        self.sets = self.work / "sets"
        self.mining: list[object] = ["--negatives", 20, "--depth", 100]
        for path in options.leave_out:
            self.mining += ["--leave-out", path]
        if options.rehearse:
            self.mining += ["--limit", options.rehearse]

    def gather_sets(self) -> None:
        """Make one folder of the labelled sets and what will be mined."""
        self.sets.mkdir(parents=True, exist_ok=True)
        for path in self.options.sets.glob("*.jsonl.gz"):
            link = self.sets / path.name
            if not link.exists():
                link.symlink_to(path.resolve())

    def run(self, *words: object) -> None:
        """Run a command of the package."""
        command = [sys.executable, "-m", "preread.pipeline", *map(str, words)]
        print("$", shlex.join(["preread", *command[3:]]), flush=True)
        subprocess.run(command, check=True)

    def mine(self, questions: Path, *more: object) -> None:
        """Mine one list of questions, if that was not done."""
        output = self.sets / f"mined-{questions.name}"
        if not output.exists():
            self.run("mine", self.options.corpus, questions, output, *self.mining, *more)

    def recipe(self, name: str) -> Path:
        """A recipe that ships, or a few steps of it, with bases that lie in the working folder."""
        text = recipe_path(name).read_text("utf-8")
        text = re.sub(r'"([\w-]+/reader)"', lambda m: f'"{self.work / m[1]}"', text)
        if self.options.rehearse:
            text = re.sub(r"\nsave_every.*|\n\[held_out\]\n(?:.+\n)+", "\n", text)
            text = f"max_steps = {REHEARSED_STEPS}\n{text}"
        path = self.work / f"{name}.toml"
        path.write_text(text, "utf-8")
        return path

    def train(self, name: str, folder: str, *more: object) -> None:
        """Train by a recipe, or go on with that."""
        output = self.work / folder
        if not (output / "reader").exists():
            device = ["--device", self.options.device]
            data = ["--data", self.sets]
            self.run("train", self.recipe(name), output, *data, "--resume", *device, *more)

    def mine_gold(self) -> None:
        """Negatives for questions whose passage is known."""
        for name in GOLD:
            self.mine(self.sets / f"{name}.jsonl.gz")

    def teacher_first(self) -> None:
        """The teacher on labelled sets."""
        base = ["--base", self.options.base] if self.options.base else []
        self.train("mpnet-teacher-first", "teacher-first", *base)

    def mine_open(self) -> None:
        """Passages for questions that have none."""
        # A rehearsed teacher has learned nothing and would confirm no passage.
        teacher = "default" if self.options.rehearse else self.work / "teacher-first" / "reader"
        judge: list[object] = ["--confirm", teacher]
        judge += ["--device", self.options.device, "--precision", "bfloat16"]
        for name in OPEN:
            self.mine(self.options.questions / f"{name}.jsonl.gz", *judge)

    def teacher_second(self) -> None:
        """The teacher on retrieved passages."""
        self.train("mpnet-teacher-second", "teacher-second")

    def label(self) -> None:
        """The teacher's logits."""
        teacher = self.work / "teacher-second" / "reader"
        where = [self.sets / "labels", "--data", self.sets, "--device", self.options.device]
        self.run("label", self.recipe("minilm-l6-taught"), teacher, *where)

    def student(self) -> None:
        """The student."""
        self.train("minilm-l6-taught", "taught")

    def codec(self) -> None:
        """Its codec, and its upper layers through it."""
        reader, codec = self.work / "taught" / "reader", self.work / "taught-codec.safetensors"
        if not codec.exists():
            n = REHEARSED_PASSAGES if self.options.rehearse else CODEC_PASSAGES
            self.run("learn-codec", reader, self.options.corpus, codec, "--limit", n)
        self.train("minilm-l6-taught-codec", "taught-codec", "--codec", codec)


def main() -> None:
    """Take the steps, one after the other."""
    parser = command_line(__doc__)
    for name in ("corpus", "sets", "questions", "work"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--leave-out", type=Path, action="append", default=[], metavar="DEV")
    parser.add_argument("--base", help="where MPNet's weights are; default: the recipe's name")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rehearse", type=int, metavar="N", help="a dry run on N questions")
    steps: dict[str, Callable[[Maker], None]] = {
        "mine-gold": Maker.mine_gold,
        "teacher-first": Maker.teacher_first,
        "mine-open": Maker.mine_open,
        "teacher-second": Maker.teacher_second,
        "label": Maker.label,
        "student": Maker.student,
        "codec": Maker.codec,
    }
    parser.add_argument("--until", choices=steps, default="codec", help="the last step")
    options = parser.parse_args()
    maker = Maker(options)
    maker.gather_sets()
    for name, take in steps.items():
        print(f"== {name}", flush=True)
        take(maker)
        if name == options.until:
            break


if __name__ == "__main__":
    main()
