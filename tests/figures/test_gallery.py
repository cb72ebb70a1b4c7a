"""Each figure shows the Dataset's own numbers, under axes that say what they are."""

import numpy as np
import pytest

from grokscope import figures
from grokscope.errors import RequestError


def trace(fig, name, number=0):
    return [t for t in fig.data if t.name == name][number]


def titles(axes):
    return [axis.title.text for axis in axes if axis.title.text]


def test_progress_draws_the_denser_metrics_and_chance(ds, events):
    fig = figures.progress(ds, events)
    assert np.array_equal(trace(fig, "train").x, ds["metric_step"])
    assert np.array_equal(trace(fig, "test, twin-free").y,
                          ds["metric_loss"].sel(rows="test_twin_free"))  # fmt: skip
    assert np.array_equal(trace(fig, "test", 1).y, ds["metric_accuracy"].sel(rows="test"))
    assert set(trace(fig, "chance").y) == {ds.attrs["chance_loss"]}
    assert titles(fig.select_yaxes()) == ["loss (nats)", "accuracy (share)"]
    assert fig.layout.yaxis.type == "log"
    assert titles(fig.select_xaxes()) == ["training step"]


def test_progress_falls_back_to_checkpoints(ds):
    fig = figures.progress(ds.drop_vars(["metric_loss", "metric_accuracy"]))
    assert np.array_equal(trace(fig, "train").x, ds["step"])


def test_steps_can_be_logarithmic(ds, events):
    fig = figures.progress(ds, events, log_steps=True)
    assert fig.layout.xaxis.type == "log"
    assert fig.layout.xaxis.range == pytest.approx((0, np.log10(14000)))
    assert "log" in titles(fig.select_xaxes())[0]


def test_restricted_and_excluded_stand_beside_their_nulls(ds, events):
    fig = figures.restricted_excluded(ds, events)
    assert np.array_equal(trace(fig, "restricted, held out").y, ds["restricted_loss_held_out"])
    published = ds["restricted_loss"].sel(rows="all")
    assert np.array_equal(trace(fig, "restricted, published").y, published)
    assert np.array_equal(trace(fig, "excluded, train").y, ds["excluded_loss"])
    band = np.asarray(trace(fig, "random frequencies").y)
    null = ds["restricted_loss_null"]
    assert np.array_equal(band[: ds.sizes["step"]], null.max("draw"))
    assert np.array_equal(band[ds.sizes["step"] :][::-1], null.min("draw"))
    assert np.allclose(trace(fig, "chance, ln(classes)").y, np.log(31))


def test_norms_sum_each_group_and_show_all(ds):
    fig = figures.norms(ds)
    squares = ds["weight_norm_squared"]
    attention = squares.sel(param=["blocks.0.attn.W_Q", "blocks.0.attn.W_O"]).sum("param")
    assert np.allclose(trace(fig, "attention").y, attention)
    assert np.allclose(trace(fig, "unembedding").y, squares.sel(param="unembed.W_U"))
    assert np.allclose(trace(fig, "embedding").y, squares.sel(param="embed.W_E"))
    assert np.allclose(trace(fig, "positions").y, squares.sel(param="pos_embed.W_pos"))
    assert np.allclose(trace(fig, "all weights").y, squares.sel(param="all"))


def test_spectrum_heat_map_is_frequency_by_step(ds, events):
    fig = figures.embedding_spectrum(ds, events)
    assert np.allclose(fig.data[0].z, ds["embedding_spectrum"].transpose("freq", "step"))
    assert list(fig.data[1].y) == [3, 7, 11]
    assert not [s for s in fig.layout.shapes if (s.name or "").startswith("phase")]


def test_final_spectrum_shows_a_step_and_slides_to_others(ds):
    fig = figures.final_spectrum(ds)
    assert np.allclose(trace(fig, "cos").y, ds["embedding_spectrum_phase"].sel(phase="cos")[:, -1])
    keys = np.asarray(trace(fig, "key frequencies 3, 7, 11").y)
    assert np.flatnonzero(np.isfinite(keys)).tolist() == [2, 6, 10]
    slider = fig.layout.sliders[0]
    first = slider.steps[0].args[0]["y"][0]
    expected = ds["embedding_spectrum_phase"].sel(phase="cos")[:, 0]
    assert np.allclose(first, expected, rtol=1e-3)
    assert slider.active == len(slider.steps) - 1
    early = figures.final_spectrum(ds, step=0)
    assert np.allclose(trace(early, "cos").y, expected)
    assert early.layout.sliders[0].active == 0


def test_final_spectrum_without_phases_highlights_keys(ds):
    fig = figures.final_spectrum(ds.drop_vars("embedding_spectrum_phase"))
    total = ds["embedding_spectrum"][:, -1].values
    assert np.allclose(np.asarray(trace(fig, "key frequencies 3, 7, 11").y)[[2, 6, 10]],
                       total[[2, 6, 10]])  # fmt: skip


def test_logit_shares_per_key_and_sum(ds):
    fig = figures.logit_shares(ds)
    assert np.array_equal(trace(fig, "k = 7").y, ds["logit_trig_share"].sel(freq=7))
    assert np.array_equal(trace(fig, "sum over keys").y, ds["logit_trig_share_key"])
    assert np.allclose(trace(fig, "largest other").y, 0.004)


