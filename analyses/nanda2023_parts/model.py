"""A network as the paper takes it apart: neurons, W_L and logits in float64, and their projections.

Symbols as in the paper: h(a, b) the neurons, W_L = W_out W_U the neuron-logit map, u_k and v_k its coefficients of
cos(w_k c) and sin(w_k c) along the answers, w_k = 2 pi k / n.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from grokscope.errors import RequestError
from grokscope.harmonics.fourier import fourier_basis
from grokscope.harmonics.neuron_fractions import neuron_fractions
from grokscope.runs.key import DEFAULT_RULE
from grokscope.runs.run import Run
from grokscope.runs.snapshot import Snapshot


@dataclass(frozen=True, eq=False)
class Model:
    """One network in float64.

    Attributes
    ----------
    snap
        Its snapshot, the weights in float64.
    key
        Its key frequencies, by the run's rule.
    """

    snap: Snapshot
    key: tuple[int, ...]

    @property
    def n(self) -> int:
        """The modulus."""
        return self.snap.task.p

    @cached_property
    def logits(self) -> Float[ndarray, "input n"]:
        """The answers' logits of all pairs (a, b), a first."""
        return self.snap.answer_logits.numpy()

    @cached_property
    def neurons(self) -> Float[ndarray, "input neuron"]:
        """The neurons after the ReLU."""
        return self.snap.neurons.numpy()

    @cached_property
    def sums(self) -> Int[ndarray, " input"]:
        """(a + b) modulo n of every pair."""
        return (self.snap.task.tokens[:, 0] + self.snap.task.tokens[:, 1]) % self.n

    @cached_property
    def w_l(self) -> Float[ndarray, "neuron n"]:
        """The neuron-logit map, less its mean over the answers, which the softmax does not see."""
        return self.snap.W_L - self.snap.W_L.mean(1, keepdims=True)

    def rows_of(self, frequencies: tuple[int, ...], constant: bool = False) -> list[int]:
        """Return the rows of the Fourier basis that belong to these frequencies."""
        names = fourier_basis(self.n)[1]
        return [i for i, (k, _) in enumerate(names) if k in frequencies or (constant and not k)]

    def basis(
        self, frequencies: tuple[int, ...], constant: bool = False
    ) -> Float[ndarray, "component n"]:
        """Return the orthonormal waves of these frequencies along one number."""
        return fourier_basis(self.n)[0][self.rows_of(frequencies, constant)]

    @cached_property
    def directions(self) -> Float[ndarray, "component neuron"]:
        """The coefficients of W_L along the answers at the key frequencies: u_k, v_k, frequency by frequency."""
        return self.basis(self.key) @ self.w_l.T

    @cached_property
    def fractions(self) -> Float[ndarray, "freq neuron"]:
        """How much of each neuron each frequency explains; 0 for a dead neuron."""
        return np.nan_to_num(neuron_fractions(self.neurons.reshape(self.n, self.n, -1)))

    @cached_property
    def best(self) -> Int[ndarray, " neuron"]:
        """The frequency that explains most of each neuron."""
        return self.fractions.argmax(0) + 1

    @cached_property
    def explained(self) -> Bool[ndarray, " neuron"]:
        """Whether more than .85 of a neuron is explained by one frequency."""
        return self.fractions.max(0) > DEFAULT_RULE.explained

    def members(self, k: int) -> Bool[ndarray, " neuron"]:
        """Return which neurons are those of frequency `k`."""
        return self.explained & (self.best == k)

    def loss(self, logits: Float[ndarray, "input n"], rows: str = "all") -> float:
        """Return the mean cross-entropy of other logits over the answers."""
        at = torch.as_tensor(self.snap.rows(rows))
        if not len(at):
            return float("nan")
        some, labels = torch.as_tensor(logits)[at], self.snap.labels[at, None]
        return float((torch.logsumexp(some, 1) - some.gather(1, labels)[:, 0]).mean())

    def with_mean(self, logits: Float[ndarray, "input n"]) -> Float[ndarray, "input n"]:
        """Return logits with each answer's mean over all pairs put back to what it was."""
        return logits - logits.mean(0) + self.logits.mean(0)

    def on_grid(
        self, values: Float[ndarray, "input column"], basis: Float[ndarray, "component n"]
    ) -> Float[ndarray, "input column"]:
        """Return the projection of functions of (a, b) on the products of the rows of `basis` in a and in b."""
        grid = values.reshape(self.n, self.n, -1)
        found = np.einsum("xyz,fx,gy->fgz", grid, basis, basis, optimize=True)
        found = np.einsum("fgz,fx,gy->xyz", found, basis, basis, optimize=True)
        return found.reshape(len(values), -1)


def model_of(run: Run, step: int | None = None) -> Model:
    """Return a run's network at a step, the last checkpoint by default, ready to be taken apart.

    Raises
    ------
    RequestError
        For a network that is not a one-layer transformer that adds, without LayerNorm, a split that is not known, or a
        run without checkpoints.
    """
    config, task = run.config.model, run.task
    if (
        run.config.task.task != "mod_add" or config.n_layers != 1 or config.architecture != "transformer"
        or config.normalization != "none" or config.attn_only or config.n_ctx != 3
    ):  # fmt: skip
        raise RequestError(
            f"'{run.path}' is {run.config.task.task} by {config.n_layers} layer(s), "
            f"architecture {config.architecture}, normalization {config.normalization}",
            "mod_add by a one-layer transformer without LayerNorm that reads a, b, =",
        )
    if not run.steps:
        raise RequestError(f"'{run.path}' has no checkpoint", todo="train it first")
    if run.split is None:
        given = f"of '{run.path}' it is not known which rows trained it"
        raise RequestError(given, "a run with its split")
    step = run.steps[-1] if step is None else step
    weights = {name: tensor.double() for name, tensor in run.weights(step).items()}
    snap = Snapshot(task, run.split, config, weights, step, None, run.context)
    return Model(snap, run.context.key)
