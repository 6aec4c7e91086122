"""NQ-open: JSON Lines with ``question`` and ``answer``, a list.

Source: https://github.com/google-research-datasets/natural-questions/tree/master/nq_open.
"""

from ..io.fields import take_optional_id, take_text, take_texts
from ..io.json_records import JsonObject
from ..io.policy import SourceLocation
from ..records import Question


def parse_question(record: JsonObject, location: SourceLocation) -> Question:
    """Parse a record.

    Args:
        record: The JSON object.
        location: Where it stands; its record number is the identifier of a question without ``id``
            or ``question_id``.

    Raises:
        DataError: If the question is missing, or a field is of another type.
    """
    answers_name = "answers" if "answers" in record else "answer"
    return Question(
        question_id=take_optional_id(record, ("id", "question_id"), location)
        or str(location.number),
        question=take_text(record, "question", location),
        answers=take_texts(record, answers_name, location),
        is_labelled=record.get(answers_name) is not None,
    )