def test_attention_has_a_panel_per_head_with_b_up_and_a_across(ds):
    fig = figures.attention(ds)
    visible = [t for t in fig.data if t.visible]
    assert [t.name for t in visible] == [f"head {h} to a" for h in range(4)]
    pattern = ds["attention_pattern"].isel(head=0, pos=0)
    cell = pattern.where((ds["a"] == 4) & (ds["b"] == 9), drop=True).item()
    assert visible[0].z[9][4] == pytest.approx(cell, rel=1e-6)
    assert [s.label for s in fig.layout.sliders[0].steps] == ["a", "b", "="]
    shown = fig.layout.sliders[0].steps[2].args[0]["visible"]
    assert [t.name for t, v in zip(fig.data, shown, strict=True) if v][0] == "head 0 to ="
    with pytest.raises(RequestError, match="position 3"):
        figures.attention(ds, pos=3)


def test_neuron_panels_leave_pairs_that_the_task_lacks_empty(ds):
    division = ds.isel(input=ds["b"].values != 0)
    fig = figures.neuron_activations(division, neurons=[2])
    assert np.asarray(fig.data[0].z).shape == (30, 31)
    assert fig.layout.annotations[0].text.startswith("neuron 2<br>k = ")
    assert "dead" in figures.neuron_activations(ds).layout.annotations[0].text
    with pytest.raises(RequestError, match="99"):
        figures.neuron_activations(ds, neurons=[99])


def test_the_operation_table_marks_held_out_cells(ds):
    fig = figures.operation_table(ds)
    shown, held = (np.asarray(trace(fig, name).z) for name in ("train", "held out"))
    trained = ds["train"].values.reshape(31, 31).T == 1  # b up, a across
    assert np.array_equal(np.isfinite(shown), trained)
    assert np.array_equal(np.isfinite(held), ~trained)
    assert np.where(trained, shown, held)[9][4] == 13
    assert fig.data[0].texttemplate is None
    unknown = figures.operation_table(ds.drop_vars("train"))
    assert [t.name for t in unknown.data] == ["answer"]
    small = ds.isel(input=(ds["a"].values < 5) & (ds["b"].values < 5))
    written = figures.operation_table(small)
    words = [trace(written, name).text[1][2] for name in ("train", "held out")]
    assert words == (["3", ""] if trained[1][2] else ["", "3*"])


def test_positions_are_named_as_the_run_says(ds):
    named = ds.assign_attrs(layout="b a ?")
    assert [s.label for s in figures.attention(named).layout.sliders[0].steps] == ["b", "a", "?"]
    other = ds.assign_attrs(layout="a op b =")
    assert figures.attention(other).layout.sliders[0].steps[2].label == "position 2"


def test_clusters_count_neurons(ds):
    fig = figures.neuron_clusters(ds)
    counts = ds["neurons_per_frequency"][:, -1].values
    drawn = np.nan_to_num(trace(fig, "key frequencies: 3, 7, 11").y)
    assert np.array_equal(drawn[[2, 6, 10]], counts[[2, 6, 10]])
    assert sum(trace(fig, "all neurons").y) == ds.sizes["neuron"] - 1  # the dead one has no share
    assert titles(fig.select_yaxes()) == ["neurons (count)", "neurons (count)"]


def test_ablations_stand_beside_their_null(ds):
    fig = figures.ablations(ds)
    expected = ds["ablation_loss"].sel(mode="zero", rows="test_twin_free")
    assert np.allclose(trace(fig, "zero").x, expected)
    bars = trace(fig, "zero, random others").x
    null = ds["ablation_null_loss"].sel(mode="zero", rows="test_twin_free").isel(component=0)
    assert bars[:2] == pytest.approx((null.min().item(), null.max().item()))
    assert fig.layout.xaxis.type == "log"
    assert len(trace(fig, "resample").x) == ds.sizes["component"] - 1  # one mode makes no sense
    assert list(fig.layout.yaxis.ticktext) == ds["component"].values.tolist()
    assert fig.layout.xaxis.title.text == "loss, test, twin-free (nats)"
    with pytest.raises(RequestError, match="did you mean 'train'"):
        figures.ablations(ds, rows="trains")


def test_timeline_shows_intervals_and_censoring(ds, events):
    fig = figures.timeline(ds, events)
    assert 160 in trace(fig, "first seen").x
    assert list(trace(fig, "not seen by here").x) == [14000]
    assert trace(fig, "not seen by here").marker.symbol == "triangle-right-open"
    assert list(trace(fig, "current keys").x) == [7359]
    assert "diverged (never looked at)" in fig.layout.yaxis.ticktext
    bars = list(trace(fig, "interval").x)
    assert bars[bars.index(8615) : bars.index(8615) + 2] == [8615, 9300] or 9300 in bars
    assert "&gt;" in trace(fig, "first seen").text[0]  # a definition is text, not markup


def test_algorithm_measures(ds):
    fig = figures.algorithm_measures(ds)
    assert np.array_equal(trace(fig, "circularity").y, ds["circularity"])
    assert np.array_equal(trace(fig, "commutativity").y, ds["commutativity"])
    assert titles(fig.select_yaxes()) == ["measure (0 to 1)", "commutativity (nats)"]


def test_gini(ds):
    fig = figures.gini(ds)
    assert np.array_equal(trace(fig, "embedding").y, ds["gini_embedding"])
    assert list(fig.layout.yaxis.range) == [0, 1]
