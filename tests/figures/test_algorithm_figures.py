"""Figures on which algorithm was learned: each shows the Dataset's own numbers, by circle, representation or neuron."""

import numpy as np
import pytest

from grokscope import figures
from grokscope.errors import RequestError
from grokscope.figures.gallery.circle_forms import OTHER_FORM
from grokscope.figures.gallery.coset_concentration import CONCENTRATED
from grokscope.harmonics.circle_forms import circle_form, form_shares
from grokscope.measures import coset_concentration as coset_measure


def trace(fig, name):
    return next(t for t in fig.data if t.name == name)


@pytest.fixture(scope="session")
def group(groups, ds):
    return groups.group_dataset(ds)


def test_circles_are_drawn_with_their_weights_and_forms(ds):
    """Else a bar stands at the wrong circle, or the form beside it is not that of the verdict."""
    fig = figures.circle_forms(ds)
    keys = [3, 7, 11]
    assert list(trace(fig, "clock form").x) == list(ds["circle_clock_share"].sel(freq=keys))
    assert list(trace(fig, "pizza form").x) == list(ds["circle_pizza_share"].sel(freq=keys))
    assert list(fig.layout.yaxis.ticktext) == [
        "3 · 33 % · pizza",
        "7 · 33 % · clock",
        "11 · 33 % · clock",
    ]
    first = fig.layout.yaxis.range
    assert first[0] > first[1], "the first circle stands on top"


def test_weights_are_shares_of_the_logits_on_the_key_frequencies(ds):
    """Else the weights do not say how much a circle counts in the verdict."""
    uneven = ds.copy(deep=True)
    uneven["logit_trig_share"].loc[{"freq": 7}] *= 2
    ticks = figures.circle_forms(uneven).layout.yaxis.ticktext
    assert [tick.split(" · ")[1] for tick in ticks] == ["25 %", "50 %", "25 %"]


def test_the_line_is_what_a_pure_form_has_of_the_other():
    """Else the dotted line stands where no pure circle ends."""
    for one, other in (("clock", "pizza"), ("pizza", "clock")):
        for k in (1, 14, 25):
            found = form_shares(circle_form(59, k, one), k, other).share
            assert found == pytest.approx(OTHER_FORM, abs=2e-3), (one, k)


def test_circles_are_refused_where_there_are_none(ds, group):
    """Else an empty picture is shown for a run without key frequencies, or without frequencies."""
    none = ds.assign(circle_clock_share=ds["circle_clock_share"] * np.nan)
    for without in (none, group):
        with pytest.raises(RequestError, match="'circle_clock_share'"):
            figures.circle_forms(without)


def test_representations_show_shares_and_the_loss_without_each(group, groups):
    """Else a mark stands at the wrong representation, or shows another quantity than its name says."""
    fig = figures.representations(group)
    ticks = [t.removeprefix("<b>").removesuffix("</b>") for t in fig.layout.yaxis.ticktext]
    assert ticks == groups.IRREPS[1:], "all of a small group but the trivial one"
    bold = [t for t in fig.layout.yaxis.ticktext if t.startswith("<b>")]
    assert bold == ["<b>sign</b>", "<b>standard</b>"]
    for name, factor in (("logits", 1), ("embedding a", 1.5), ("embedding b", 1.4),
                         ("unembedding", 1.1), ("neurons", 1.3)):  # fmt: skip
        drawn = trace(fig, name)
        assert np.allclose(drawn.x, factor * groups.LOGITS[1:]), name
        assert np.array_equal(np.round(drawn.y), np.arange(6)), name
        assert drawn.xaxis == "x"
    without = trace(fig, "without it")
    assert np.allclose(without.x, groups.EXCLUDED[1:])
    assert without.xaxis == "x2"
    assert (fig.layout.xaxis2.type, fig.layout.xaxis2.title.text) == ("log", "training loss (nats)")
    lines = {s.name: s.x0 for s in fig.layout.shapes}
    assert lines["chance"] == group.attrs["chance_loss"]
    assert lines["whole model"] == group["loss"].sel(rows="train")[-1]


def test_one_embedding_is_drawn_once(group):
    """Else a transformer, in which both operands read one embedding, seems to have two."""
    shared = group.assign(embedding_share_second=group["embedding_share"])
    names = {t.name for t in figures.representations(shared).data}
    assert {"embedding"} == {name for name in names if name.startswith("embedding")}


def test_representations_of_a_cyclic_task_are_frequencies(ds):
    """Else logits, which lie along frequencies there, stand beside the weights of another representation."""
    fig = figures.representations(ds)
    assert list(fig.layout.yaxis.ticktext) == [f"<b>k = {k}</b>" for k in (3, 7, 11)]
    logits = trace(fig, "logits")
    assert np.allclose(logits.x, ds["logit_trig_share"].sel(freq=[3, 7, 11])[:, -1])
    assert np.allclose(trace(fig, "unembedding").x, logits.x)
    assert [n.text for n in fig.layout.annotations] == [
        "left out: 12 others, whose shares are smaller"
    ]


