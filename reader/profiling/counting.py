"""What a pass costs by count: floating-point operations and parameters."""

from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ..config import DeformerConfig
from ..modeling.weight_names import is_lower
from .passes import Case, make_pass
from .shapes import random_model


class Counter:
    """Counts on a model whose tensors have shapes but no values, so that any size is fast."""

    def __init__(self, config: DeformerConfig) -> None:
        """Make a model of a given shape.

        Args:
            config: Shape of the model.
        """
        self._fake = FakeTensorMode(allow_non_fake_inputs=True)
        with self._fake:
            self._model = random_model(config)

    def flops(self, case: Case) -> int:
        """Floating-point operations of a pass; a multiply-add counts as two.

        Only matrix products are counted, including those of attention. Norms, activations, softmax
        and embedding look-ups are not; they are estimated at less than 1 % of the whole.

        Args:
            case: The pass.

        Source: https://docs.pytorch.org/docs/stable/torch.html, ``torch.utils.flop_counter``.
        """
        read = make_pass(self._model, case)
        # The counter has no formula for the fused attention kernel of CPUs, and would count it as
        # nothing. In the plain kernel it sees the two products.
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            read()
        return int(counter.get_total_flops())

    def parameters(self) -> dict[str, int]:
        """Number of learned values, by part of the model, and in all of it under ``all``."""
        n_lower = self._model.config.num_lower_layers
        counts = {"all": 0, "embedder": 0, "lower_layers": 0, "upper_layers": 0, "head": 0}
        for name, weight in self._model.named_parameters():
            part = name.split(".")[0]
            if part == "layers":
                part = "lower_layers" if is_lower(name, n_lower) else "upper_layers"
            counts[part] += weight.numel()
            counts["all"] += weight.numel()
        return counts
