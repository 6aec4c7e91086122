"""Word pieces of a student as those of a teacher with another tokenizer."""

from collections.abc import Sequence

import torch
from transformers import PreTrainedTokenizerFast

from ...data import PrereadError


class PieceMap:
    """Translates the student's token ids into the teacher's."""

    def __init__(
        self,
        student: PreTrainedTokenizerFast,
        teacher: PreTrainedTokenizerFast,
        *,
        begins_with_separator: bool,
    ) -> None:
        """Look every piece of the student up in the teacher's vocabulary.

        Args:
            student: Tokenizer of the student.
            teacher: Tokenizer of the teacher.
            begins_with_separator: Whether the teacher's windows begin with a separator.

        Raises:
            PrereadError: If the teacher's vocabulary lacks a word piece.
        """
        theirs = teacher.get_vocab()
        special = {
            student.cls_token: teacher.cls_token,
            student.sep_token: teacher.sep_token,
            student.unk_token: teacher.unk_token,
            student.pad_token: teacher.pad_token,
            student.mask_token: teacher.mask_token,
        }
        vocabulary = student.get_vocab()
        missing = [p for p in vocabulary if p not in special and p not in theirs]
        if missing:
            raise PrereadError(
                f"labels: expected a teacher whose vocabulary has every word piece of the "
                f"student's, but {len(missing)} are missing, {missing[0]!r} among them. Name a "
                "teacher of the same word pieces, as MPNet's are BERT's."
            )
        self._ids = torch.zeros(max(vocabulary.values()) + 1, dtype=torch.int64)
        for piece, number in vocabulary.items():
            self._ids[number] = theirs[special.get(piece) or piece]
        self._sep = int(student.sep_token_id)
        self._teacher_sep = int(teacher.sep_token_id)
        self._begins_with_separator = begins_with_separator

    def question(self, token_ids: Sequence[int]) -> list[int]:
        """The teacher's token ids of a question.

        Args:
            token_ids: The student's.
        """
        found: list[int] = self._ids[list(token_ids)].tolist()
        return found

    def window(self, token_ids: Sequence[int]) -> tuple[list[int], int]:
        """The teacher's token ids of a window, and the number of rows that it has in front.

        Args:
            token_ids: The student's.
        """
        more = self._begins_with_separator and token_ids[0] != self._sep
        prefix = [self._teacher_sep] if more else []
        return [*prefix, *self._ids[list(token_ids)].tolist()], len(prefix)
