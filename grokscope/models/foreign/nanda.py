"""Layout `nanda`: the code of Nanda et al. 2023, where matrices stand output axis first.

The forward that its authors run, for token ids x (their transformers.py; b batch, p position, i
head, h in the head):

    resid = W_E[:, x] + W_pos;   q = W_Q[i h d] resid, k, v likewise;   pattern = softmax(q k /
    sqrt(d_head)), causal z flattened as (i h), head first;   resid += W_O[d, (i h)] z;   resid +=
    W_out relu(W_in resid + b_in) + b_out logits = resid W_U[d, c]

So W_O[d, i * d_head + h] is our W_O[i, h, d]. Some reruns keep LayerNorm parameters (`ln1.w_ln`).
That LayerNorm divides by the unbiased standard deviation, ours by the biased one: w is scaled by
sqrt((d_model - 1) / d_model), which makes the two equal but for their epsilons (1e-4 beside the
root there, 1e-5 under it here).
"""

import math

from torch import Tensor

from grokscope.models.foreign.layout import Layout, Part, Sizes


def _transposed(tensor: Tensor, sizes: Sizes) -> Tensor:
    return tensor.transpose(-1, -2)


def _heads_apart(tensor: Tensor, sizes: Sizes) -> Tensor:
    return tensor.T.reshape(sizes["head"], sizes["d_head"], sizes["d_model"])


def _biased(tensor: Tensor, sizes: Sizes) -> Tensor:
    return tensor * math.sqrt((sizes["d_model"] - 1) / sizes["d_model"])


_NORMS = {"blocks.i.ln1": "blocks.i.ln1", "blocks.i.ln2": "blocks.i.ln2", "ln": "ln_final"}

NANDA = Layout(
    name="nanda",
    implied={"normalization": "none"},
    parts={
        "embed.W_E": Part("embed.W_E", "d_model d_vocab", _transposed),
        "pos_embed.W_pos": Part("pos_embed.W_pos", "n_ctx d_model"),
        **{
            f"blocks.i.attn.W_{part}": Part(
                f"blocks.i.attn.W_{part}", "head d_head d_model", _transposed
            )
            for part in "QKV"
        },
        "blocks.i.attn.W_O": Part("blocks.i.attn.W_O", "d_model head*d_head", _heads_apart),
        "blocks.i.mlp.W_in": Part("blocks.i.mlp.W_in", "d_mlp d_model", _transposed),
        "blocks.i.mlp.b_in": Part("blocks.i.mlp.b_in", "d_mlp"),
        "blocks.i.mlp.W_out": Part("blocks.i.mlp.W_out", "d_model d_mlp", _transposed),
        "blocks.i.mlp.b_out": Part("blocks.i.mlp.b_out", "d_model"),
        **{
            f"{theirs}.w_ln": Part(f"{ours}.w", "d_model", _biased)
            for theirs, ours in _NORMS.items()
        },
        **{f"{theirs}.b_ln": Part(f"{ours}.b", "d_model") for theirs, ours in _NORMS.items()},
        "unembed.W_U": Part("unembed.W_U", "d_model d_vocab_out"),
    },
    dropped=("blocks.i.attn.mask",),
)


def idle_norms(state: dict[str, Tensor]) -> set[str]:
    """Return the LayerNorm keys of a state dict if all of them stand exactly at 1 and 0.

    Their LayerNorm has a switch (`use_ln`) that leaves the parameters in the file but out of the
    forward; weight decay would move any that were used.
    """
    norms = {key: value for key, value in state.items() if key.endswith((".w_ln", ".b_ln"))}
    idle = all(bool((value == float(key.endswith(".w_ln"))).all()) for key, value in norms.items())
    return set(norms) if idle else set()
