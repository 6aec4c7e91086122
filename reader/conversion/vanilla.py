"""Readers from and to ordinary Hugging Face models with a span head."""

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForQuestionAnswering, PreTrainedModel

from ...data import PrereadError
from ..modeling.families import find_family
from ..modeling.question_answering import DeformerForQuestionAnswering
from ..modeling.weight_names import to_hugging_face

_N_LABELS = 2
"""Start and end."""


def split_vanilla(source: str, num_lower_layers: int) -> DeformerForQuestionAnswering:
    """Make a reader of an ordinary model, by its weights alone.

    Args:
        source: Folder or hub name of a question-answering checkpoint of a family of
            ``bases.BASES``.
        num_lower_layers: Where it is split.

    Raises:
        PrereadError: If it cannot be loaded or split, or has no span head.
    """
    try:
        found = AutoConfig.from_pretrained(source)
        find_family(found.model_type)
        if found.num_labels != _N_LABELS:
            raise PrereadError(
                f"expected a head of {_N_LABELS} labels (start and end of an answer), found "
                f"{found.num_labels} labels. Name a question-answering checkpoint."
            )
        vanilla, report = AutoModelForQuestionAnswering.from_pretrained(
            source, dtype=torch.float32, output_loading_info=True
        )
        missing = sorted(report["missing_keys"])
        if missing:
            raise PrereadError(
                f"expected a question-answering checkpoint, found none of its {len(missing)} "
                f"weights {', '.join(missing[:5])}. An encoder alone has to be trained first: "
                "`preread train` takes it as base."
            )
        return DeformerForQuestionAnswering.split(vanilla, num_lower_layers=num_lower_layers)
    except PrereadError as error:
        raise PrereadError(f"{source}: {error}") from None
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        reason = (str(error).strip() or repr(error)).splitlines()[0]
        raise PrereadError(f"{source}: model could not be loaded: {reason}") from error


def vanilla_model(model: DeformerForQuestionAnswering) -> PreTrainedModel:
    """The ordinary model with a reader's weights, which sees question and passage together.

    Args:
        model: A reader of any family.

    Returns:
        A ``…ForQuestionAnswering`` in float32. What a reader has no counterpart of (XLNet's vector
        of masked words, which only pretraining uses) is zero.
    """
    config = model.config
    fields = find_family(config.base).hugging_face_fields(config)
    shape = AutoConfig.for_model(config.base, num_labels=_N_LABELS, **fields)
    vanilla: PreTrainedModel = AutoModelForQuestionAnswering.from_config(  # type: ignore[no-untyped-call]
        shape
    )
    report = vanilla.load_state_dict(to_hugging_face(model.state_dict(), config), strict=False)
    assert not report.unexpected_keys, report.unexpected_keys
    with torch.no_grad():
        for name in report.missing_keys:
            vanilla.get_parameter(name).zero_()
    vanilla.train(False)
    return vanilla
