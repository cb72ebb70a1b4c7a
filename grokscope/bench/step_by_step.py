"""The measures as one writes them from the papers: all logits from `run_with_cache`, one direction after the other.

No line of grokscope's measures or harmonics is used here. The formulas are those of Nanda et al. 2023 (arXiv
2301.05217), sections 4 and 5, of its appendix on neurons, and equation 6 of Zhong et al. 2023 (arXiv 2306.17844).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from grokscope.models.transformer import HookedTransformer

HOOKS = ("blocks.0.hook_resid_mid", "blocks.0.mlp.hook_post")


class StepByStep:
    """What a script keeps from checkpoint to checkpoint: inputs, labels, directions.

    For one layer, tokens `a b =`, and addition modulo an odd p, rows in the order a p + b.

    Parameters
    ----------
    tokens
        All p^2 inputs.
    labels
        Their answers.
    rows
        Name of a set of rows -> the rows; with "train" and "all".
    key
        Key frequencies of the run.
    """

    def __init__(
        self,
        tokens: Int[Tensor, "input pos"],
        labels: Int[Tensor, " input"],
        rows: Mapping[str, Int[Tensor, " row"]],
        key: Sequence[int],
        p: int,
    ) -> None:
        self.tokens, self.labels, self.rows, self.key, self.p = tokens, labels, rows, key, p
        x = torch.arange(p, dtype=torch.float64)
        self.a, self.b = x.repeat_interleave(p), x.repeat(p)
        self.directions = {k: self.waves_of_sum(k) for k in key}
        self.basis = self.fourier_basis()

    def waves_of_sum(self, k: int) -> Float[Tensor, "2 input"]:
        """Return cos w(a + b) and sin w(a + b) over all inputs, of length 1, by the addition theorems."""
        w = 2 * torch.pi * k / self.p
        cos_a, sin_a = torch.cos(w * self.a), torch.sin(w * self.a)
        cos_b, sin_b = torch.cos(w * self.b), torch.sin(w * self.b)
        cos = cos_a * cos_b - sin_a * sin_b
        sin = sin_a * cos_b + cos_a * sin_b
        return torch.stack([cos / cos.norm(), sin / sin.norm()])

    def fourier_basis(self) -> Float[Tensor, "p p"]:
        """Return the rows constant, cos w_1 x, sin w_1 x, cos w_2 x, ..., each of length 1."""
        x = torch.arange(self.p, dtype=torch.float64)
        rows = [torch.ones(self.p, dtype=torch.float64)]
        for k in range(1, self.p // 2 + 1):
            rows.append(torch.cos(2 * torch.pi * k * x / self.p))
            rows.append(torch.sin(2 * torch.pi * k * x / self.p))
        return torch.stack([row / row.norm() for row in rows])

    def losses(self, logits: Float[Tensor, "input class"]) -> Float[Tensor, " input"]:
        """Return the cross-entropy of each row, float64."""
        return torch.nn.functional.cross_entropy(logits.double(), self.labels, reduction="none")

    def over_rows(self, per_input: Tensor) -> list[float]:
        """Return the mean over each set of rows."""
        return [float(per_input[rows].mean()) for rows in self.rows.values()]

    def parts(self, values: Float[Tensor, "input column"], k: int) -> Float[Tensor, "input column"]:
        """Return the projection of each column on cos w_k(a + b) and sin w_k(a + b), one after the other."""
        total = torch.zeros_like(values)
        for direction in self.directions[k]:
            total += torch.outer(direction, direction @ values)
        return total

    @torch.no_grad()
    def measure(self, model: HookedTransformer) -> dict[str, list[float]]:
        """Return {name: numbers} of one checkpoint, by grokscope's names of the same quantities."""
        logits, cache = model.run_with_cache(self.tokens, names_filter=lambda name: name in HOOKS)
        whole, answers = logits[:, -1], logits[:, -1, : self.p].double()
        stream, neurons = (cache[name][:, -1] for name in HOOKS)
        found = {
            "loss": self.over_rows(self.losses(whole)),
            "accuracy": self.over_rows((whole.argmax(1) == self.labels).double()),
        }
        found |= self.of_logits(answers)
        found |= self.at_neurons(model, stream, neurons)
        found |= self.of_neurons(neurons)
        found |= self.of_weights(model)
        return found

    def of_logits(self, logits: Float[Tensor, "input class"]) -> dict[str, list[float]]:
        """Return restricted and excluded losses, trig shares, and distance irrelevance."""
        train = self.rows["train"]
        kept = logits.mean(0) + torch.zeros_like(logits)
        without_all = logits.clone()
        each = []
        for k in self.key:
            part = self.parts(logits, k)
            kept += part
            without_all -= part
            each.append(float(self.losses(logits - part)[train].mean()))
        centred = logits - logits.mean(1, keepdim=True)
        c = torch.arange(self.p, dtype=torch.float64)
        shares = []
        for k in self.key:
            wave = torch.cos(2 * torch.pi * k / self.p * ((self.a + self.b)[:, None] - c))
            along = (centred * wave).sum()
            shares.append(float(along**2 / wave.square().sum() / centred.square().sum()))
        right = logits.gather(1, self.labels[:, None])[:, 0]
        distance = (self.a - self.b) % self.p
        spreads = [right[distance == d].std(correction=0) for d in range(self.p)]
        return {
            "restricted_loss": self.over_rows(self.losses(kept)),
            "excluded_loss": [float(self.losses(without_all)[train].mean())],
            "excluded_loss_each": each,
            "logit_trig_share": shares,
            "distance_irrelevance": [float(torch.stack(spreads).mean() / right.std(correction=0))],
        }

    def at_neurons(
        self,
        model: HookedTransformer,
        stream: Float[Tensor, "input d_model"],
        neurons: Float[Tensor, "input neuron"],
    ) -> dict[str, list[float]]:
        """Return both losses with the projections taken at the neurons, the stream beside them kept."""
        values = neurons.double()
        waves = sum((self.parts(values, k) for k in self.key), start=torch.zeros_like(values))
        weights = model.weights()
        w_out, b_out = weights["blocks.0.mlp.W_out"], weights.get("blocks.0.mlp.b_out", 0.0)

        def losses(new: Tensor) -> Tensor:
            out = stream + new.to(neurons.dtype) @ w_out + b_out
            return self.losses((out @ model.unembed.W_U)[:, : self.p])

        excluded = losses(values - waves)[self.rows["train"]].mean()
        return {
            "restricted_loss_neuron": self.over_rows(losses(values.mean(0) + waves)),
            "excluded_loss_neuron": [float(excluded)],
        }

    def of_neurons(self, neurons: Float[Tensor, "input neuron"]) -> dict[str, list[float]]:
        """Return how much of each neuron its best frequency explains, by the 2-D Fourier transform of each neuron."""
        p = self.p
        basis = self.basis.to(neurons.dtype)
        table = (neurons - neurons.mean(0)).reshape(p, p, -1)
        along_a = torch.einsum("ia,abn->ibn", basis, table)
        squares = torch.einsum("jb,ibn->ijn", basis, along_a).square()
        energy = squares.sum((0, 1))
        shares = []
        for k in range(1, p // 2 + 1):
            block = torch.tensor([0, 2 * k - 1, 2 * k])
            shares.append(squares[block][:, block].sum((0, 1)) / energy)
        return {"neuron_fraction_explained": torch.stack(shares).amax(0).double().tolist()}

    def of_weights(self, model: HookedTransformer) -> dict[str, list[float]]:
        """Return spectra, Gini coefficients and squared norms of the weights."""
        embedding = model.embed.W_E[: self.p].double()
        w_out = model.weights()["blocks.0.mlp.W_out"].double()
        w_l = w_out @ model.unembed.W_U[:, : self.p].double()
        squares = [float(w.double().square().sum()) for w in model.parameters()]
        found = {"weight_norm_squared": [*sorted(squares), sum(squares)]}
        for table, spectrum, gini in (
            (embedding, "embedding_spectrum", "gini_embedding"),
            (w_l.T, "neuron_logit_spectrum", "gini_neuron_logit_map"),
        ):
            norms = (self.basis @ table).norm(dim=1)
            found[spectrum] = torch.hypot(norms[1::2], norms[2::2]).tolist()
            gaps = (norms[:, None] - norms).abs().mean()
            found[gini] = [float(gaps / (2 * norms.mean()))]
        return found


def same_numbers_of_ours(
    values: Mapping[str, np.ndarray], key: Sequence[int]
) -> dict[str, list[float]]:
    """Return what `StepByStep.measure` gives, out of what the measures gave: the key frequencies only, norms sorted."""
    places = np.array(key, dtype=np.int64) - 1
    found: dict[str, list[float]] = {}
    for name in SHARED:
        array = np.asarray(values[name], dtype=np.float64)
        if name in ("excluded_loss_each", "logit_trig_share"):
            array = array[places]
        if name == "weight_norm_squared":
            array = np.append(np.sort(array[:-1]), array[-1])
        found[name] = array.reshape(-1).tolist()
    return found


SHARED = (
    "loss accuracy restricted_loss excluded_loss excluded_loss_each logit_trig_share distance_irrelevance "
    "restricted_loss_neuron excluded_loss_neuron neuron_fraction_explained weight_norm_squared "
    "embedding_spectrum neuron_logit_spectrum gini_embedding gini_neuron_logit_map"
).split()
"""Variables that both sides give."""
