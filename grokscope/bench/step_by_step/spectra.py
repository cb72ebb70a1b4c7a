"""Fourier transforms of the weights: spectra, Gini coefficients, densities, participation, circles."""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float
from numpy import ndarray
from torch import Tensor

from grokscope.bench.step_by_step.inputs import Inputs, Numbers

DENSE = 0.5
COMPONENTS = 4
NO_SPREAD = 1e-6


def spectra(
    inputs: Inputs, embedding: Float[Tensor, "p d_model"], w_l: Float[Tensor, "neuron p"]
) -> Numbers:
    """Return what the products of embedding and neuron-logit map with the Fourier basis give.

    Sources: Nanda et al. 2023 (arXiv 2301.05217), sections 4 and 5; Furuta et al. 2024 (arXiv 2402.16726) for `ffd` and
    `fcr`; Chughtai et al. 2023 (arXiv 2302.03025) for the shares.
    """
    found: Numbers = {}
    of_embedding = (inputs.basis @ embedding).norm(dim=1)
    of_map = (inputs.basis @ w_l.T).norm(dim=1)
    cos, sin = of_embedding[1::2], of_embedding[2::2]
    found["embedding_spectrum"] = torch.hypot(cos, sin).tolist()
    found["embedding_spectrum_phase"] = [*cos.tolist(), *sin.tolist()]
    found["neuron_logit_spectrum"] = torch.hypot(of_map[1::2], of_map[2::2]).tolist()
    found["gini_embedding"] = [gini(of_embedding)]
    found["gini_neuron_logit_map"] = [gini(of_map)]
    in_use = [(part > DENSE * part.max()).double().mean() for part in (cos, sin)]
    found["ffd_embedding"] = [float(sum(in_use) / 2)]
    found["fcr_embedding"] = [float(torch.minimum(cos / sin, sin / cos).mean())]
    for name, norms in (("embedding", of_embedding), ("unembedding", of_map)):
        shares = shares_by_representation(norms)
        found[f"{name}_share"] = shares
        found[f"{name}_share_key"] = [sum(shares[k] for k in inputs.key)]
    # Both operands read one embedding.
    found["embedding_share_second"] = found["embedding_share"]
    return found


def gini(norms: Float[Tensor, " n"]) -> float:
    """Return sum_i (2i - n - 1) x_(i) / (n sum x), x in ascending order."""
    n, x = len(norms), norms.sort().values
    i = torch.arange(1, n + 1)
    return float(((2 * i - n - 1) * x).sum() / (n * x.sum()))


def shares_by_representation(norms: Float[Tensor, " n"]) -> list[float]:
    """Return the shares of the power of the constant and of each frequency."""
    power = norms.square()
    each = torch.cat([power[:1], power[1::2] + power[2::2]])
    return (each / power.sum()).tolist()


def participation(
    weights: Mapping[str, Tensor],
    embedding: Float[Tensor, "p d_model"],
    w_l: Float[Tensor, "neuron p"],
) -> Numbers:
    """Return the mean over neurons of (|u|_4 / |u|_2)^4, u = rfft of its weights, on both sides.

    Source: Doshi et al. 2023.
    """
    w_v, w_o = (weights[f"blocks.0.attn.{name}"].double() for name in ("W_V", "W_O"))
    w_in = weights["blocks.0.mlp.W_in"].double()
    through_heads = sum((v @ o for v, o in zip(w_v, w_o, strict=True)), torch.zeros(()))
    return {
        f"inverse_participation_ratio_{side}": [mean_participation(table.numpy())]
        for side, table in (("in", embedding @ through_heads @ w_in), ("out", w_l.T))
    }


def mean_participation(table: Float[ndarray, "p neuron"]) -> float:
    """Return the mean over columns that are not 0."""
    u = np.abs(np.fft.rfft(table, axis=0))
    u = u[:, (u > 0).any(0)]
    return float(((u**4).sum(0) / (u**2).sum(0) ** 2).mean())


def circularity(embedding: Float[Tensor, "p d_model"]) -> Numbers:
    """Return the mean over the first four principal components of the largest single-frequency share of their power.

    Source: Zhong et al. 2023 (arXiv 2306.17844).
    """
    u, sigma, _ = torch.linalg.svd(embedding - embedding.mean(0), full_matrices=False)
    shares = []
    for component in u.T[:COMPONENTS][sigma[:COMPONENTS] > NO_SPREAD * sigma[0]]:
        power = torch.fft.rfft(component)[1:].abs().square()
        shares.append(float(power.max() / power.sum()))
    return {"circularity": [float(np.mean(shares))]}
