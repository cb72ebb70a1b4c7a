"""What each representation of the group has of logits, weights and neurons, and the loss without it."""

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from grokscope.figures.declare import figure
from grokscope.figures.latest import latest
from grokscope.figures.notes import add_notes
from grokscope.figures.room import dress_for
from grokscope.figures.series import curve, has, plain, with_units
from grokscope.figures.theme import BLACK, BLUE, GREEN, GREY, ORANGE, VERMILLION
from grokscope.transitions.transition import Transitions

SHARES = {
    "logit_trig_share": ("logits", BLACK, "circle"),
    "embedding_share": ("embedding a", BLUE, "diamond"),
    "embedding_share_second": ("embedding b", BLUE, "diamond-open"),
    "unembedding_share": ("unembedding", ORANGE, "triangle-up"),
    "neuron_share": ("neurons", GREEN, "square"),
}
#: Representations that are not key and have less of everything are left out, and the least of very many.
LEAST = 0.02
FEW, MOST_ROWS = 10, 16


@figure(
    "Representations at the last step",
    needs=[tuple(SHARES)[1:]],
    uses=["logit_trig_share", "excluded_loss_each", "loss", "key_irrep", "key_frequency"],
)
def representations(ds: xr.Dataset, transitions: Transitions | None = None) -> go.Figure:
    """The share of each representation of logits, embeddings, unembedding and neurons; right, the loss without it.

    Key representations are in bold. The loss is the excluded one, of the training rows with the representation's
    functions of a · b taken away from the logits (logarithmic). The solid line is the whole model's training loss,
    the dotted one chance. A representation matters by as much as its mark lies to the right of the solid line.

    Parameters
    ----------
    ds
        A run's Dataset.
    transitions
        Not drawn: the figure shows the last step.
    """
    names = [str(name) for name in ds["irrep"].values]
    shares = {name: _by_irrep(ds, name, names) for name in SHARES if has(ds, name)}
    if _same_embedding(shares):
        del shares["embedding_share_second"]
    keys = _keys(ds)
    rows, left_out = _rows(names, keys, shares)
    shown = [names[i] for i in rows]
    excluded = has(ds, "excluded_loss_each")
    fig = make_subplots(
        rows=1, cols=2 if excluded else 1, shared_yaxes=True, horizontal_spacing=0.05,
        column_widths=[0.62, 0.38] if excluded else None,
    )  # fmt: skip
    for number, (name, values) in enumerate(shares.items()):
        words, colour, symbol = SHARES[name]
        shift = (number - (len(shares) - 1) / 2) * 0.16
        _marks(fig, 1, values[rows], shift, shown, "share",
               name=_one_embedding(words, shares), marker=dict(color=colour, symbol=symbol, size=6))  # fmt: skip
    fig.update_xaxes(
        title_text="share (0 to 1)", range=[-0.06, 1.06], nticks=5, tickangle=0, row=1, col=1
    )
    if excluded:
        values = _by_irrep(ds, "excluded_loss_each", names)[rows]
        _marks(fig, 2, np.where(values > 0, values, np.nan), 0.0, shown, "loss",
               name="without it", marker=dict(color=VERMILLION, symbol="x", size=6))  # fmt: skip
        _references(fig, ds)
        title = with_units(ds, "excluded_loss_each", "training loss")
        fig.update_xaxes(type="log", title_text=title, nticks=3, tickangle=0, row=1, col=2)
    told = [f"<b>{_label(ds, n)}</b>" if n in keys else _label(ds, n) for n in shown]
    fig.update_yaxes(
        tickvals=list(range(len(rows))), ticktext=told, range=[len(rows) - 0.4, -0.6], ticks="",
        showgrid=True,
    )  # fmt: skip
    if left_out:
        add_notes(fig, [(f"left out: {left_out} others, whose shares are smaller", "")])
    room = 26 * max(len(rows), 5)
    dress_for(fig, screen=round(1.15 * room) + 60, single=room + 60)
    return fig


