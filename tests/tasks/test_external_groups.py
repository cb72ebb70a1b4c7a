"""Group models that others trained and published answer by our tables: convention and order of elements are theirs."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from grokscope.tasks import make_task

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "external"
FOLDER = Path(os.environ.get("GROKSCOPE_EXTERNAL", BESIDE)) / "rep_theory"

pytestmark = pytest.mark.external


def weights(name: str) -> dict[str, torch.Tensor]:
    path = FOLDER / name / "model.pt"
    if not path.exists():
        pytest.skip(
            f"{path} is not there (set GROKSCOPE_EXTERNAL to the folder of published models)"
        )
    return torch.load(path, weights_only=True, map_location="cpu")


def test_symmetric_group():
    """Else S5 checkpoints by Chughtai et al. 2023 are read with other elements, or with y before x."""
    w = weights("S5_MLP_seed1")
    task = make_task("group_mul", group="S5")
    a, b = torch.as_tensor(task.inputs).T
    logits = torch.relu(torch.cat([w["W_x"][a], w["W_y"][b]], dim=1) @ w["W"]) @ w["W_U"]
    assert np.array_equal(logits.argmax(1).numpy(), task.answers)


def test_dihedral_group():
    """Else D59 checkpoints by Chughtai et al. 2023 are read with other elements, or with y before x."""
    w = weights("D59_T_seed1")
    task = make_task("group_mul", group="D59")
    attn, mlp = "blocks.0.attn.", "blocks.0.mlp."
    x = w["embed.W_E"][torch.as_tensor(task.tokens)] + w["pos_embed.W_pos"]

    def heads(name: str, of: torch.Tensor) -> torch.Tensor:
        return torch.einsum("...d,hde->...he", of, w[attn + f"W_{name}"]) + w[attn + f"b_{name}"]

    scores = torch.einsum("nhe,nphe->nhp", heads("Q", x[:, 2]), heads("K", x)) / 32**0.5
    z = torch.einsum("nhp,nphe->nhe", scores.softmax(-1), heads("V", x))
    mid = x[:, 2] + torch.einsum("nhe,hed->nd", z, w[attn + "W_O"]) + w[attn + "b_O"]
    hidden = torch.relu(mid @ w[mlp + "W_in"] + w[mlp + "b_in"])
    out = mid + hidden @ w[mlp + "W_out"] + w[mlp + "b_out"]
    logits = out @ w["unembed.W_U"] + w["unembed.b_U"]
    assert np.array_equal(logits.argmax(1).numpy(), task.answers)
