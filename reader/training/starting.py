"""What training begins from, and learns from: a reader as it reads."""

from pathlib import Path
from typing import Any, TypeVar

from ..codecs import CodecName, codec_file_name, reader_of
from ..decomposed import DecomposedModel
from ..model import DeformerForQuestionAnswering
from ..reader import Reader

_Model = TypeVar("_Model", bound=DecomposedModel)


def load_as_read(kind: type[_Model], source: str, **fields: Any) -> _Model:
    """Load a model with the upper layers that a reader of its weights reads with.

    A reader's default codec may bring upper layers that were trained longer than its weights
    (`reader_of`). They are changes of the reader as it is split, and hold for other splits, too.

    Args:
        kind: The model's class.
        source: Folder or hub name.
        **fields: Fields of its configuration that shall be others.

    Raises:
        PrereadError: If the model cannot be loaded, or the codec's file is damaged.
    """
    model = kind.from_pretrained(source, **fields)
    if isinstance(model, DeformerForQuestionAnswering):
        codec = Path(source) / codec_file_name(CodecName.parse(model.config.codec))
        if codec.is_file():
            newest = reader_of(None, Reader.load(source))
            model.load_state_dict(newest.model.state_dict())
    return model
