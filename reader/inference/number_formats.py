"""Which number formats a device is quick at."""

from collections.abc import Mapping
from typing import Any

import torch


def multiplies_bfloat16(device: str | torch.device) -> bool:
    """Whether the device has instructions for bfloat16 products; emulated, they are slower."""
    if torch.device(device).type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
