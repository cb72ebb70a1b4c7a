"""Sparse parity: the parity of k out of n bits."""

from jaxtyping import Int
from numpy import ndarray

from grokscope.tasks.registry import operation


@operation(
    formula="sum of the first k of n bits mod 2",
    over="bits",
    source="Barak et al. 2022 (arXiv 2207.08799); as grokking: Merrill et al. 2023 (arXiv 2303.11873)",
    builtin=True,
)
def sparse_parity(bits: Int[ndarray, "input bit"], relevant: int) -> Int[ndarray, " input"]:
    """Parity of the first k bits; which k they are makes no difference to the task."""
    return bits[:, :relevant].sum(axis=1) % 2