def test_an_even_cyclic_group_has_its_sign_at_half_its_order(ds):
    """Else the largest frequency of an even group is shown as the trivial representation, or not at all."""
    freq = np.arange(1, 5)
    even = ds[["loss"]].assign_coords(
        freq=freq, irrep=["trivial", "sign", "freq_1", "freq_2", "freq_3"]
    )
    even["logit_trig_share"] = ("freq", [0.1, 0.2, 0.3, 0.4])
    even["neuron_share"] = ("irrep", [0.0, 0.4, 0.1, 0.2, 0.3])
    even["key_frequency"] = ("key", [4])
    fig = figures.representations(even)
    assert np.allclose(trace(fig, "logits").x, trace(fig, "neurons").x)
    assert fig.layout.yaxis.ticktext[0] == "<b>k = 4</b>"


def test_of_many_representations_the_largest_are_shown(ds):
    """Else a memorising network, in which all are alike, gives a figure as long as the group is large."""
    flat = ds.copy(deep=True)
    for name in ("embedding_share", "embedding_share_second", "unembedding_share", "neuron_share"):
        flat[name][:] = 0.03
    many = flat.reindex(irrep=["trivial", *(f"freq_{k}" for k in range(1, 41))], fill_value=0.03)
    many = many.reindex(freq=range(1, 41), fill_value=0.0)
    ticks = figures.representations(many).layout.yaxis.ticktext
    assert len(ticks) == 16
    assert {"<b>k = 3</b>", "<b>k = 7</b>", "<b>k = 11</b>"} <= {*ticks}


def test_neurons_stand_in_the_order_of_their_concentration(ds):
    """Else the curves are not those of the neurons, or the null is not that of the relabelled elements."""
    fig = figures.coset_concentration(ds)
    for name, words in (
        ("first", "first operand, right cosets"),
        ("second", "second operand, left cosets"),
    ):
        values = ds[f"coset_concentration_{name}"][:, -1].values
        assert np.array_equal(trace(fig, words).y, np.sort(values))
        assert trace(fig, words).x[0] == 1
    band = trace(fig, "relabelled elements, mean over neurons").y
    null = ds["coset_concentration_null"]
    assert (min(band), max(band)) == (null.min(), null.max())
    assert fig.layout.annotations[0].text == "55 of 64 neurons below every relabelling"


def test_dead_neurons_are_no_concentrated_ones(ds):
    """Else a neuron without any variance counts as constant on cosets."""
    dead = ds.copy(deep=True)
    dead["coset_concentration_first"][:5] = np.nan
    curve = trace(figures.coset_concentration(dead), "first operand, right cosets")
    assert len(curve.y) == ds.sizes["neuron"] - 5
    assert np.isfinite(curve.y).all()


def test_the_line_of_the_concentrated_is_that_of_the_measure():
    """Else the figure draws another line than the one that the orders of subgroups are counted by."""
    assert CONCENTRATED == coset_measure.CONCENTRATED


@pytest.mark.parametrize("name", ["circle_forms", "representations", "coset_concentration"])
def test_the_last_step_with_values_is_shown(ds, name):
    """Else a run that ends in not-a-number shows nothing of what was there before."""
    holed = ds.copy(deep=True)
    for variable, array in holed.data_vars.items():
        if "step" in array.dims:
            holed[variable] = array.astype(float)
            holed[variable][{"step": -1}] = np.nan
    drawn = figures.FIGURES[name](holed)
    expected = figures.FIGURES[name](ds.isel(step=slice(0, -1)))
    assert drawn.data == expected.data
    for figure in (drawn, expected):  # the caption says which steps were analysed, which differ
        figure.layout.meta = {}
    assert drawn.layout == expected.layout


@pytest.mark.parametrize("name", ["circle_forms", "representations", "coset_concentration"])
def test_the_legend_leaves_the_panel_its_place(ds, group, name):
    """Else in a paper's column the legend, which plotly cuts at the panel's height, hides what a mark means."""
    for run in (ds, group):
        if name not in figures.available(run):
            continue
        fig = figures.resize(figures.FIGURES[name](run), "single")
        entries = [
            t for t in (*fig.data, *fig.layout.shapes) if t.showlegend is not False and t.name
        ]
        columns = 2 if max(len(t.name) for t in entries) <= 11 else 1
        legend = 19 * -(-len(entries) // columns)
        axes = 45 + 14 * len(fig.layout.annotations)
        assert fig.layout.height - legend - axes >= legend, name


def test_a_product_of_groups_has_its_names_in_two_lines(group, groups):
    """Else the names of its representations take the place of the panels."""
    names = ["trivial", "freq_1 x standard_sign", *groups.IRREPS[2:]]
    ticks = figures.representations(group.assign_coords(irrep=names)).layout.yaxis.ticktext
    assert ticks[0] == "freq_1 x<br>standard_sign"
