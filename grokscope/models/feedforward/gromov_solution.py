r"""The closed-form solution of modular addition by a quadratic network (Gromov 2023, arXiv 2301.02679, section 3).

Neuron k has frequency w_k = 2 pi k / n and two random phases, uniform on a circle:

    W^(1)_k = A (cos(w_k a + phi_k), cos(w_k b + psi_k))         equation 6
    W^(2)_qk = A cos(w_k q + phi_k + psi_k)                       equations 7 and 12

Of the square's terms only cos(w_k (a + b) + phi_k + psi_k) meets its own phase in the second layer and adds up; the
others cancel on the average, and leave noise that falls with the width. A = (2 D)^(1/3), D = 2n, makes the right logit
1 on the average and the others 0, as the targets of the mean squared error are.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy import ndarray
from torch import Tensor

from grokscope.config import ModelConfig
from grokscope.errors import RequestError


def gromov_weights(
    n: int,
    width: int,
    seed: int = 0,
    left: Int[ndarray, " n"] | None = None,
    right: Int[ndarray, " n"] | None = None,
) -> tuple[ModelConfig, dict[str, Tensor]]:
    """Return (configuration, float64 weights) of a `one_hot_mlp` that answers left[a] + right[b] mod n.

    Frequencies are 0, 1, ..., n-1, 0, ...: where n divides the width, every one as often.

    Parameters
    ----------
    n
        The modulus; any, prime or not.
    width
        Neurons. A logit has noise of standard deviation 2 / sqrt(width) on a signal of 1, so that all answers are right
        from a few hundred neurons on.
    seed
        Of the phases.
    left, right
        What each operand's value counts as; the value itself where None (-b for subtraction).

    Raises
    ------
    RequestError
        For fewer than 3 values or no neurons.

    Examples
    --------
    >>> config, weights = gromov_weights(23, 460)
    >>> sorted(weights)
    ['blocks.0.mlp.W_in', 'unembed.W_U']
    """
    if n < 3 or width < 1:
        raise RequestError(f"n = {n}, width = {width}", "n from 3 on, width from 1 on")
    values = np.arange(n)
    phases = np.random.default_rng(seed).uniform(0, 2 * np.pi, size=(2, width))
    wave = 2 * np.pi * frequencies(n, width) / n
    amplitude = (4 * n) ** (1 / 3)

    def waves(x: Int[ndarray, " n"], phase: Float[ndarray, " neuron"]) -> ndarray:
        return amplitude * np.cos(np.outer(x, wave) + phase)

    sides = [
        waves(values if side is None else np.asarray(side), phase)
        for side, phase in zip((left, right), phases, strict=True)
    ]
    config = ModelConfig(
        architecture="one_hot_mlp",
        initialisation="gromov2023",
        d_mlp=width,
        act_fn="square",
        n_ctx=2,
        d_vocab=n,
        d_vocab_out=n,
    )
    return config, {
        "blocks.0.mlp.W_in": torch.as_tensor(np.concatenate(sides)),
        "unembed.W_U": torch.as_tensor(waves(values, phases.sum(0)).T.copy()),
    }


def frequencies(n: int, width: int) -> Int[ndarray, " neuron"]:
    """Return the frequency of each neuron of `gromov_weights`."""
    return np.arange(width) % n


def expected_error(n: int, width: int) -> float:
    r"""Return the mean squared error of `gromov_weights`, averaged over the phases.

    With d = a + b - q, logit q has mean (1/N) sum_k cos(w_k d) and variance
    (4/N^2) sum_k (1 + cos(2 w_k d)/16): the square times the wave has seven waves of the phases, of powers 1/2, 1/32,
    1/32, (1 + cos(2 w_k d))/16, 1/8, 1/8, 1/8. Where n is odd and divides N that is 4/N (1 + 1/(16 n)). Derived here.
    """
    wave = 2 * np.pi * np.outer(np.arange(n), frequencies(n, width)) / n
    bias = np.cos(wave).mean(1) - (np.arange(n) == 0)
    variance = 4 / width**2 * (1 + np.cos(2 * wave) / 16).sum(1)
    return float((bias**2 + variance).mean())
