"""All default measures of one checkpoint, one after the other."""

from collections.abc import Mapping

import torch
from torch import Tensor

from grokscope.bench.step_by_step.gradients import symmetricity
from grokscope.bench.step_by_step.inputs import Inputs, Numbers
from grokscope.bench.step_by_step.key import key_frequencies
from grokscope.bench.step_by_step.logits import (
    commutativity,
    distance_irrelevance,
    performance,
    trig_shares,
)
from grokscope.bench.step_by_step.neuron_losses import neuron_losses
from grokscope.bench.step_by_step.neurons import clusters, fractions_explained, neuron_shares
from grokscope.bench.step_by_step.projections import excluded, held_out, restricted
from grokscope.bench.step_by_step.sizes import norms, participation_ratio, ranks
from grokscope.bench.step_by_step.spectra import circularity, participation, spectra
from grokscope.models.transformer import HookedTransformer

MIDDLE, NEURONS, LAST = HOOKS = (
    "blocks.0.hook_resid_mid",
    "blocks.0.mlp.hook_post",
    "blocks.0.hook_resid_post",
)


class StepByStep:
    """A script that goes through the checkpoints of a run, and keeps `inputs` from one to the next."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs

    @torch.no_grad()
    def measure(
        self,
        model: HookedTransformer,
        weights: Mapping[str, Tensor],
        initial: Mapping[str, Tensor],
        previous: Mapping[str, Tensor] | None,
    ) -> Numbers:
        """Return {name: numbers} of one checkpoint, by grokscope's names of the same quantities.

        Parameters
        ----------
        weights
            Those of `model`, in the order of the file.
        initial, previous
            Those at step 0 and at the checkpoint before; None where there is none.
        """
        inputs = self.inputs
        whole, cache = model.run_with_cache(inputs.tokens, names_filter=lambda name: name in HOOKS)
        logits, answers = whole[:, -1], whole[:, -1, : inputs.p].double()
        stream, neurons, last = (cache[name][:, -1] for name in HOOKS)
        embedding = weights["embed.W_E"][: inputs.p].double()
        w_u = weights["unembed.W_U"][:, : inputs.p].double()
        w_l = weights["blocks.0.mlp.W_out"].double() @ w_u

        found = performance(inputs, logits)
        shares = trig_shares(inputs, answers)
        found["logit_trig_share"] = shares
        found["logit_trig_share_key"] = [sum(shares[k - 1] for k in inputs.key)]
        found |= commutativity(inputs, answers)
        found |= distance_irrelevance(inputs, answers)

        fractions, dead = fractions_explained(inputs, neurons)
        found |= clusters(inputs, fractions, dead)
        found |= neuron_shares(inputs, neurons)

        hits = (logits.argmax(1) == inputs.labels).double()
        current = key_frequencies(inputs, fractions, dead, embedding, shares, float(hits.mean()))
        found["key_frequency_current"] = [float(k in current) for k in inputs.frequencies]
        found |= restricted(inputs, answers)
        found |= excluded(inputs, answers)
        found |= held_out(inputs, answers, current)
        found |= neuron_losses(inputs, weights, stream, neurons)

        found |= spectra(inputs, embedding, w_l)
        found |= participation(weights, embedding, w_l)
        found |= circularity(embedding)
        found |= norms(weights, initial, previous)
        found |= ranks(weights, w_l)
        found |= participation_ratio(last)
        found |= symmetricity(inputs, model, embedding)
        return found
