"""Where each head looks from the answer position, by (a, b)."""

import math

import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from grokscope.errors import RequestError
from grokscope.figures.declare import figure
from grokscope.figures.series import input_grid
from grokscope.figures.sizes import INCHES, PIXELS_PER_INCH
from grokscope.figures.sliders import add_slider, only
from grokscope.figures.theme import COLOUR_SCALE, colour_bar, dress
from grokscope.transitions.transition import Transitions

#: Between rows of panels, as a share of the panels' height times their number.
ROW_GAP = 0.2
#: Pixels beside the panels of a row, and the most that a panel's side should have.
BESIDE, LARGEST = 118, 270


def position_names(ds: xr.Dataset, count: int) -> list[str]:
    """Return what stands at each position: a, b, = for three tokens, else what the run says, else numbers."""
    names = str(ds.attrs.get("layout", "a b =")).split()
    return names if len(names) == count else [f"position {i}" for i in range(count)]


@figure("Attention from the answer position, by (a, b)", needs=[("attention_pattern",)])
def attention(ds: xr.Dataset, transitions: Transitions | None = None, *, pos: int = 0) -> go.Figure:
    """The attention of each head at the final step, for every input, to one position.

    Parameters
    ----------
    ds
        A run's Dataset.
    transitions
        Not drawn: the figure shows one step.
    pos
        The position looked at first; the slider shows the others.

    Raises
    ------
    RequestError
        When there is no such position.
    """
    pattern = ds["attention_pattern"].transpose("head", "pos", "input")
    heads, positions = pattern.sizes["head"], pattern.sizes["pos"]
    if not 0 <= pos < positions:
        raise RequestError(f"position {pos}", f"0 to {positions - 1}")
    columns = min(heads, 2)
    rows = math.ceil(heads / columns)
    labels = position_names(ds, positions)
    names = [f"head {h}" for h in pattern["head"].values.tolist()]
    fig = make_subplots(
        rows=rows, cols=columns, shared_xaxes=True, shared_yaxes=True, subplot_titles=names,
        horizontal_spacing=0.05, vertical_spacing=ROW_GAP / rows,
    )  # fmt: skip
    groups = []
    for shown in range(positions):
        for head, name in enumerate(names):
            a, b, grid = input_grid(ds, pattern.isel(head=head, pos=shown))
            groups.append(shown)
            fig.add_heatmap(
                x=a, y=b, z=grid, coloraxis="coloraxis", visible=shown == pos,
                name=f"{name} to {labels[shown]}",
                row=head // columns + 1, col=head % columns + 1,
                hovertemplate="a = %{x}, b = %{y}<br>%{z:.3f}<extra>%{fullData.name}</extra>",
            )  # fmt: skip
    square(fig, rows, columns, "a (token)", "b (token)")
    dress(fig, height=70 + 270 * rows, **square_heights(rows, columns, ROW_GAP / rows))
    bar = colour_bar(f"attention to {labels[pos]}")
    fig.update_layout(coloraxis=dict(colorscale=COLOUR_SCALE, cmin=0, cmax=1, colorbar=bar))
    fig.update_layout(margin_t=24)
    add_slider(fig, labels, only(groups), what="attention to", active=pos)
    for slider_step, label in zip(fig.layout.sliders[0].steps if fig.layout.sliders else (),
                                  labels, strict=False):  # fmt: skip
        change, traces = slider_step.args
        title = {"coloraxis.colorbar.title.text": f"attention to {label}"}
        slider_step.method, slider_step.args = "update", [change, title, traces]
    return fig


def square_heights(rows: int, columns: int, gap: float) -> dict[str, int]:
    """Return the heights for `theme.dress` at which a grid of square panels fills a paper's column.

    `gap` is the space between two rows as a share of the panels' whole height.
    """
    heights = {}
    for name, inches in INCHES.items():
        side = min((inches * PIXELS_PER_INCH - BESIDE) / columns, LARGEST)
        heights[name] = round(rows * side / (1 - gap * (rows - 1)) + 42)
    return heights


def square(fig: go.Figure, rows: int, columns: int, across: str, up: str) -> None:
    """Make every panel of a grid square, with axis titles at the left and at the bottom only."""
    across_ticks = 5 if columns == 1 else 3
    fig.update_xaxes(showgrid=False, constrain="domain", nticks=across_ticks, tickangle=0)
    fig.update_yaxes(showgrid=False, constrain="domain", constraintoward="top", nticks=5)
    for column in range(1, columns + 1):
        fig.update_xaxes(title_text=across, row=rows, col=column)
    for row in range(1, rows + 1):
        number = (row - 1) * columns + 1  # the row's other axes follow its first
        anchor = "x" if number == 1 else f"x{number}"
        fig.update_yaxes(title_text=up, scaleanchor=anchor, row=row, col=1)
