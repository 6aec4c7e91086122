"""Codecs: the formats in which lower states are stored, from float16 to learned quantisers."""

from typing import TYPE_CHECKING

from ...data.lazy import lazy_attributes

if TYPE_CHECKING:
    from .base import Codec, round_trip
    from .files import codec_file_name, load_codec, save_codec
    from .learning.codec import StateSample, learn_codec, learn_codecs, sample_states
    from .learning.sensitivity import fisher_information
    from .names import CodecKind, CodecName
    from .quantised import QuantisedCodec, Quantiser
    from .scalar import Float16Codec, Int8Codec
    from .selection import find_codec, known_codec, plain_codec
    from .side import Predictor

__all__ = [
    "Codec",
    "CodecKind",
    "CodecName",
    "Float16Codec",
    "Int8Codec",
    "Predictor",
    "QuantisedCodec",
    "Quantiser",
    "StateSample",
    "codec_file_name",
    "find_codec",
    "fisher_information",
    "known_codec",
    "learn_codec",
    "learn_codecs",
    "load_codec",
    "plain_codec",
    "round_trip",
    "sample_states",
    "save_codec",
]

_MODULES = {
    "base": ("Codec", "round_trip"),
    "files": ("codec_file_name", "load_codec", "save_codec"),
    "learning.codec": ("StateSample", "learn_codec", "learn_codecs", "sample_states"),
    "learning.sensitivity": ("fisher_information",),
    "names": ("CodecKind", "CodecName"),
    "quantised": ("QuantisedCodec", "Quantiser"),
    "scalar": ("Float16Codec", "Int8Codec"),
    "selection": ("find_codec", "known_codec", "plain_codec"),
    "side": ("Predictor",),
}
"""The names of each module, imported when first used: the name of a codec takes none of the
libraries of readers."""

__getattr__, __dir__ = lazy_attributes(
    __name__, {name: module for module, names in _MODULES.items() for name in names}
)
