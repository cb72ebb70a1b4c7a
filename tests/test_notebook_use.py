"""What a researcher types in a notebook: open a run, hook it, analyse it, add a measure of their own."""

from pathlib import Path

import pytest
import torch

import grokscope as gs
from grokscope.errors import RequestError
from grokscope.measures import catalogue, forget


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory):
    """A tiny run, trained by the public function."""
    out = tmp_path_factory.mktemp("notebook") / "run"
    return gs.train(
        "mod_add",
        p=11,
        frac_train=0.5,
        d_model=16,
        n_heads=2,
        d_head=8,
        d_mlp=32,
        steps=30,
        checkpoint_every=10,
        out=out,
    )


def test_open_cache_and_zero_a_head(run):
    """A hook that zeroes head 0 takes exactly that head's contribution out of the attention's output."""
    snap = gs.open_run(run.path).snapshot(step=20)
    logits, cache = snap.model.run_with_cache(snap.tokens)
    torch.testing.assert_close(logits[:, -1], snap.logits, atol=1e-5, rtol=1e-5)

    def zero_head(z, hook):
        z = z.clone()
        z[:, :, 0] = 0.0
        return z

    edited = snap.model.run_with_hooks(snap.tokens, fwd_hooks=[("blocks.0.attn.hook_z", zero_head)])
    attn = snap.model.blocks[0].attn
    head = cache["z", 0][:, :, 0] @ attn.W_O[0]
    mid = cache["resid_mid", 0] - head
    by_hand = mid + torch.relu(
        mid @ snap.model.blocks[0].mlp.W_in + snap.model.blocks[0].mlp.b_in
    ) @ (snap.model.blocks[0].mlp.W_out)
    by_hand = (by_hand + snap.model.blocks[0].mlp.b_out) @ snap.model.unembed.W_U
    torch.testing.assert_close(edited, by_hand, atol=1e-5, rtol=1e-5)


def test_the_loss_of_a_snapshot_is_the_recorded_one(run):
    """The trainer's metrics and the snapshot measure the same thing."""
    recorded = {line["step"]: line for line in run.metrics()}
    for step in run.steps:
        assert run.snapshot(step).loss.test == pytest.approx(recorded[step]["loss_test"], rel=1e-5)


def test_a_measure_of_ones_own_is_everywhere(run, tmp_path: Path):
    """Five lines add a measure to the dataset, the catalogue and the report."""

    @gs.measure(source="my notebook", dims=("freq",))
    def squared_spectrum_of_mine(snap):
        """Power of the embedding at each frequency."""
        from grokscope.harmonics.fourier import spectrum

        return (spectrum(snap.W_E) ** 2).sum(0)

    try:
        ds = gs.analyze(run)
        own = ds["squared_spectrum_of_mine"]
        assert own.dims == ("freq", "step")
        assert (own == ds["embedding_spectrum"] ** 2).all() or abs(
            own - ds["embedding_spectrum"] ** 2
        ).max() < 1e-9
        assert own.attrs["source"] == "my notebook"
        assert "squared_spectrum_of_mine" in [m.name for m in catalogue()]
        page = gs.report(ds, tmp_path / "report.html")
        assert "squared_spectrum_of_mine" in page.read_text()
    finally:
        forget("squared_spectrum_of_mine")


def test_names_that_are_both_function_and_package(run):
    """`gs.transitions(ds)` works before and after `from grokscope.transitions import Transition`."""
    ds = gs.analyze(run)
    before = gs.transitions(ds)
    from grokscope.transitions import Transition

    assert isinstance(gs.transitions(ds)[0], Transition)
    assert gs.transitions(ds).to_json() == before.to_json()
    assert gs.figures.progress(ds).layout.xaxis is not None


def test_ablate_by_name(run):
    """An ablation comes with its null; an unknown component names the nearest."""
    snap = run.snapshot()
    found = gs.ablate(snap, "head 0")
    assert found.null_loss.shape == (1, 4)
    with pytest.raises(RequestError, match="head 1"):
        gs.ablate(snap, "haed 1")


def test_options_that_follow_from_the_task_are_refused():
    """d_vocab is the task's; setting it by hand would be overwritten silently."""
    with pytest.raises(RequestError, match="follows from the task"):
        gs.train("mod_add", d_vocab=7)
    with pytest.raises(RequestError, match="weight_decay"):
        gs.train("mod_add", weight_decya=7)
