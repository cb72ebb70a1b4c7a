"""The data behind a figure as CSV: just what is drawn, read back to the same numbers."""

import csv
import io
import math

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from grokscope import figures
from grokscope.figures.sliders import add_slider


def read(fig: go.Figure) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(figures.csv_text(fig))))


def number(text: str) -> float:
    return float(text) if text else math.nan


def same(found: list[str], expected) -> bool:
    values = np.array([number(text) for text in found])
    wanted = np.array([math.nan if v is None else float(v) for v in expected])
    return np.array_equal(values, wanted, equal_nan=True)


def test_a_line_a_gap_and_axis_titles():
    """Else numbers lose digits, a gap in a line is lost, or nobody knows what a column is."""
    third = 1 / 3
    fig = go.Figure(
        go.Scatter(x=[1, 2, 3], y=np.array([third, np.nan, 1e-300]), name="a &amp; <b>b</b>")
    )
    fig.update_xaxes(title_text="training step").update_yaxes(title_text="loss<br>(nat)")
    assert figures.csv_text(fig) == (
        "panel,series,x,y,x_title,y_title\n"
        f"1,a & b,1,{third!r},training step,loss (nat)\n"
        "1,a & b,2,,training step,loss (nat)\n"
        "1,a & b,3,1e-300,training step,loss (nat)\n"
    )


def test_bands_are_rows_of_low_and_high():
    """Else a band's outline, once there and once back, stands as if it were a line."""
    x, low, high = [0, 1, 2, 5, 6], [1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 2.5, 9.0, 4.0, 8.0]
    outline_x = [0, 1, 2, 2, 1, 0, None, 5, 6, 6, 5]
    outline_y = [*high[:3], *low[:3][::-1], None, *high[3:], *low[3:][::-1]]
    fig = go.Figure(go.Scatter(x=outline_x, y=outline_y, fill="toself", mode="lines", name="band"))
    rows = read(fig)
    assert [(int(r["x"]), float(r["low"]), float(r["high"])) for r in rows] == list(
        zip(x, low, high, strict=True)
    )
    assert all(row["y"] == "" for row in rows)


def test_an_outline_that_is_no_band_stays_points():
    """Else a shape is taken for a band and its numbers are paired wrongly."""
    fig = go.Figure(go.Scatter(x=[0, 2, 1], y=[0, 0, 1], fill="toself", name="triangle"))
    assert [(row["x"], row["y"]) for row in read(fig)] == [("0", "0"), ("2", "0"), ("1", "1")]
    assert "low" not in read(fig)[0]


def test_cells_of_a_heat_map():
    """Else rows and columns of a heat map are exchanged, or a cell without a value gets one."""
    fig = go.Figure(
        go.Heatmap(x=[10, 20, 30], y=[1, 2], z=[[1.0, 2.0, 3.0], [4.0, np.nan, 6.0]], name="h")
    )
    fig.data[0].colorbar.title.text = "norm"
    found = {(row["x"], row["y"]): row["z"] for row in read(fig)}
    assert found == {
        ("10", "1"): "1.0", ("20", "1"): "2.0", ("30", "1"): "3.0",
        ("10", "2"): "4.0", ("20", "2"): "", ("30", "2"): "6.0",
    }  # fmt: skip
    assert {row["z_title"] for row in read(fig)} == {"norm"}


def test_words_of_an_axis_and_colours_of_marks():
    """Else "3" stands where the figure says "grokked", or a mark's colour says nothing."""
    fig = go.Figure(
        go.Scatter(x=[0, 1], y=[1, 0], mode="markers", name="m", marker=dict(color=[7.0, 8.0]))
    )
    fig.update_yaxes(tickvals=[0, 1], ticktext=["head <sub>0</sub>", "MLP"])
    assert [(row["y_label"], row["colour"]) for row in read(fig)] == [
        ("MLP", "7.0"),
        ("head 0", "8.0"),
    ]


def test_what_is_not_drawn_has_no_row():
    """Else hidden positions and entries that stand in the legend only are taken for data."""
    fig = go.Figure()
    fig.add_scatter(x=[1], y=[2], name="hidden", visible=False)
    fig.add_scatter(x=[None], y=[None], name="key")
    fig.add_scatter(x=[3], y=[4], name="seen")
    assert [row["series"] for row in read(fig)] == ["seen"]


