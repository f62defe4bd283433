"""The network: torch's own modules and autograd are the reference."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from engine.learners.config import parameter_count
from engine.learners.network import MLP, Adam

SHAPES = [(4, 2), (4, 16, 2), (4, 256, 256, 2), (3, 7, 5, 9, 4), (1, 1)]
Generators = Callable[[], list[Any]]


def network(sizes: Sequence[int], seed: int = 0) -> MLP:
    return MLP(sizes, torch.Generator().manual_seed(seed))


def batch(rows: int, columns: int, seed: int = 1) -> Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))


def sequential(made: MLP) -> nn.Sequential:
    """The module that anyone would write without the lab, with the same parameters."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(made.sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    module = nn.Sequential(*layers[:-1])
    module.load_state_dict(made.named_parameters(), strict=True)
    return module


@pytest.mark.parametrize(
    ("sizes", "count"),
    [((4, 2), 10), ((4, 256, 2), 1_794), ((4, 256, 256, 2), 67_586), ((4, 256, 256, 256, 2), 133_378)],
)
def test_the_courses_parameter_counts(sizes: tuple[int, ...], count: int) -> None:
    assert parameter_count(sizes) == count
    assert MLP(sizes).flat.numel() == count


@pytest.mark.parametrize("sizes", SHAPES)
def test_outputs_equal_those_of_a_sequential_with_the_same_parameters(sizes: tuple[int, ...]) -> None:
    made, inputs = network(sizes), batch(13, sizes[0])
    torch.testing.assert_close(made.forward(inputs), sequential(made)(inputs).detach())


@pytest.mark.parametrize("sizes", SHAPES)
def test_the_gradient_equals_autograds(sizes: tuple[int, ...]) -> None:
    made, inputs, by_outputs = network(sizes), batch(13, sizes[0]), batch(13, sizes[-1], seed=2)
    made.backward(made.activations(inputs), by_outputs)
    module = sequential(made)
    module(inputs).backward(by_outputs)
    expected = torch.cat([parameter.grad.flatten() for parameter in module.parameters() if parameter.grad is not None])
    torch.testing.assert_close(made.gradient, expected)


def test_the_gradient_of_the_first_rows_needs_only_their_activations() -> None:
    made, inputs, by_outputs = network((4, 8, 2)), batch(10, 4), batch(6, 2)
    made.backward([layer[:6] for layer in made.activations(inputs)], by_outputs)
    from_part = made.gradient.clone()
    made.backward(made.activations(inputs[:6]), by_outputs)
    torch.testing.assert_close(from_part, made.gradient)


def test_a_second_gradient_replaces_the_first() -> None:
    made, inputs, by_outputs = network((4, 8, 2)), batch(5, 4), batch(5, 2)
    made.backward(made.activations(inputs), by_outputs)
    once = made.gradient.clone()
    made.backward(made.activations(inputs), by_outputs)
    assert torch.equal(made.gradient, once)


def test_a_long_gradient_is_scaled_to_the_norm_and_a_short_one_left() -> None:
    made = network((1, 1))
    made.gradient.copy_(torch.tensor([3.0, 4.0]))
    assert made.clip_gradient(10) == 5.0
    assert made.gradient.tolist() == [3.0, 4.0]
    assert made.clip_gradient(1) == 5.0
    torch.testing.assert_close(made.gradient, torch.tensor([0.6, 0.8]))


def test_adam_equals_torchs_adam_on_the_same_gradients() -> None:
    made = network((4, 8, 2))
    reference = made.flat.clone().requires_grad_()
    ours, theirs = Adam(made, 1e-2), torch.optim.Adam([reference], lr=1e-2)
    for step in range(5):
        made.gradient.copy_(batch(1, made.flat.numel(), seed=step)[0])
        reference.grad = made.gradient.clone()
        ours.step()
        theirs.step()
    torch.testing.assert_close(made.flat, reference.detach())