def _by_irrep(ds: xr.Dataset, name: str, names: list[str]) -> np.ndarray:
    """Return a variable's last values by representation; one that lies along frequencies, by theirs."""
    array = latest(ds, name)
    if "irrep" in array.dims:
        return np.asarray(array.sel(irrep=names).values, dtype=np.float64)
    last = int(ds["freq"].values.max())
    values = array.reindex(freq=[_frequency(label, last) for label in names]).values
    return np.asarray(values, dtype=np.float64)


def _frequency(name: str, last: int) -> int:
    """Return the frequency of a cyclic group's representation, 0 for the trivial one."""
    if name.startswith("freq_"):
        return int(name.removeprefix("freq_"))
    return last if name == "sign" else 0


def _label(ds: xr.Dataset, name: str) -> str:
    """Return what stands on the axis: on a cyclic task a frequency, as in the other figures; a product in two lines."""
    if "key_irrep" in ds or "freq" not in ds.coords:
        return plain(name).replace(" x ", " x<br>")
    return f"k = {_frequency(name, int(ds['freq'].values.max()))}"


def _keys(ds: xr.Dataset) -> set[str]:
    """Return the names of the key representations, also where the run names key frequencies."""
    if "key_irrep" in ds:
        return {str(name) for name in ds["key_irrep"].values}
    if "key_frequency" not in ds or "freq" not in ds.coords:
        return set()
    last, keys = int(ds["freq"].values.max()), set(ds["key_frequency"].values.tolist())
    return {name for name in map(str, ds["irrep"].values) if _frequency(name, last) in keys}


def _same_embedding(shares: dict[str, np.ndarray]) -> bool:
    first, second = shares.get("embedding_share"), shares.get("embedding_share_second")
    if first is None or second is None:
        return False
    return bool(np.allclose(first, second, rtol=1e-9, equal_nan=True))


def _one_embedding(words: str, shares: dict[str, np.ndarray]) -> str:
    alone = "embedding_share_second" not in shares
    return "embedding" if alone and words == "embedding a" else words


def _rows(names: list[str], keys: set[str], shares: dict[str, np.ndarray]) -> tuple[list[int], int]:
    """Return which representations are shown, in the group's order, and how many are not; the trivial one never is."""
    largest = np.nan_to_num(np.stack(list(shares.values()))).max(axis=0)
    others = [i for i, name in enumerate(names) if name != "trivial"]
    shown = others
    if len(others) > FEW:
        shown = [i for i in others if names[i] in keys or largest[i] >= LEAST] or others
    if len(shown) > MOST_ROWS:
        by_size = sorted(shown, key=lambda i: (names[i] not in keys, -largest[i]))
        shown = sorted(by_size[:MOST_ROWS])
    return shown, len(others) - len(shown)


def _marks(
    fig: go.Figure, col: int, values: np.ndarray, shift: float, names: list[str], what: str,
    **style: object,
) -> None:  # fmt: skip
    there = np.isfinite(values)
    fig.add_scatter(
        x=values[there], y=np.flatnonzero(there) + shift, mode="markers", row=1, col=col,
        cliponaxis=False,
        text=[plain(name) for name, t in zip(names, there, strict=True) if t],
        hovertemplate=f"%{{text}}<br>{what} %{{x:.4g}}<extra>%{{fullData.name}}</extra>", **style,
    )  # fmt: skip


def _references(fig: go.Figure, ds: xr.Dataset) -> None:
    _, loss = curve(ds, "loss", rows="train")
    lines = [("whole model", float(loss[-1]), "solid")] if len(loss) and loss[-1] > 0 else []
    if "chance_loss" in ds.attrs:
        lines.append(("chance", float(ds.attrs["chance_loss"]), "dot"))
    for name, at, dash in lines:
        fig.add_shape(
            type="line", xref="x2", yref="y2 domain", x0=at, x1=at, y0=0, y1=1, layer="below",
            line=dict(color=GREY, width=1.2, dash=dash), name=name, showlegend=True,
        )  # fmt: skip
