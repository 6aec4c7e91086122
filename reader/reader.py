"""The reader: a trained model with its tokenizer, which turns text into states and answer spans."""

from collections.abc import Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ..data import PrereadError
from ..data.io.system_errors import words_of
from .config import DeformerConfig
from .forks import survive_forks
from .hub import find_checkpoint
from .inference.runtimes import Precision, Runtime, UpperRuntime, check_choice, load_runtime
from .inference.span_decoder import SpanDecoder
from .inference.spans import Span
from .inference.window_table import WindowTable
from .modeling.fingerprint import fingerprint
from .modeling.layers import Segment
from .modeling.question_answering import DeformerForQuestionAnswering, SpanLogits
from .packing import Packed
from .ranking import Ranking, load_ranking
from .text.saved_tokenizer import SavedTokenizer
from .text.windows import TextEncoder, Window, load_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


class Reader:
    """Encodes passages ahead of time, and reads them later with a question.

    Attributes:
        name: Name that `Reader.load` takes to load the same reader again.
        model: The network, in evaluation mode.
        ranking: How the answers are ranked.
        encoder: Converts text to token ids.
        runtime_name: Implementation of the upper layers.
        precision: Number format of the upper layers, if PyTorch runs them.
    """

    def __init__(
        self,
        model: DeformerForQuestionAnswering,
        tokenizer: "PreTrainedTokenizerFast | SavedTokenizer",
        *,
        name: str,
        ranking: Ranking | None = None,
        device: str | torch.device = "cpu",
        runtime: str = Runtime.TORCH,
        precision: str = Precision.FLOAT32,
    ) -> None:
        """Combine a model with its tokenizer, on a device.

        Args:
            model: The network; its parameters are moved to the device.
            tokenizer: The tokenizer that the model was trained with.
            name: Name that `load` finds the reader by; error messages use it too.
            ranking: How the answers are ranked; by default with the defaults of `Ranking`.
            device: PyTorch device that runs the model.
            runtime: Implementation of the upper layers: ``torch``, or ``onnx-int8`` on a CPU.
            precision: Number format in which PyTorch runs the upper layers.

        Raises:
            PrereadError: If device, runtime and precision cannot be combined, or the ranking needs
                a no-answer score that the model does not have.
        """
        survive_forks()
        self.name = name
        self.ranking = Ranking() if ranking is None else ranking
        self.ranking.check(model.config, name)
        self.device = torch.device(device)
        self.runtime_name, self.precision = check_choice(runtime, precision, self.device)
        self.model = model
        self.model.to(self.device)
        self.model.train(False)
        self._tokenizer = tokenizer
        self.encoder = TextEncoder(tokenizer, model.config)
        self._last_asked: tuple[tuple[tuple[str, ...], int], Packed] | None = None
        """The last questions with the version of the weights, and their lower states."""

    @classmethod
    def load(
        cls,
        name: str | Path = "default",
        *,
        device: str | torch.device = "cpu",
        num_lower_layers: int | None = None,
        runtime: str = Runtime.TORCH,
        precision: str = Precision.FLOAT32,
        allow_hub: bool = True,
    ) -> "Reader":
        """Load a reader.

        Args:
            name: ``default`` for the reader that ships with the package, a folder, or a hub name. A
                full model, such as a BERT for question answering, is split.
            device: PyTorch device that runs the model.
            num_lower_layers: Number of lower layers; by default that of the checkpoint.
            runtime: Implementation of the upper layers: ``torch``, or ``onnx-int8`` on a CPU.
            precision: Number format in which PyTorch runs the upper layers. The lower layers run in
                PyTorch and float32, whatever ``runtime`` and ``precision`` are; a build can run
                them in bfloat16 (``IndexConfig.precision``).
            allow_hub: Whether a name that is neither a folder nor a reader that ships may be
                fetched from the Hugging Face hub.

        Raises:
            PrereadError: If the reader, device, runtime or precision does not exist, if they cannot
                be combined, if the hub must not be asked or does not answer, or if the reader's
                files are damaged.
        """
        check_device(device)
        check_choice(runtime, precision, torch.device(device))
        source = find_checkpoint(name, allow_hub=allow_hub)
        name = str(name)
        changes = {} if num_lower_layers is None else {"num_lower_layers": num_lower_layers}
        if not (Path(source) / "config.json").is_file():
            raise PrereadError(
                f"{name}: expected a reader's folder with config.json, model.safetensors and "
                "tokenizer.json; found no config.json. Name a folder, a hub model, or 'default'."
            )
        try:
            model = DeformerForQuestionAnswering.from_pretrained(source, half_words=True, **changes)
            tokenizer = SavedTokenizer.load(Path(source)) or load_tokenizer(source)
            ranking = load_ranking(source)
        except PrereadError:
            raise
        except Exception as error:  # whatever a library raises at a file, it is the file's fault
            raise PrereadError(f"{name}: reader could not be loaded: {words_of(error)}") from error
        return cls(
            model,
            tokenizer,
            name=_lasting_name(name, source),
            ranking=ranking,
            device=device,
            runtime=runtime,
            precision=precision,
        )

    def __getstate__(self) -> dict[str, object]:
        """Everything but the runtime: a worker process that reads loads its own."""
        state = {**self.__dict__, "_last_asked": None}
        state.pop("runtime", None)
        return state

    def with_model(self, model: DeformerForQuestionAnswering) -> "Reader":
        """A copy of this reader with another model, whose embedder and lower layers are the same.

        Args:
            model: The other model, on the device of this reader and in evaluation mode.
        """
        other = copy(self)
        other.__dict__.pop("runtime", None)  # it holds the weights of the old model
        other.model = model
        return other

    def with_ranking(self, ranking: Ranking) -> "Reader":
        """A copy of this reader that ranks its answers in another way.

        Args:
            ranking: The other ranking.

        Raises:
            PrereadError: If the ranking needs a no-answer score that the model does not have.
        """
        ranking.check(self.config, self.name)
        other = copy(self)
        other.ranking = ranking
        return other

    @property
    def config(self) -> DeformerConfig:
        """Configuration of the model."""
        return self.model.config

    @cached_property
    def tokenizer(self) -> "PreTrainedTokenizerFast":
        """The tokenizer as transformers has it, to be saved or trained with."""
        if isinstance(self._tokenizer, SavedTokenizer):
            return load_tokenizer(find_checkpoint(self.name))
        return self._tokenizer

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of everything that decides stored states; see `fingerprint.fingerprint`."""
        return fingerprint(self.model, self.encoder.backend)

    @torch.inference_mode()
    def question_states(self, *questions: str) -> Packed:
        """Run questions through the lower layers.

        The states of the last call are kept while the weights stay as they are, because a retrieval
        head and the upper layers ask for the same ones.

        Args:
            *questions: At least one question.

        Returns:
            Lower states, one segment for each question. Shape ``(n_question_rows, hidden_size)``,
            float32.
        """
        asked = questions, sum(weight._version for weight in self.model.parameters())
        last = self._last_asked
        if last is None or last[0] != asked:
            ids = Packed.from_lists(self.encoder.encode_questions(questions))
            rows = ids.with_rows(ids.rows.to(self.device))
            last = self._last_asked = asked, self.model.lower(rows, Segment.QUESTION)
        return last[1]

    @torch.inference_mode()
    def window_states(self, windows: Sequence[Window]) -> Packed:
        """Run windows through the lower layers.

        Args:
            windows: Windows of any number of passages.

        Returns:
            Lower states, one segment for each window. Shape ``(n_rows, hidden_size)``, float32.
        """
        ids = Packed.from_lists([w.token_ids for w in windows])
        return self.model.lower(ids.with_rows(ids.rows.to(self.device)), Segment.PASSAGE)

    @cached_property
    def runtime(self) -> UpperRuntime:
        """The runtime of the upper layers. It copies their weights when it is first used."""
        return load_runtime(self.model, self.runtime_name, self.precision)

    @property
    def spans(self) -> SpanDecoder:
        """Finds answer spans in logits."""
        meaningful = self.encoder.meaningful_tokens
        return SpanDecoder(self.config, self.ranking.passage_weight, meaningful)

    def logits(self, question: Packed, passages: Packed) -> SpanLogits:
        """Read one question with every window.

        Args:
            question: Lower states of the question. Shape ``(n_question_rows, hidden_size)``.
            passages: Lower states of the windows. Shape ``(n_rows, hidden_size)``.

        Returns:
            Logits of all passage rows, and of the [CLS] row of each pair. All float32.
        """
        pairs = [(0, number) for number in range(len(passages))]
        return self.runtime.logits(question, passages, pairs)

    def read(
        self,
        question: Packed,
        passages: Packed,
        windows: WindowTable,
        *,
        n_best: int,
        passage_scores: Sequence[float] | None = None,
    ) -> list[Span]:
        """Answer one question from the states of passages, best span first.

        Args:
            question: Lower states of the question, from `question_states`.
            passages: Lower states of the windows, stored or from `window_states`.
            windows: Table of the same windows.
            n_best: Most answers to return.
            passage_scores: What the retrieval score of each passage is worth, in logits.
        """
        if not len(passages):
            return []
        return self.spans.best(self.logits(question, passages), windows, n_best, passage_scores)

    def logits_batch(
        self,
        questions: Packed,
        passages: Packed,
        windows: WindowTable,
        to_read: Sequence[tuple[int, Sequence[int]]],
    ) -> list[tuple[SpanLogits, WindowTable]]:
        """Read several questions in one batch, each with its own passages.

        Args:
            questions: Lower states, one segment for each question, from `question_states`.
            passages: Lower states of the windows of all passages, stored or from `window_states`.
            windows: Table of the same windows.
            to_read: For each task, the number of a question and the numbers of the passages to read
                with it. A question or passage may occur several times.

        Returns:
            For each task, its logits and the table of its windows. In that table passages are
            numbered in the order of the task.
        """
        chosen = [windows.of_passages(numbers) for _, numbers in to_read]
        pairs = [
            (question, window)
            for (question, _), (some, _) in zip(to_read, chosen, strict=True)
            for window in some
        ]
        tables = [table for _, table in chosen]
        if not pairs:
            nothing = SpanLogits(torch.empty(0), torch.empty(0), torch.empty(0, 2))
            return [(nothing, table) for table in tables]
        logits = self.runtime.logits(questions, passages, pairs)
        sizes = [sum(table.lengths) for table in tables]
        return [
            (SpanLogits(start, end, null), table)
            for start, end, null, table in zip(
                torch.split(logits.start, sizes),
                torch.split(logits.end, sizes),
                torch.split(logits.null, [len(table.lengths) for table in tables]),
                tables,
                strict=True,
            )
        ]


def _lasting_name(name: str, source: str) -> str:
    """A name that finds the same reader from any working folder: paths are made absolute."""
    is_own_folder = source == name and Path(source).is_dir()
    return str(Path(source).resolve()) if is_own_folder else name


def check_device(name: str | torch.device) -> None:
    """Check that a device exists and can compute.

    Args:
        name: ``cpu``, ``cuda`` or ``cuda:N``, the name of another accelerator that PyTorch was
            built for, or a PyTorch device.

    Raises:
        PrereadError: If the name is not that of a device, or this machine has no such device.
    """
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        raise PrereadError(
            f"device: expected cpu, cuda or cuda:N, found {name!r}. Name one of these."
        ) from None
    if device.type == "cpu":
        return
    if device.type == "cuda":
        n_gpus = torch.cuda.device_count()
        if (device.index or 0) < n_gpus:
            return
        found = f"PyTorch sees {n_gpus} GPUs here"
    else:
        reason = _why_it_cannot_compute(device)
        if reason is None:
            return
        found = f"PyTorch cannot compute on it here ({reason})"
    raise PrereadError(
        f"device: {name} was asked for, but {found}. Use cpu, or install a build of PyTorch for "
        "the device."
    )


def _why_it_cannot_compute(device: torch.device) -> str | None:
    try:
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, ImportError, AttributeError) as error:
        return str(error).partition("\n")[0].partition(". ")[0] or type(error).__name__
    return None
