"""Clock or pizza, circle by circle: how much of each key frequency's own logits has which form."""

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from grokscope.figures.declare import figure
from grokscope.figures.latest import last_seen
from grokscope.figures.room import dress_for
from grokscope.figures.theme import BLACK, BLUE, ORANGE
from grokscope.transitions.circle_verdicts import Circle, circles_of
from grokscope.transitions.evidence import Reader
from grokscope.transitions.transition import Transitions

COLOURS = {"clock": BLUE, "pizza": ORANGE}
#: Mean of |cos| is 2/pi, of cos^2 is 1/2: the squared correlation of the two pure forms.
OTHER_FORM = (2 / np.pi) ** 2 / 0.5


@figure(
    "Clock or pizza, circle by circle",
    needs=[("circle_clock_share",), ("circle_pizza_share",), ("logit_trig_share",)],
    uses=["key_frequency"],
)
def circle_forms(ds: xr.Dataset, transitions: Transitions | None = None) -> go.Figure:
    """The share of each circle's own logits in the form of a clock and in that of a pizza.

    Beside each key frequency k: its weight, which is what it carries of the logits on all of them, and the form
    concluded. The two forms are alike: a circle that is purely one of them has .81 of the other (dotted line), so
    that the bars' difference tells, not their length.

    Parameters
    ----------
    ds
        A run's Dataset.
    transitions
        Not drawn: the figure shows the last step.
    """
    seen = ds.isel(step=slice(0, last_seen(ds, "logit_trig_share") + 1))
    circles = circles_of(Reader(seen))
    rows = list(range(len(circles)))
    fig = go.Figure()
    for form, colour in COLOURS.items():
        fig.add_bar(
            x=[getattr(circle, form) for circle in circles], y=rows, name=f"{form} form",
            orientation="h", marker=dict(color=colour, line_width=0),
            text=[f"frequency {c.freq}, {_percent(c)} of the logits: {c.form}" for c in circles],
            textposition="none",
            hovertemplate="%{text}<br>share %{x:.3f}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    fig.add_shape(
        type="line", xref="x", yref="y domain", x0=OTHER_FORM, x1=OTHER_FORM, y0=0, y1=1,
        line=dict(color=BLACK, width=1.4, dash="dot"), name="other form, .81", showlegend=True,
    )  # fmt: skip
    fig.update_xaxes(range=[0, 1], dtick=0.2, title_text="share of the circle's logits (0 to 1)")
    fig.update_yaxes(
        tickvals=rows, ticktext=[f"{c.freq} · {_percent(c)} · {c.form}" for c in circles],
        range=[len(rows) - 0.5, -0.5], showgrid=False, ticks="",
        title_text="k · weight · form",
    )  # fmt: skip
    fig.update_layout(barmode="group", bargap=0.3, bargroupgap=0.0)
    room = max((34 if len(rows) <= 8 else 20) * len(rows), 130)
    dress_for(fig, screen=room + 60, single=round(0.8 * room) + 70)
    return fig


def _percent(circle: Circle) -> str:
    return f"{100 * circle.weight:.0f} %"
