"""A plotly figure taken apart into curves, bands and constants, whoever drew it."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from grokscope.comparison.reading_figures import curves_of, is_over_steps


def over_steps(*traces, title="training step", **axis):
    fig = go.Figure(list(traces))
    fig.update_xaxes(title_text=title)
    fig.update_yaxes(title_text="value", **axis)
    return fig


def line(x, y, **look):
    return go.Scatter(x=x, y=y, mode="lines", **look)


def test_a_curve_keeps_its_numbers_and_its_look():
    """Else the compared curves are not those of the figure."""
    look = dict(color="#123456", dash="dot")
    fig = over_steps(line([0, 1, 2], [5, np.nan, 7], name="a", line=look), type="log")
    (panel,) = curves_of(fig)
    (series,) = panel.series
    assert series.lower[0].tolist() == [0, 2]
    assert series.lower[1].tolist() == [5, 7]
    assert (series.name, series.kind, series.colour, series.dash) == ("a", "curve", "#123456", "dot")  # fmt: skip
    assert panel.title == "value"
    assert panel.axis["type"] == "log"


def test_an_outline_is_read_as_its_two_edges():
    """Else the band of random frequencies is lost, or drawn as a curve that turns back."""
    fig = over_steps(
        go.Scatter(x=[0, 1, 2, 2, 1, 0], y=[3, 4, 5, 1, 0, -1], fill="toself", name="band"),
        line([0, 1, 2], [1, 2, 3], name="a"),
    )
    (panel,) = curves_of(fig)
    band = panel.series[0]
    assert band.kind == "band"
    assert band.lower[1].tolist() == [-1, 0, 1]
    assert band.upper[1].tolist() == [3, 4, 5]


def test_a_fill_to_the_line_before_is_a_band_too():
    """Else a researcher's own band, drawn the other way that plotly has, is two lines."""
    fig = over_steps(
        line([0, 1], [0, 1], name="low"), line([0, 1], [2, 3], name="range", fill="tonexty")
    )
    ((band,),) = [panel.series for panel in curves_of(fig)]
    assert (band.kind, band.lower[1].tolist(), band.upper[1].tolist()) == ("band", [0, 1], [2, 3])


def test_a_band_without_a_name_in_the_legend_is_left_to_its_run():
    """Else the standard error of one run is drawn as if it were one of all runs."""
    fig = over_steps(
        go.Scatter(x=[0, 1, 1, 0], y=[1, 1, 0, 0], fill="toself", name="error", showlegend=False),
        line([0, 1], [1, 2], name="a"),
    )
    (panel,) = curves_of(fig)
    assert [series.name for series in panel.series] == ["a"]


def test_a_constant_is_told_from_a_short_curve():
    """Else a run with two checkpoints of equal value is taken for chance, or chance for a measurement."""
    fig = over_steps(
        line([0, 9], [4.0, 4.0], name="chance", hoverinfo="skip"), line([0, 9], [4.0, 4.0], name="loss")
    )  # fmt: skip
    (panel,) = curves_of(fig)
    assert [series.kind for series in panel.series] == ["constant", "curve"]


def test_panels_come_from_the_top_and_share_the_title_below():
    """Else the upper panel of a figure is taken for one without steps."""
    fig = make_subplots(rows=2, cols=1, shared_xaxes=True)
    fig.add_trace(line([0, 1], [1, 2], name="below"), row=2, col=1)
    fig.add_trace(line([0, 1], [1, 2], name="above"), row=1, col=1)
    fig.update_xaxes(title_text="training step", row=2, col=1)
    fig.update_yaxes(title_text="up", row=1, col=1)
    fig.update_yaxes(title_text="down", row=2, col=1)
    assert [panel.title for panel in curves_of(fig)] == ["up", "down"]


def test_what_is_not_curves_over_steps_is_said():
    """Else heat maps, bars and spectra are compared as curves."""
    assert curves_of(over_steps(go.Heatmap(x=[0, 1], y=[0, 1], z=[[0, 1], [1, 0]]))) is None
    assert curves_of(over_steps(line([0, 1], [0, 1]), title="frequency k")) is None
    assert not is_over_steps(over_steps(line([0, 1], [0, 1]), title="frequency k"))
    assert curves_of(over_steps(line([0, 1, 0], [0, 1, 2]))) is None
    assert curves_of(over_steps(line([0, 1, None, 2], [0, 1, None, 2]))) is None
    assert curves_of(over_steps(go.Bar(x=[0, 1], y=[0, 1]))) is None
    assert curves_of(go.Figure()) is None


def test_what_only_stands_in_the_legend_or_is_hidden_draws_nothing():
    """Else an entry of the legend makes a figure of curves one that cannot be read."""
    fig = over_steps(
        line([0, 1], [0, 1], name="a"), line([None], [None], name="only named"),
        line([0, 1], [0, 1], name="hidden", visible=False),
    )  # fmt: skip
    (panel,) = curves_of(fig)
    assert [series.name for series in panel.series] == ["a"]
