"""Weighted look-ups: values, gradients and stacks beside sums written out."""

import pytest
import torch

from grokscope.models.lookup import Lookup, weighted_lookup

N_ROWS, TERMS, N_TABLE, WIDTH = 9, 4, 6, 5


def drawn(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return (index, table, weight); row 5 of the table is looked up by nobody."""
    generator = torch.Generator().manual_seed(seed)
    index = torch.randint(0, N_TABLE - 1, (N_ROWS, TERMS), generator=generator)
    table = torch.randn(N_TABLE, WIDTH, generator=generator, dtype=torch.float64)
    weight = torch.randn(N_ROWS, TERMS, generator=generator, dtype=torch.float64)
    return index, table.requires_grad_(), weight.requires_grad_()


@pytest.mark.parametrize("weighted", [True, False])
def test_is_the_sum_written_out(weighted):
    """Else values or a gradient are those of another sum: rows, weights, and rows that nobody looks up."""
    index, table, weight = drawn(0)
    wanted = (table[index] * (weight[:, :, None] if weighted else 1)).sum(1)
    found = weighted_lookup(table, weight if weighted else None, Lookup(index, N_TABLE))
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-14)
    above = torch.randn(N_ROWS, WIDTH, dtype=torch.float64)
    inputs = [table, weight] if weighted else [table]
    for ours, theirs in zip(
        torch.autograd.grad(found, inputs, above),
        torch.autograd.grad(wanted, inputs, above),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-14)
        if ours.shape == table.shape:
            assert (ours[-1] == 0).all()


def test_gradients_by_differences():
    """Else the gradient is right for the sums of the test above alone."""
    index, table, weight = drawn(1)
    lookup = Lookup(index, N_TABLE)
    assert torch.autograd.gradcheck(lambda t, w: weighted_lookup(t, w, lookup), (table, weight))


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("shared_index", [True, False])
def test_members_of_a_stack(weighted, shared_index):
    """Else a member of a stack looks up another member's rows, or gets another's gradient."""
    members = [drawn(seed) for seed in range(3)]
    index = torch.stack([members[0 if shared_index else i][0] for i in range(3)])
    tables = torch.stack([m[1] for m in members]).detach().requires_grad_()
    weights = torch.stack([m[2] for m in members]).detach().requires_grad_()
    lookup = Lookup(index[0] if shared_index else index, N_TABLE)

    def one(table, weight, *tensors):
        return weighted_lookup(table, weight if weighted else None, Lookup.of_tensors(tensors))

    axis = None if shared_index else 0
    found = torch.vmap(one, in_dims=(0, 0, *[axis] * 4))(tables, weights, *lookup.tensors)
    wanted = torch.stack(
        [
            weighted_lookup(table, weight if weighted else None, Lookup(own, N_TABLE))
            for table, weight, own in zip(tables, weights, index, strict=True)
        ]
    )
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-14)
    above = torch.randn_like(found)
    inputs = [tables, weights] if weighted else [tables]
    for ours, theirs in zip(
        torch.autograd.grad(found, inputs, above),
        torch.autograd.grad(wanted, inputs, above),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-14)


def test_repeatable_to_the_bit():
    """Else two equal runs part: what a row of the table gets must be added in a fixed order, with two threads too."""
    generator = torch.Generator().manual_seed(3)
    index = torch.randint(0, 40, (5_000, 12), generator=generator)
    table = torch.randn(40, 64, generator=generator).requires_grad_()
    weight = torch.rand(5_000, 12, generator=generator).requires_grad_()
    above = torch.randn(5_000, 64, generator=generator)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        lookup = Lookup(index, 40)
        found = [
            torch.autograd.grad(weighted_lookup(table, weight, lookup), [table, weight], above)
            for _ in range(4)
        ]
    finally:
        torch.set_num_threads(before)
    for again in found[1:]:
        assert torch.equal(again[0], found[0][0])
        assert torch.equal(again[1], found[0][1])