def test_a_slider_gives_a_row_for_each_position():
    """Else a figure of one step holds the data of that step only, or positions are mixed up."""
    fig = go.Figure(go.Bar(x=[1, 2], y=[0.123456, 0.2], name="bars"))
    changes = [{"y": [[5.0, 6.0]]}, {"y": [[0.1235, 0.2]]}, {"y": [[7.0, 8.0]]}]
    add_slider(fig, ["0", "100", "200"], changes, what="training step", active=1)
    found = [(row["position"], row["shown"], row["x"], row["y"]) for row in read(fig)]
    assert found == [
        ("100", "1", "1", "0.123456"), ("100", "1", "2", "0.2"),
        ("0", "0", "1", "5.0"), ("0", "0", "2", "6.0"),
        ("200", "0", "1", "7.0"), ("200", "0", "2", "8.0"),
    ]  # fmt: skip
    assert {row["position_title"] for row in read(fig)} == {"training step"}
    assert fig.data[0].y[0] == 0.123456


def test_too_many_rows_are_those_of_the_shown_position(monkeypatch: pytest.MonkeyPatch):
    """Else the CSV of a slider over heat maps takes the disk."""
    monkeypatch.setattr("grokscope.figures.data.MOST_ROWS", 99)
    fig = go.Figure([go.Heatmap(z=np.zeros((5, 5)), visible=i == 0) for i in range(4)])
    changes = [{"visible": [i == j for j in range(4)]} for i in range(4)]
    add_slider(fig, list("abcd"), changes, what="w", active=0)
    assert {row["position"] for row in figures.table(fig)} == {"a"}
    assert len(figures.table(fig)) == 25
    monkeypatch.setattr("grokscope.figures.data.MOST_ROWS", 100)
    assert len(figures.table(fig)) == 100


def expected_rows(trace) -> list[tuple]:
    """Return what a trace draws, spelled out anew."""
    if trace.type == "heatmap":
        z = np.asarray(trace.z)
        return [(x, y, z[j, i]) for j, y in enumerate(trace.y) for i, x in enumerate(trace.x)]
    return list(zip(trace.x, trace.y, strict=True))


@pytest.mark.parametrize("name", figures.NAMES)
def test_every_figure_reads_back_to_its_traces(ds, events, name):
    """Else what a reader plots from the CSV is not what the figure shows."""
    fig = figures.FIGURES[name](ds, events)
    fig.layout.sliders = []
    rows = read(fig)
    at = 0
    for trace in fig.data:
        if trace.visible is False or all(
            v is None for v in (trace.x if trace.x is not None else ())
        ):
            continue
        points = expected_rows(trace)
        if trace.type == "scatter" and trace.fill == "toself":
            half = len(points) // 2
            mine = rows[at : at + half]
            ends = zip(points[:half], points[half:][::-1], strict=True)
            assert [(number(r["x"]), number(r["low"]), number(r["high"])) for r in mine] == [
                (float(a[0]), min(a[1], b[1]), max(a[1], b[1])) for a, b in ends
            ]
            at += half
            continue
        mine = rows[at : at + len(points)]
        for column, values in zip("xyz", zip(*points, strict=True), strict=False):
            found = [row[column] for row in mine]
            texts = [v for v in values if isinstance(v, str)]
            assert found == list(values) if texts else same(found, values), (
                name,
                trace.name,
                column,
            )
        at += len(points)
    assert at == len(rows)


def test_pandas_reads_it_without_arguments(ds, events):
    """Else the file needs a manual: comment lines, a second header, decimals with commas."""
    fig = figures.restricted_excluded(ds, events)
    frame = pd.read_csv(io.StringIO(figures.csv_text(fig)))
    line = frame[(frame.series == "restricted, held out") & frame.y.notna()]
    np.testing.assert_allclose(line.y, ds["restricted_loss_held_out"].values, rtol=1e-14)
    assert (line.x.to_numpy() == ds["step"].values).all()
    assert set(frame.panel) == {1, 2}
    assert line.y_title.unique().tolist() == ["restricted loss (nats)"]
    assert set(frame.x_title) == {"training step"}
    band = frame[(frame.series == "random frequencies") & (frame.panel == 1)]
    draws = ds["restricted_loss_null"].transpose("step", "draw").values
    np.testing.assert_allclose(band.low, draws.min(1), rtol=1e-14)
    np.testing.assert_allclose(band.high, draws.max(1), rtol=1e-14)
