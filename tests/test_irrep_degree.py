"""The coordinate `irrep_degree` of a dataset."""

import numpy as np
import pytest
import torch

import grokscope as gs
from grokscope.analysis import read_dataset, write_dataset
from grokscope.config import ModelConfig
from grokscope.models.shapes import weight_shapes
from grokscope.tasks import make_task


def dataset(path, task, **options):
    """Return the dataset of a random one-hot model, its shares of weights only."""
    table = make_task(task, layout="a b", **options)
    config = ModelConfig(
        architecture="one_hot_mlp", d_mlp=5, n_ctx=2, d_vocab=table.d_vocab, d_vocab_out=table.n_classes
    )  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    weights = {k: torch.randn(*s, generator=generator) for k, s in weight_shapes(config).items()}
    run = gs.run_from_weights(path / "run", task, config, weights, **options)
    return gs.analyze(run, ["irrep_weight_shares"])


@pytest.mark.parametrize(
    ("task", "options", "degrees"),
    [
        ("mod_add", {"p": 7}, [1, 2, 2, 2]),
        ("mod_add", {"p": 8}, [1, 1, 2, 2, 2]),
        ("group_mul", {"group": "S3"}, [1, 1, 2]),
        ("group_mul", {"group": "S4"}, [1, 1, 2, 3, 3]),
        ("group_mul", {"group": "A4"}, [1, 2, 3]),
    ],
)
def test_degrees(task, options, degrees, tmp_path):
    """Else the report shows other degrees than the literature: over the real numbers, A4 has one of 2, not two of 1."""
    ds = dataset(tmp_path, task, **options)
    assert sorted(ds.irrep_degree.values.tolist()) == degrees
    assert ds.irrep_degree.dims == ("irrep",)
    assert int(ds.irrep_degree.sel(irrep="trivial")) == 1
    for name, degree in zip(ds.irrep.values, ds.irrep_degree.values, strict=True):
        if str(name).startswith("freq_"):
            assert degree == 2
        if str(name) == "sign":
            assert degree == 1
    assert {"long_name", "units", "formula", "source"} <= set(ds.irrep_degree.attrs)
    write_dataset(ds, tmp_path / "analysis.nc")
    again = read_dataset(tmp_path / "analysis.nc")
    assert np.array_equal(again.embedding_share.irrep_degree, ds.irrep_degree)


def test_a_dataset_without_representations_has_none(tmp_path):
    """Else the coordinate stands in datasets that have no such dimension."""
    run = dataset(tmp_path, "mod_add", p=5)
    assert "irrep_degree" in run.coords
    assert "irrep_degree" not in gs.analyze(tmp_path / "run", ["weight_norms"]).coords
