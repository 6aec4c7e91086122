"""Codecs: how lower states are written as bytes, and read back on the device that reads on."""

from .adapting import reader_of
from .base import Codec, round_trip
from .files import codec_file_name, load_codec, save_codec, tables_sha256
from .learning import StateSample, learn_codec, learn_codecs, sample_states
from .names import CodecKind, CodecName
from .quantised import QuantisedCodec, Quantiser
from .scalar import Float16Codec, Int8Codec
from .selection import find_codec, kept_codec, known_codec, plain_codec
from .sensitivity import fisher_information
from .side import Predictor
from .upper import RANK, UpperChanges

__all__ = [
    "RANK",
    "Codec",
    "CodecKind",
    "CodecName",
    "Float16Codec",
    "Int8Codec",
    "Predictor",
    "QuantisedCodec",
    "Quantiser",
    "StateSample",
    "UpperChanges",
    "codec_file_name",
    "find_codec",
    "fisher_information",
    "kept_codec",
    "known_codec",
    "learn_codec",
    "learn_codecs",
    "load_codec",
    "plain_codec",
    "reader_of",
    "round_trip",
    "sample_states",
    "save_codec",
    "tables_sha256",
]
