"""The list of figures, what each needs, and that naming them costs nothing."""

import subprocess
import sys

import numpy as np
import plotly.graph_objects as go
import pytest
import xarray as xr

from grokscope import figures
from grokscope.errors import RequestError
from grokscope.figures.declare import why_not


def test_every_figure_is_drawn_from_a_full_dataset(ds, events):
    # A wrong name in the registry, or a figure that needs what the contract does not promise.
    assert figures.available(ds) == list(figures.NAMES) == list(figures.FIGURES)
    for name in figures.NAMES:
        drawn = figures.FIGURES[name](ds, events)
        assert isinstance(drawn, go.Figure)
        assert drawn.layout.meta["name"] == name
        assert len(drawn.layout.meta["alternative"]) > 20, name


@pytest.mark.parametrize("name", figures.NAMES)
def test_figures_are_drawn_without_transitions_but_the_time_line(ds, name):
    if name == "timeline":
        with pytest.raises(RequestError, match="no transitions"):
            figures.FIGURES[name](ds)
    else:
        assert figures.FIGURES[name](ds).data


@pytest.mark.parametrize("options", [{"steps": 1}, {"keys": ()}, {"steps": 2, "keys": (5,)}])
def test_figures_stand_short_runs_and_runs_without_keys(synthetic, events, options):
    # One checkpoint (an imported file) or a model that found no frequency must not break a figure.
    ds = synthetic.dataset(**options)
    for name in figures.available(ds):
        assert figures.FIGURES[name](ds, events).to_dict()["data"], name


def test_figures_stand_a_foreign_run_of_unknown_split(ds, events):
    foreign = ds.copy(deep=True)
    for name in ("loss", "accuracy", "ablation_loss", "ablation_null_loss", "restricted_loss"):
        foreign[name].loc[{"rows": ["train", "test", "test_twin_free"]}] = np.nan
    foreign = foreign.drop_vars(
        ["metric_loss", "metric_accuracy", "metric_step", "restricted_loss_held_out",
         "restricted_loss_held_out_se", "excluded_loss", "excluded_loss_null"]
    )  # fmt: skip
    for name in ("n_train", "n_test", "n_test_twin_free"):
        del foreign.attrs[name]
    assert {t.name for t in figures.progress(foreign).data} == {"all", "chance"}
    assert "restricted, published" in {t.name for t in figures.restricted_excluded(foreign).data}
    for name in figures.available(foreign):
        assert figures.FIGURES[name](foreign, events).data, name


@pytest.mark.parametrize("where", [0, -1, slice(5, 20)])
def test_figures_stand_steps_that_were_not_measured(ds, events, where):
    # Costly measures run on fewer checkpoints; a diverged run ends in NaN.
    holed = ds.copy(deep=True)
    for name, array in holed.data_vars.items():
        if "step" in array.dims:
            holed[name] = array.astype(float)
            holed[name][{"step": where}] = np.nan
    assert figures.available(holed) == list(figures.NAMES)
    for name in figures.NAMES:
        figure = figures.FIGURES[name](holed, events)
        assert "not a number" not in figure.layout.meta["alternative"].lower(), name
        assert figures.resize(figure, "single").to_json()


def test_a_figure_without_its_variables_says_which(ds):
    for empty in (ds.drop_vars("weight_norm_squared"), ds.assign(weight_norm_squared=np.nan)):
        with pytest.raises(RequestError, match="'norms'.*'weight_norm_squared'") as caught:
            figures.norms(empty)
        assert "\n" not in str(caught.value)
        assert "norms" not in figures.available(empty)


def test_an_empty_dataset_draws_nothing_but_events():
    assert figures.available(xr.Dataset()) == ["timeline"]
    assert why_not(figures.FIGURES["gini"], xr.Dataset())


def test_an_unknown_figure_names_the_nearest():
    with pytest.raises(RequestError, match="did you mean 'progress'"):
        figures.FIGURES["progres"]
    assert "progres" not in figures.FIGURES


def test_caption_gives_definition_and_source(ds):
    text = figures.caption(figures.FIGURES["gini"], ds)
    assert "formula of gini_embedding [Nanda et al. 2023" in text
    assert "Parameters" not in text


def test_naming_figures_loads_neither_plotly_nor_xarray():
    # `grokscope --help` lists figures and must answer at once.
    code = "import sys, grokscope.figures as f; list(f.FIGURES); " \
           "sys.exit(bool({'plotly', 'xarray', 'torch'} & set(sys.modules)))"  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
