"""What a pass costs by count: floating-point operations and parameters."""

from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ..config import DeformerConfig
from ..modeling.weight_names import is_lower
from .passes import Case, make_pass
from .shapes import random_model


class Counter:
    """Counts on a model whose tensors have shapes but no numbers, so that any size is quick."""

    def __init__(self, config: DeformerConfig) -> None:
        """Make up a model of this shape."""
        self._fake = FakeTensorMode(allow_non_fake_inputs=True)
        with self._fake:
            self._model = random_model(config)

    def flops(self, case: Case) -> int:
        """Floating-point operations of a pass, a multiply-add counting as two.

        Matrix products alone are counted, attention's included; norms, activations, softmax and
        embedding look-ups, by estimate under 1 % of the whole, are not.

        Source: https://docs.pytorch.org/docs/stable/torch.html, ``torch.utils.flop_counter``.
        """
        read = make_pass(self._model, case)
        # The counter has no formula for the fused attention kernel of CPUs and takes it for free;
        # of the plain one it sees the two products.
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            read()
        return int(counter.get_total_flops())

    def parameters(self) -> dict[str, int]:
        """Numbers that were learned, by part; the parts add up to ``all``."""
        n_lower = self._model.config.num_lower_layers
        counts = {"all": 0, "embedder": 0, "lower_layers": 0, "upper_layers": 0, "head": 0}
        for name, weight in self._model.named_parameters():
            part = name.split(".")[0]
            if part == "layers":
                part = "lower_layers" if is_lower(name, n_lower) else "upper_layers"
            counts[part] += weight.numel()
            counts["all"] += weight.numel()
        return counts
