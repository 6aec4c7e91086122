"""A trained model with its tokenizer: text in, states and spans out."""

from collections.abc import Sequence
from copy import copy
from functools import cached_property
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import PreTrainedTokenizerFast

from ..data import PrereadError
from .checkpoints import shipped_reader_path
from .config import DeformerConfig
from .inference.runtimes import Precision, Runtime, UpperRuntime, check_choice, load_runtime
from .inference.span_decoder import SpanDecoder
from .inference.spans import Span
from .inference.window_table import WindowTable
from .modeling.fingerprint import fingerprint
from .modeling.layers import Segment
from .modeling.question_answering import DeformerForQuestionAnswering, SpanLogits
from .packing import Packed
from .ranking import Ranking, load_ranking
from .text.windows import TextEncoder, Window, load_tokenizer


class Reader:
    """Reads passages ahead of time and, later, with a question.

    Attributes:
        name: What it was loaded by; give it to `Reader.load` again to get the same reader.
        model: The network, in evaluation mode.
        ranking: How its answers are ranked.
        encoder: Lays out text for it.
        runtime_name: What computes the upper layers.
        precision: In which number format, where that is PyTorch.
    """

    def __init__(
        self,
        model: DeformerForQuestionAnswering,
        tokenizer: PreTrainedTokenizerFast,
        *,
        name: str,
        ranking: Ranking | None = None,
        device: str | torch.device = "cpu",
        runtime: str = Runtime.TORCH,
        precision: str = Precision.FLOAT32,
    ) -> None:
        """Put a model and its tokenizer together on a device.

        Args:
            model: Its parameters are moved to the device.
            tokenizer: Of the vocabulary that the model was trained with.
            name: What `load` finds the reader by, or what messages call it.
            ranking: How its answers are ranked; by default as where nothing was fitted.
            device: Where it runs.
            runtime: What computes the upper layers: ``torch``, or ``onnx-int8`` on a CPU.
            precision: Number format in which PyTorch runs the upper layers.

        Raises:
            PrereadError: If device, runtime and precision do not go together, or the ranking is one
                of another kind of reader.
        """
        self.name = name
        self.ranking = Ranking() if ranking is None else ranking
        self.ranking.check(model.config, name)
        self.device = torch.device(device)
        self.runtime_name, self.precision = check_choice(runtime, precision, self.device)
        self.model = model
        self.model.to(self.device)  # type: ignore[arg-type]  # a wrapper hides the signature
        self.model.train(False)
        self.tokenizer = tokenizer
        self.encoder = TextEncoder(tokenizer, model.config)

    @classmethod
    def load(
        cls,
        name: str | Path = "default",
        *,
        device: str | torch.device = "cpu",
        num_lower_layers: int | None = None,
        runtime: str = Runtime.TORCH,
        precision: str = Precision.FLOAT32,
    ) -> "Reader":
        """Load a reader.

        Args:
            name: ``default`` (the one that ships), a folder, or a hub name; an ordinary BERT is
                split.
            device: Where it runs.
            num_lower_layers: Split elsewhere than the checkpoint says.
            runtime: What computes the upper layers: ``torch``, or ``onnx-int8`` on a CPU.
            precision: Number format in which PyTorch runs them. States are made by PyTorch in
                float32 always, so that an index depends on neither.

        Raises:
            PrereadError: If there is no such reader, device, runtime or precision, they do not go
                together, or the reader's files are damaged.
        """
        name = str(name)
        check_device(device)
        check_choice(runtime, precision, torch.device(device))
        source = str(shipped_reader_path(name) or name)
        changes = {} if num_lower_layers is None else {"num_lower_layers": num_lower_layers}
        if looks_like_path(source) and not (Path(source) / "config.json").is_file():
            raise PrereadError(
                f"{source}: expected a reader's folder, with config.json, model.safetensors and "
                "tokenizer.json; found none. Name a folder, a hub model, or 'default'."
            )
        try:
            model = DeformerForQuestionAnswering.from_pretrained(source, **changes)
            tokenizer = load_tokenizer(source)
            ranking = load_ranking(source)
        except (OSError, ValueError, SafetensorError) as error:
            reason = (str(error).strip() or repr(error)).splitlines()[0]
            raise PrereadError(f"{name}: reader could not be loaded: {reason}") from error
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
        """All but the runtime, which a worker process makes for itself if it reads."""
        return {name: value for name, value in self.__dict__.items() if name != "runtime"}

    def with_model(self, model: DeformerForQuestionAnswering) -> "Reader":
        """The same reader with a model whose embedder and lower layers are the same."""
        other = copy(self)
        other.__dict__.pop("runtime", None)  # it has the weights of the one before
        other.model = model
        return other

    def with_ranking(self, ranking: Ranking) -> "Reader":
        """The same reader, whose answers are ranked in another way.

        Args:
            ranking: How.

        Raises:
            PrereadError: If it is that of another kind of reader.
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
    def fingerprint(self) -> str:
        """What identifies the states it makes (see `fingerprint.fingerprint`)."""
        return fingerprint(self.model, self.tokenizer.backend_tokenizer)

    @torch.inference_mode()
    def question_states(self, *questions: str) -> Packed:
        """Lower states of questions, a segment each.

        Args:
            *questions: At least one.

        Returns:
            Shape ``(n_question_rows, hidden_size)``, float32.
        """
        ids = Packed.from_lists(self.encoder.encode_questions(questions))
        return self.model.lower(ids.with_rows(ids.rows.to(self.device)), Segment.QUESTION)

    @torch.inference_mode()
    def window_states(self, windows: Sequence[Window]) -> Packed:
        """Lower states of windows. Shape ``(n_rows, hidden_size)``, float32."""
        ids = Packed.from_lists([w.token_ids for w in windows])
        return self.model.lower(ids.with_rows(ids.rows.to(self.device)), Segment.PASSAGE)

    @cached_property
    def runtime(self) -> UpperRuntime:
        """What runs the upper layers; the weights are those of its first use."""
        return load_runtime(self.model, self.runtime_name, self.precision)

    @property
    def spans(self) -> SpanDecoder:
        """What finds answers in `logits`."""
        return SpanDecoder(self.config, self.ranking.passage_weight)

    def logits(self, question: Packed, passages: Packed) -> SpanLogits:
        """Logits of all passage rows, and of each pair's [CLS] row. All float32."""
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
        """Answer one question from the states of passages.

        Args:
            question: Its lower states, by `question_states`.
            passages: Lower states of the windows, stored or by `window_states`.
            windows: The same windows' table.
            n_best: How many answers at most.
            passage_scores: What each passage brings along from retrieval, in logits.

        Returns:
            Spans, best first.
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
        """Read several questions, each with passages of its own, in one batch.

        Args:
            questions: Lower states of the questions, a segment each, by `question_states`.
            passages: Lower states of the windows of all passages, stored or by `window_states`.
            windows: The same windows' table.
            to_read: Numbers of a question and of the passages that it is read with. A question or
                passage may come several times.

        Returns:
            For each element of ``to_read`` its logits, and the table of the windows that they are
            of; a passage's number in it is its place in the element.
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
    """A name that means the same reader wherever it is said: folders are written out."""
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
    """Why PyTorch cannot compute on a device; None if it can."""
    try:
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, ImportError, AttributeError) as error:
        return str(error).partition("\n")[0].partition(". ")[0] or type(error).__name__
    return None


def looks_like_path(source: str) -> bool:
    """Whether a name can only be a folder, so that no hub need be asked."""
    return source.startswith((".", "/", "~")) or Path(source).exists()
