"""Codecs: the formats in which lower states are stored, from float16 to learned quantisers."""

from typing import TYPE_CHECKING

from ...data.lazy import lazy_attributes

if TYPE_CHECKING:
    from .base import Codec as Codec
    from .base import round_trip as round_trip
    from .files import codec_file_name as codec_file_name
    from .files import load_codec as load_codec
    from .files import save_codec as save_codec
    from .learning.codec import StateSample as StateSample
    from .learning.codec import learn_codec as learn_codec
    from .learning.codec import learn_codecs as learn_codecs
    from .learning.codec import sample_states as sample_states
    from .learning.sensitivity import fisher_information as fisher_information
    from .names import CodecKind as CodecKind
    from .names import CodecName as CodecName
    from .quantised import QuantisedCodec as QuantisedCodec
    from .quantised import Quantiser as Quantiser
    from .scalar import Float16Codec as Float16Codec
    from .scalar import Int8Codec as Int8Codec
    from .selection import find_codec as find_codec
    from .selection import known_codec as known_codec
    from .selection import plain_codec as plain_codec
    from .side import Predictor as Predictor

__getattr__, __dir__, __all__ = lazy_attributes(
    __name__,
    {
        "base": ("Codec", "round_trip"),
        "files": ("codec_file_name", "load_codec", "save_codec"),
        "learning.codec": ("StateSample", "learn_codec", "learn_codecs", "sample_states"),
        "learning.sensitivity": ("fisher_information",),
        "names": ("CodecKind", "CodecName"),
        "quantised": ("QuantisedCodec", "Quantiser"),
        "scalar": ("Float16Codec", "Int8Codec"),
        "selection": ("find_codec", "known_codec", "plain_codec"),
        "side": ("Predictor",),
    },
)
"""The names of each module, imported when first used: the name of a codec takes none of the
libraries of readers."""
