"""The multilayer perceptron that learners share: one flat parameter buffer, forward pass and gradient written out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from engine.learners.config import parameter_count


def prepare_thread() -> None:
    """Set torch up for networks of this size on the calling thread; learners and evaluators do it as they are made.

    One kernel thread, because a pool only slows small tensors down. And numbers too small for float32's normal range
    are taken as zero: Adam's moments of a ReLU that is off decay into that range, where arithmetic is far slower.
    The second setting belongs to this thread alone; with the first, threads that begin later begin too.
    """
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


_where_positive = torch.ops.aten.threshold_backward.default
"""(a, b, 0) gives a where b > 0, and 0 elsewhere, in one pass."""


class MLP:
    """Linear layers with ReLU between them, none after the last: `sizes` [4, 256, 256, 2] has two hidden layers.

    All parameters lie in one float32 vector `flat`, in the order W1, b1, W2, b2, ...; `layers` holds views into it. So
    a copy, a blend or an optimiser step is one operation on one tensor. `gradient` has the same layout.

    The gradient. With a[0] = x, z[l] = a[l-1] W[l]^T + b[l], a[l] = max(z[l], 0) and output z[L], let d[l] be the
    derivative of the loss by z[l], one row a sample. The chain rule gives, from the last layer back,

        dLoss/dW[l] = d[l]^T a[l-1]        dLoss/db[l] = sum over rows of d[l]
        d[l-1]      = (d[l] W[l]) where a[l-1] > 0, and 0 elsewhere

    because the derivative of max(z, 0) is 1 where z > 0 and 0 elsewhere (0 at z = 0, as autograd has it).
    """

    def __init__(self, sizes: Sequence[int], generator: torch.Generator | None = None) -> None:
        """Draw initial weights and biases uniformly from +/- 1 / sqrt(inputs), as torch's Linear does by default.

        Args:
            sizes: layer widths, input first, output last; at least two.
            generator: the source of the initial weights; without one they are all zero.
        """
        self.sizes = tuple(sizes)
        self.flat = torch.zeros(parameter_count(sizes))
        self.gradient = torch.zeros_like(self.flat)
        self.layers = self._views(self.flat)
        self._forward_layers = [(bias, weight.t()) for weight, bias in self.layers]
        self._gradient_layers = self._views(self.gradient)
        if generator is not None:
            for weight, bias in self.layers:
                bound = 1 / math.sqrt(weight.shape[1])
                weight.uniform_(-bound, bound, generator=generator)
                bias.uniform_(-bound, bound, generator=generator)

    def _views(self, flat: Tensor) -> list[tuple[Tensor, Tensor]]:
        views, start = [], 0
        for inputs, outputs in pairwise(self.sizes):
            end = start + inputs * outputs
            views.append((flat[start:end].view(outputs, inputs), flat[end : end + outputs]))
            start = end + outputs
        return views

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs [n, out] for inputs [n, in]."""
        return self.activations(inputs)[-1]

    def activations(self, inputs: Tensor) -> list[Tensor]:
        """What `backward` needs: the inputs, each hidden layer after its ReLU, and the outputs."""
        values = [inputs]
        for bias, transposed in self._forward_layers[:-1]:
            values.append(torch.addmm(bias, values[-1], transposed).relu_())
        bias, transposed = self._forward_layers[-1]
        values.append(torch.addmm(bias, values[-1], transposed))
        return values

    def backward(self, activations: Sequence[Tensor], output_gradient: Tensor) -> None:
        """Fill `gradient` with the loss's derivative by every parameter.

        Args:
            activations: what `activations` returned for this batch, or its first rows.
            output_gradient: derivative of the loss by the outputs, [n, out].
        """
        delta = output_gradient
        for layer in range(len(self.layers) - 1, -1, -1):
            below = activations[layer]
            weight_gradient, bias_gradient = self._gradient_layers[layer]
            torch.mm(delta.t(), below, out=weight_gradient)
            torch.sum(delta, 0, out=bias_gradient)
            if layer > 0:
                delta = _where_positive(delta @ self.layers[layer][0], below, 0)

    def clip_gradient(self, max_norm: float) -> float:
        """Scale the gradient down to 2-norm `max_norm` where it is longer; returns the norm it had."""
        norm = float(torch.linalg.vector_norm(self.gradient))
        if norm > max_norm:
            self.gradient.mul_(max_norm / norm)
        return norm

    def named_parameters(self) -> dict[str, Tensor]:
        """Copies under the names of `nn.Sequential(Linear, ReLU, Linear, ...)`: `0.weight`, `0.bias`, `2.weight`."""
        named = {}
        for index, (weight, bias) in enumerate(self.layers):
            named[f"{2 * index}.weight"] = weight.clone()
            named[f"{2 * index}.bias"] = bias.clone()
        return named

    def load_named_parameters(self, named: Mapping[str, Tensor]) -> None:
        """Take parameters named as `named_parameters` names them.

        Raises:
            ValueError: a name, shape or dtype is not this network's, or a value is not finite.
        """
        expected = self.named_parameters()
        if set(named) != set(expected):
            odd = sorted(set(named) ^ set(expected))
            raise ValueError(f"the tensors should be {', '.join(expected)}; the difference is {', '.join(odd)}")
        for name in expected:
            tensor = named[name]
            if tensor.shape != expected[name].shape:
                want, got = list(expected[name].shape), list(tensor.shape)
                raise ValueError(f"tensor {name} should have shape {want}, not {got}")
            if tensor.dtype != torch.float32:
                raise ValueError(f"tensor {name} should be float32, not {str(tensor.dtype).removeprefix('torch.')}")
            if not bool(torch.isfinite(tensor).all()):
                raise ValueError(f"tensor {name} holds values that are not finite")
        for index, (weight, bias) in enumerate(self.layers):
            weight.copy_(named[f"{2 * index}.weight"])
            bias.copy_(named[f"{2 * index}.bias"])


class Adam:
    """torch's fused Adam with its default settings, over the flat parameters of one network.

    The kernel that `torch.optim.Adam(fused=True)` calls, without its bookkeeping a step, which costs as much again.
    """

    def __init__(self, network: MLP, learning_rate: float) -> None:
        self.learning_rate = learning_rate
        self._flat = [network.flat]
        self._gradient = [network.gradient]
        self._first = [torch.zeros_like(network.flat)]
        self._second = [torch.zeros_like(network.flat)]
        self._steps = [torch.zeros(())]

    def step(self) -> None:
        """One update from the network's current gradient."""
        self._steps[0].add_(1)
        torch._fused_adam_(
            self._flat,
            self._gradient,
            self._first,
            self._second,
            [],
            self._steps,
            lr=self.learning_rate,
            beta1=0.9,
            beta2=0.999,
            weight_decay=0.0,
            eps=1e-8,
            amsgrad=False,
            maximize=False,
        )

    def state(self) -> dict[str, Tensor]:
        """First and second moments of the gradient and the number of steps, as copies."""
        moments = {"exp_avg": self._first, "exp_avg_sq": self._second, "step": self._steps}
        return {name: tensor.clone() for name, (tensor,) in moments.items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take back what `state` gave."""
        self._first[0].copy_(state["exp_avg"])
        self._second[0].copy_(state["exp_avg_sq"])
        self._steps[0].copy_(state["step"])
