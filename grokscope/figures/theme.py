"""The look all figures share: colours that colour-blind readers tell apart, sizes of a paper's columns.

Figures are drawn for a screen and set for paper by `sizes.resize`.
"""

import plotly.graph_objects as go

#: Okabe and Ito's palette (2008), readable with every common colour blindness.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
GREY, PALE = "#767676", "#C8C8C8"
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK, GREY)
#: The last two as pixels: plotly's own long dashes are longer than a legend's sample.
DASHES = ("solid", "dash", "dot", "dashdot", "10px,3px", "10px,3px,2px,3px")

#: Row sets: colour and dash, so that they differ in grey too.
ROW_STYLE = {
    "train": (BLUE, "solid"),
    "test": (VERMILLION, "dash"),
    "test_twin_free": (GREEN, "solid"),
    "all": (GREY, "dot"),
}
ROW_NAMES = {"train": "train", "test": "test", "test_twin_free": "test, twin-free", "all": "all"}

#: Heat maps: dark is little, light is much, in every eye and in grey.
COLOUR_SCALE = "Cividis"

SCREEN_FONT = 12.0

FONT = "Arial, Helvetica, Liberation Sans, DejaVu Sans, sans-serif"


def template(font: float = SCREEN_FONT) -> go.layout.Template:
    """Return the plotly template; `font` is the smallest text's size in pixels."""
    axis = dict(
        showline=True, linecolor="#444", linewidth=1, ticks="outside", ticklen=4, tickcolor="#444",
        showgrid=True, gridcolor="#EBEBEB", gridwidth=1, zeroline=False, automargin=True,
        exponentformat="power", minorloglabels="none",
        title=dict(font=dict(size=font * 1.08), standoff=6), tickfont=dict(size=font),
    )  # fmt: skip
    return go.layout.Template(
        layout=dict(
            font=dict(family=FONT, size=font, color="#1A1A1A"),
            colorway=list(COLOURS),
            paper_bgcolor="white",
            plot_bgcolor="white",
            xaxis=axis,
            yaxis=axis,
            margin=dict(l=8, r=10, t=8, b=8, pad=0),
            legend=dict(
                orientation="h", x=0.01, xanchor="left", xref="container", y=0, yanchor="bottom",
                yref="container", font=dict(size=font), title_font_size=font, tracegroupgap=0,
                itemwidth=30, bgcolor="rgba(255,255,255,0)",
            ),
            annotationdefaults=dict(font=dict(size=font), showarrow=False),
            hoverlabel=dict(font=dict(family=FONT, size=12)),
            coloraxis=dict(colorbar=colour_bar()),
        )
    )  # fmt: skip


def colour_bar(title: str = "") -> dict[str, object]:
    """Return a slim colour bar with its title along its side."""
    return dict(
        thickness=10, outlinewidth=0, ticks="outside", ticklen=3, exponentformat="power",
        title=dict(text=title, side="right"),
    )  # fmt: skip


def dress(
    fig: go.Figure, *, height: int, single: int | None = None, double: int | None = None
) -> go.Figure:
    """Give `fig` the shared look and its heights in pixels.

    `height` is that of all on a screen; `single` and `double` are those of panels and axes alone in a column of a
    paper, where `sizes.resize` adds what header and legend take.
    """
    fig.update_layout(template=template(), height=height)
    fig.update_annotations(font=dict(size=None))
    meta = dict(fig.layout.meta or {})
    single = single or round(0.5 * height)
    meta["heights"] = {"screen": height, "double": double or round(1.3 * single), "single": single}
    fig.layout.meta = meta
    return fig
