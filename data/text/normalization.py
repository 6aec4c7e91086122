"""The form in which texts and questions are compared word by word."""

import unicodedata
from enum import StrEnum

import regex

from ..errors import PrereadError

_IGNORABLE = regex.compile(r"\p{Default_Ignorable_Code_Point}+")


class TextNormalization(StrEnum):
    """What is done to a text before its words are compared.

    An index notes the normalization of its BM25 index, because questions need the same one.
    """

    NONE = "none"
    """Code points are compared as they are."""
    NFKC = "nfkc"
    """`visible_text` is compared."""

    @classmethod
    def parse(cls, name: str) -> "TextNormalization":
        """The member of a name.

        Args:
            name: A value, as an index notes it.

        Raises:
            PrereadError: If no member has this name.
        """
        try:
            return cls(name)
        except ValueError:
            raise PrereadError(
                f"text normalization: expected {' or '.join(cls)}, found {name!r}. A newer version "
                "of preread made the index: update preread."
            ) from None

    def apply(self, text: str) -> str:
        """The text in this form.

        Args:
            text: Any text. ASCII is returned unchanged.
        """
        return visible_text(text) if self is TextNormalization.NFKC else text


def visible_text(text: str) -> str:
    """One form for all texts that look alike.

    Composed and decomposed accents, ligatures, full-width forms and styled letters become the plain
    characters. Soft hyphens, zero-width spaces and joiners, variation selectors and other
    characters without a shape of their own are removed.

    Args:
        text: Any text. ASCII is returned unchanged.

    Returns:
        The text without ``Default_Ignorable_Code_Point`` characters, in NFKC. The function is
        idempotent, and canonically equivalent texts have the same result.

    Source: Unicode Standard Annex 15 (https://www.unicode.org/reports/tr15) on NFKC, and Annex 44
    (https://www.unicode.org/reports/tr44) on the property; both together, with case folding, are
    the Unicode Standard's ``NFKC_Casefold``, section 3.13. The analyzer folds case.
    """
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", _IGNORABLE.sub("", text))
