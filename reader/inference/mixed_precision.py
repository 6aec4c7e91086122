"""Number formats of matrix products: which are fast on a device, and which training uses."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import torch


class MixedPrecision(StrEnum):
    """Number format of activations in training. Weights and their updates are always float32."""

    AUTO = "auto"
    """bfloat16 if the device has instructions for it, otherwise float32."""
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


def multiplies_bfloat16(device: str | torch.device) -> bool:
    """Whether a device has instructions for bfloat16 products; emulated ones are slower."""
    if torch.device(device).type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def uses_bfloat16(precision: MixedPrecision, device: torch.device) -> bool:
    """Whether training runs in bfloat16.

    Args:
        precision: The requested number format.
        device: Device of the training.
    """
    if precision is MixedPrecision.AUTO:
        return multiplies_bfloat16(device)
    return precision is MixedPrecision.BFLOAT16
