"""Readers from and to full models of Hugging Face with a span head."""

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForQuestionAnswering, PreTrainedModel

from ...data import PrereadError
from ...data.io.system_errors import words_of
from ..hub import SAFETENSORS, WITHOUT_CODE
from ..modeling.families import find_family
from ..modeling.question_answering import DeformerForQuestionAnswering
from ..modeling.weight_names import to_hugging_face

_N_LABELS = 2
"""Labels of a span head: start and end."""


def split_vanilla(source: str, num_lower_layers: int) -> DeformerForQuestionAnswering:
    """Make a reader from a full model, without training.

    Args:
        source: Folder or hub name of a question-answering checkpoint of a family in
            ``families.FAMILIES``.
        num_lower_layers: Number of lower layers.

    Raises:
        PrereadError: If the checkpoint cannot be loaded or split, or has no span head.
    """
    try:
        found = AutoConfig.from_pretrained(source, **WITHOUT_CODE)
        find_family(found.model_type)
        if found.num_labels != _N_LABELS:
            raise PrereadError(
                f"expected a head of {_N_LABELS} labels (start and end of an answer), found "
                f"{found.num_labels} labels. Name a question-answering checkpoint."
            )
        vanilla, report = AutoModelForQuestionAnswering.from_pretrained(
            source, dtype=torch.float32, output_loading_info=True, **SAFETENSORS
        )
        missing = sorted(report["missing_keys"])
        if missing:
            raise PrereadError(
                f"expected a question-answering checkpoint; {len(missing)} of its weights are "
                f"missing: {', '.join(missing[:5])}. An encoder without a head must be trained "
                "first: name it as base of `preread train`."
            )
        return DeformerForQuestionAnswering.split(vanilla, num_lower_layers=num_lower_layers)
    except PrereadError as error:
        raise PrereadError(f"{source}: {error}") from None
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise PrereadError(f"{source}: model could not be loaded: {words_of(error)}") from error


def vanilla_model(model: DeformerForQuestionAnswering) -> PreTrainedModel:
    """Make a full model with the weights of a reader.

    Args:
        model: Model of a reader, of any family.

    Returns:
        Hugging Face's ``…ForQuestionAnswering``, in float32. Weights without a counterpart in the
        reader are zero: XLNet's vector of masked words, which only pretraining uses.
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