def test_adam_continues_from_its_state_bit_for_bit() -> None:
    def steps(optimiser: Adam, of: MLP, seeds: range) -> None:
        for seed in seeds:
            of.gradient.copy_(batch(1, of.flat.numel(), seed=seed)[0])
            optimiser.step()

    whole = network((4, 8, 2))
    steps(Adam(whole, 1e-2), whole, range(6))
    first, second = network((4, 8, 2)), MLP((4, 8, 2))
    before = Adam(first, 1e-2)
    assert float(before.state()["step"]) == 0
    steps(before, first, range(3))
    second.flat.copy_(first.flat)
    after = Adam(second, 1e-2)
    after.restore(before.state())
    steps(after, second, range(3, 6))
    assert torch.equal(second.flat, whole.flat)


def test_a_new_learning_rate_scales_the_next_step() -> None:
    made = MLP((1, 1))
    adam = Adam(made, 1e-2)
    adam.learning_rate = 0.5
    made.gradient.fill_(1.0)
    adam.step()
    torch.testing.assert_close(made.flat, torch.full((2,), -0.5))


def test_named_parameters_are_copies_with_the_names_of_a_sequential() -> None:
    made = network((4, 8, 2))
    named = made.named_parameters()
    assert list(named) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    before = made.flat.clone()
    for tensor in named.values():
        tensor.zero_()
    assert torch.equal(made.flat, before)


def test_named_parameters_load_into_another_network_bit_for_bit() -> None:
    made, other = network((4, 8, 2)), MLP((4, 8, 2))
    other.load_named_parameters(made.named_parameters())
    assert torch.equal(other.flat, made.flat)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"0.bias": None}, "the tensors should be 0.weight, 0.bias, 2.weight, 2.bias; the difference is 0.bias"),
        ({"4.weight": torch.zeros(2)}, "the difference is 4.weight"),
        ({"0.weight": torch.zeros(4, 8)}, "tensor 0.weight should have shape [8, 4], not [4, 8]"),
        ({"2.bias": torch.zeros(2, dtype=torch.float64)}, "tensor 2.bias should be float32, not float64"),
        ({"2.bias": torch.tensor([0.0, math.nan])}, "tensor 2.bias holds values that are not finite"),
        ({"2.bias": torch.tensor([math.inf, 0.0])}, "tensor 2.bias holds values that are not finite"),
    ],
)
def test_parameters_that_do_not_fit_are_named_and_change_nothing(
    change: dict[str, Tensor | None], sentence: str
) -> None:
    made = network((4, 8, 2))
    before = made.flat.clone()
    named = {name: t for name, t in {**network((4, 8, 2), 5).named_parameters(), **change}.items() if t is not None}
    with pytest.raises(ValueError, match=re.escape(sentence)):
        made.load_named_parameters(named)
    assert torch.equal(made.flat, before)


def test_initial_weights_depend_on_their_generator_alone(global_generators: Generators) -> None:
    torch.manual_seed(1)
    first = network((4, 16, 2), seed=3).flat
    torch.manual_seed(2)
    before = global_generators()
    assert torch.equal(network((4, 16, 2), seed=3).flat, first)
    assert not torch.equal(network((4, 16, 2), seed=4).flat, first)
    assert global_generators() == before


@pytest.mark.parametrize("sizes", [(4, 256, 2), (16, 64, 64, 2)])
def test_initial_weights_fill_the_bounds_of_torchs_linear(sizes: tuple[int, ...]) -> None:
    for weight, bias in network(sizes).layers:
        bound = 1 / math.sqrt(weight.shape[1])
        assert float(weight.abs().max()) <= bound
        assert float(bias.abs().max()) <= bound
        assert float(weight.max()) > 0.9 * bound
        assert float(weight.min()) < -0.9 * bound


def test_without_a_generator_all_weights_are_zero() -> None:
    assert not MLP((4, 8, 2)).flat.any()
