"""Which number format the matrix products of training use."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import torch


class Precision(StrEnum):
    """Number format of activations; weights and their updates stay in float32."""

    AUTO = "auto"
    """bfloat16 where the device has instructions for it, else float32."""
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


def uses_bfloat16(precision: Precision, device: torch.device) -> bool:
    """Whether training on a device runs in bfloat16."""
    if precision is Precision.AUTO:
        return _multiplies_bfloat16(device)
    return precision is Precision.BFLOAT16


def _multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for bfloat16 products; emulated, they are slower."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
