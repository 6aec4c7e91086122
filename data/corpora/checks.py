"""What every passage must keep, whatever file it came from."""

import hashlib
from dataclasses import dataclass, field

from ..io.fields import check_unicode
from ..io.policy import SourceLocation
from ..records import Passage


@dataclass(frozen=True, slots=True)
class PassageCheck:
    """Checks passages one by one, and remembers their identifiers.

    Only an 8-byte hash of each is kept: 21 million identifiers then have one false alarm in about
    80,000 corpora.
    """

    _seen: set[int] = field(default_factory=set, init=False, repr=False)

    def __call__(self, passage: Passage, location: SourceLocation) -> Passage:
        """The passage, when it is sound.

        Raises:
            DataError: If its identifier or text is empty, or the identifier was there before.
        """
        if not passage.passage_id.strip():
            raise location.error("expected an identifier, found it empty. Fill it.")
        if not passage.text.strip():
            raise location.error(
                f"expected text in passage {passage.passage_id!r}, found it empty. "
                "Fill it or drop the passage."
            )
        identifier = check_unicode(passage.passage_id, "id", location).encode("utf-8")
        key = int.from_bytes(hashlib.blake2b(identifier, digest_size=8).digest())
        if key in self._seen:
            raise location.error(
                f"expected each identifier once, found {passage.passage_id!r} a second time. "
                "Rename or drop one of the two."
            )
        self._seen.add(key)
        return passage
