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

__getattr__, __dir__ = lazy_attributes(
    __name__,
    {
        "Codec": "base",
        "CodecKind": "names",
        "CodecName": "names",
        "Float16Codec": "scalar",
        "Int8Codec": "scalar",
        "Predictor": "side",
        "QuantisedCodec": "quantised",
        "Quantiser": "quantised",
        "StateSample": "learning.codec",
        "codec_file_name": "files",
        "find_codec": "selection",
        "fisher_information": "learning.sensitivity",
        "known_codec": "selection",
        "learn_codec": "learning.codec",
        "learn_codecs": "learning.codec",
        "load_codec": "files",
        "plain_codec": "selection",
        "round_trip": "base",
        "sample_states": "learning.codec",
        "save_codec": "files",
    },
)
"""Names are imported at first use: the name of a codec takes none of the libraries of readers."""
