"""Readers as transformers' ``Auto`` classes know them: by the type that ``config.json`` names."""

from transformers import AutoConfig, PreTrainedConfig

from ..config import DeformerConfig


class _ReaderConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]
    """The configuration of a reader; ``AutoTokenizer`` asks only for its type."""

    model_type = DeformerConfig.model_type


def register_readers() -> None:
    """Let ``AutoTokenizer`` load the tokenizers of readers without a warning."""
    AutoConfig.register(DeformerConfig.model_type, _ReaderConfig, exist_ok=True)
