"""A foreign checkpoint becomes a run: what is told, what is proven, what is asked for."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

import grokscope as gs
from grokscope.errors import RequestError
from grokscope.runs.imported import import_foreign
from grokscope.runs.run import Run, open_run
from grokscope.training.loop import train_run

EXTERNAL = Path(os.environ.get("GROKSCOPE_EXTERNAL", Path(__file__).parents[3] / "shared/external"))
needs_external = pytest.mark.skipif(
    not EXTERNAL.is_dir(), reason=f"no models by other authors in {EXTERNAL} (GROKSCOPE_EXTERNAL)"
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small run that answers its training rows, with a few checkpoints."""
    from grokscope.api import configure

    options = dict(p=7, frac_train=0.9, d_model=32, n_heads=2, d_head=16, d_mlp=64, steps=300)
    config = configure("mod_add", checkpoint_every=100, lr=3e-3, seed=2, **options)
    return train_run(config, tmp_path_factory.mktemp("foreign") / "own")


def in_nanda_layout(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return weights as Nanda et al. store them: matrices transposed, heads flat in W_O."""
    found = {}
    for name, w in weights.items():
        last = name.rsplit(".", 1)[-1]
        if last in ("W_Q", "W_K", "W_V"):
            w = w.transpose(1, 2)
        elif last == "W_O":
            w = w.reshape(-1, w.shape[2]).T
        elif last in ("W_E", "W_in", "W_out"):
            w = w.T
        found[name] = w.contiguous().clone()
    found["blocks.0.attn.mask"] = torch.tril(torch.ones(3, 3))
    return found


def in_transformer_lens_layout(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return weights as a HookedTransformer's state dict has them."""
    extra = {
        "blocks.0.attn.mask": torch.tril(torch.ones(3, 3)).bool(),
        "blocks.0.attn.IGNORE": torch.tensor(-1e5),
    }
    return {**weights, **extra}


@pytest.mark.parametrize("layout", ["nanda", "transformerlens"])
def test_the_same_logits_as_before(trained: Run, layout: str, tmp_path: Path):
    """A transposed weight or a lost bias would change the logits."""
    write = in_nanda_layout if layout == "nanda" else in_transformer_lens_layout
    file = tmp_path / "theirs.pt"
    torch.save(write(trained.weights(300)), file)
    run = import_foreign(file, tmp_path / "run", split_seed=2, frac_train=0.9)
    assert run.info["origin"]["layout"] == layout
    assert run.config.task.p == 7
    ours, theirs = trained.snapshot(300), run.snapshot()
    torch.testing.assert_close(theirs.logits, ours.logits, atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(theirs.loss.array(), ours.loss.array(), rtol=1e-5)


def test_the_task_is_proven_by_the_answers_or_asked_for(trained: Run, tmp_path: Path):
    """A file that does not say its task is not taken for addition unless it adds."""
    file = tmp_path / "good.pt"
    torch.save(in_nanda_layout(trained.weights(300)), file)
    run = import_foreign(file, tmp_path / "good")
    assert run.config.task.task == "mod_add"
    assert run.info["origin"]["task"].startswith("identified")
    untrained = tmp_path / "untrained.pt"
    torch.save(in_nanda_layout(trained.weights(0)), untrained)
    with pytest.raises(RequestError, match="give --task"):
        import_foreign(untrained, tmp_path / "bad")
    assert not (tmp_path / "bad").exists()
    assert (
        import_foreign(untrained, tmp_path / "told", task="mod_sub").config.task.task == "mod_sub"
    )


def test_an_unknown_split_stays_unknown(trained: Run, tmp_path: Path):
    """Nothing is said of train and test where nobody says what they are."""
    file = tmp_path / "theirs.pt"
    torch.save(in_nanda_layout(trained.weights(300)), file)
    run = open_run(import_foreign(file, tmp_path / "run").path)
    assert run.split is None
    snap = run.snapshot()
    assert np.isnan(snap.loss.train)
    assert np.isnan(snap.accuracy.test_twin_free)
    assert snap.accuracy.all > 0.9
    ds = gs.analyze(run)
    assert "excluded_loss" not in ds
    assert "n_train" not in ds.attrs
    assert all(event.censored for event in gs.transitions(ds))


def test_recorded_losses_identify_the_split_and_refuse_a_wrong_one(tmp_path: Path):
    """With recorded losses the split is found; a split that contradicts them is refused, and nothing is written."""
    from grokscope.api import configure

    options = dict(p=23, frac_train=0.4, d_model=32, n_heads=2, d_head=16, d_mlp=64, steps=200)
    config = configure(
        "mod_add", checkpoint_every=200, lr=3e-3, seed=2, weight_decay=0.0, **options
    )
    memorised = train_run(config, tmp_path / "own")
    snap = memorised.snapshot(200)
    losses = {"train_losses": [snap.loss.train] * 30, "test_losses": [snap.loss.test] * 3}
    file = tmp_path / "theirs.pt"
    torch.save({"model": in_nanda_layout(memorised.weights(200)), **losses}, file)
    run = import_foreign(file, tmp_path / "found", task="mod_add")
    assert run.split is not None
    assert (run.config.split.split_seed, run.config.split.frac_train) == (2, 0.4)
    assert run.info["origin"]["split"].startswith("identified")
    assert len(run.metrics()) == 30
    with pytest.raises(RequestError, match="recorded"):
        import_foreign(file, tmp_path / "wrong", task="mod_add", split_seed=5, frac_train=0.3)
    assert not (tmp_path / "wrong").exists()


def test_a_series_becomes_one_run(trained: Run, tmp_path: Path):
    """Every file of a folder is one step, in numerical order."""
    folder = tmp_path / "series"
    folder.mkdir()
    for step in trained.steps:
        torch.save(in_nanda_layout(trained.weights(step)), folder / f"epoch_{step}.pt")
    run = import_foreign(folder, tmp_path / "run", split_seed=2, frac_train=0.9)
    assert run.steps == trained.steps
    theirs, ours = gs.analyze(run), gs.analyze(trained)
    np.testing.assert_allclose(theirs["loss"], ours["loss"], rtol=1e-5)
    np.testing.assert_allclose(theirs["weight_norm_ratio"], ours["weight_norm_ratio"], rtol=1e-5)


def test_contradictions_are_one_line(trained: Run, tmp_path: Path):
    """Half a split, a step that the file says itself, a modulus that does not fit, a used directory."""
    file = tmp_path / "theirs.pt"
    torch.save(in_nanda_layout(trained.weights(300)), file)
    for options, words in (
        (dict(split_seed=1), "half of a split"),
        (dict(task="mod_add", p=11), "8 tokens"),
        (dict(task="mod_ad"), "mod_add"),
        (dict(layout="nand"), "nanda"),
    ):
        with pytest.raises(RequestError, match=words) as error:
            import_foreign(file, tmp_path / "run", **options)
        assert "\n" not in str(error.value)
        assert not (tmp_path / "run").exists()
    with pytest.raises(RequestError, match="not empty"):
        import_foreign(file, trained.path)


@needs_external
@pytest.mark.parametrize(
    ("file", "key", "ffd", "fcr"),
    [
        ("nanda/low_precision_mod_addition.pth", [3, 6, 23, 39], 0.0714, 0.8995),
        ("kaushik/baseline.pt", [14, 35, 41, 42, 52], None, None),
    ],
)
def test_models_by_other_authors(
    file: str, key: list[int], ffd: float | None, fcr: float | None, tmp_path: Path
):
    """Key frequencies, Fourier density and ratio are those that were checked for these files."""
    run = import_foreign(EXTERNAL / file, tmp_path / "run")
    ds = gs.analyze(run, measures=["key_frequency_by_rule", "fourier_density", "performance"])
    assert ds["key_frequency"].values.tolist() == key
    if ffd is not None:
        assert float(ds["ffd_embedding"][-1]) == pytest.approx(ffd, abs=5e-5)
        assert float(ds["fcr_embedding"][-1]) == pytest.approx(fcr, abs=5e-5)


@needs_external
def test_the_split_of_a_published_file_is_identified(tmp_path: Path):
    """The file's own losses say seed 1 and 30 %; its loss of 3.0e-4 is that of its training rows."""
    run = import_foreign(EXTERNAL / "nanda/low_precision_mod_addition.pth", tmp_path / "run")
    assert (run.config.split.split_seed, run.config.split.frac_train) == (1, 0.3)
    snap = run.snapshot()
    assert snap.step == 50_000
    assert snap.loss.train == pytest.approx(3.045e-4, rel=1e-3)
    assert snap.loss.test == pytest.approx(3.995e-3, rel=1e-3)
    assert snap.accuracy.all == pytest.approx(0.9995, abs=1e-4)
