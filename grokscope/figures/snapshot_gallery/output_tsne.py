"""The rows of the output layer in the plane, by t-SNE."""

from collections.abc import Sequence
from math import gcd
from typing import Any

import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, Int
from numpy import ndarray

from grokscope.errors import RequestError, nearest
from grokscope.figures.declare import snapshot_figure
from grokscope.figures.notes import add_notes
from grokscope.figures.room import dress_for
from grokscope.figures.series import plain
from grokscope.figures.snapshot_gallery.compact_cosets import CompactCosets, compact_cosets
from grokscope.figures.snapshot_gallery.output_rows import OutputRows, output_rows
from grokscope.figures.sweep_marks import SYMBOLS
from grokscope.figures.theme import COLOUR_SCALE, COLOURS, PALE, colour_bar
from grokscope.harmonics.step_distances import step_distances

COLOURINGS = ("residue", "coset", "label")
PUBLISHED_STEP = 8
#: Beyond this many points, scikit-learn's approximation is used instead of the exact sums.
MANY = 250


@snapshot_figure("t-SNE of the output layer's rows")
def output_tsne(
    source: Any,
    *,
    colour: str | None = None,
    step: int | str = PUBLISHED_STEP,
    subgroup: Sequence[int | str] | None = None,
    order: int | None = None,
    side: str | None = None,
    labels: Sequence[object] | None = None,
    table: Int[ndarray, "n n"] | None = None,
    perplexity: float | None = None,
    seed: int = 0,
    draws: int = 499,
) -> go.Figure:
    """Each mark is an answer: the weights from the residual stream to its logit, laid out in the plane by t-SNE.

    Distances in the plane are not to scale and the axes have no meaning. The numbers above the figure are of the
    original space.

    Parameters
    ----------
    source
        A Snapshot, or an array [answer, d_model].
    colour
        "residue": by c modulo `step`, a line from each c to c + `step`; "coset": by the coset of a subgroup, a line
        from each answer to the middle of its coset; "label": by `labels`. Default: what the answers are.
    step
        Of the lines (default 8, as published), or "best": the one whose ends lie nearest to each other.
    subgroup, order, side
        As for `compact_cosets.compact_cosets`.
    labels, table
        For an array: a label of each row; the Cayley table of the answers.
    perplexity
        Of t-SNE, about the number of neighbours that count (default: 10, or a third of the answers where
        there are few).
    seed
        Of t-SNE and of the random draws.
    draws
        Number of random draws that the compactness or regularity is held against.

    Raises
    ------
    RequestError
        Without scikit-learn, for answers that have not what `colour` needs, or an option that makes no sense.

    Notes
    -----
    Source: Power et al. 2022 (arXiv 2201.02177), figure 3; t-SNE: van der Maaten and Hinton 2008.
    """
    if draws < 1:
        raise RequestError(f"draws = {draws}", "1 or more")
    answers = output_rows(source, labels, table)
    colour = _colouring(answers, colour, labels)
    perplexity = min(10.0, (len(answers.rows) - 1) / 3) if perplexity is None else perplexity
    place, divergence = tsne(answers.rows, perplexity, seed)
    fig = go.Figure()
    if colour == "residue":
        note, told = _draw_steps(fig, answers, place, step, draws, seed)
    elif colour == "coset":
        found = compact_cosets(answers, subgroup, order, side, draws, seed)
        note, told = _draw_cosets(fig, answers, place, found)
    else:
        note, told = "", _draw_labels(fig, answers, place)
    for axis, name in ((fig.update_xaxes, "t-SNE 1"), (fig.update_yaxes, "t-SNE 2")):
        axis(title_text=f"{name} (no unit)", showticklabels=False, ticks="", showgrid=False)
    fig.update_yaxes(scaleanchor="x", scaleratio=1)
    if note:
        add_notes(fig, [(note, "")])
    dress_for(fig, screen=500, single=300)
    of = f"Run: {answers.of}." if answers.of else ""
    how = f"Perplexity {perplexity:g}, seed {seed}; Kullback-Leibler divergence {divergence:.2f} nats."
    fig.layout.meta = dict(fig.layout.meta or {}) | {
        "told": [text for text in (of, told, how) if text]
    }
    return fig


def tsne(
    rows: Float[ndarray, "n d_model"], perplexity: float, seed: int
) -> tuple[Float[ndarray, "n plane"], float]:
    """Return the t-SNE of `rows` in two dimensions, and the Kullback-Leibler divergence that it reached.

    It begins at the first two principal components. The learning rate is n / 12, the number of points over the early
    exaggeration (Belkina et al. 2019): scikit-learn's own, at least 50, ends in worse layouts of so few points.

    Raises
    ------
    RequestError
        Without scikit-learn, or for a perplexity that is not between 1 and the number of rows.
    """
    if not 1 <= perplexity < len(rows):
        raise RequestError(f"perplexity = {perplexity:g}", f"1 to less than {len(rows)}, the rows")
    try:
        from sklearn.manifold import TSNE
    except ImportError as error:
        raise RequestError(
            "figure 'output_tsne' needs scikit-learn, which is missing",
            todo="install the extra 'grokscope[figures]'",
        ) from error
    made = TSNE(
        perplexity=perplexity, init="pca", random_state=seed, learning_rate=len(rows) / 12,
        method="exact" if len(rows) <= MANY else "barnes_hut",
    )  # fmt: skip
    place = np.asarray(made.fit_transform(rows), dtype=np.float64)
    return place, float(made.kl_divergence_)


def _colouring(answers: OutputRows, colour: str | None, labels: Sequence[object] | None) -> str:
    if colour is None:
        if answers.is_cyclic and labels is None:
            return "residue"
        return "label" if answers.table is None else "coset"
    if colour not in COLOURINGS:
        todo = nearest(colour, COLOURINGS)
        raise RequestError(f"colour '{colour}'", ", ".join(COLOURINGS), todo)
    if colour == "residue" and not answers.is_cyclic:
        raise RequestError("residues of the elements of a group", "coset", "colour='coset'")
    return colour


def _draw_steps(
    fig: go.Figure, answers: OutputRows, place: Float[ndarray, "n plane"], step: int | str,
    draws: int, seed: int,
) -> tuple[str, str]:  # fmt: skip
    n = len(place)
    distances = step_distances(answers.rows)
    best = step == "best"
    if best:
        step = int(np.argmin(distances)) + 1
    elif not isinstance(step, int) or step < 1:
        raise RequestError(f"step = {step!r}", "a whole number above 0, or 'best'")
    step = int(step) % n or 1
    number = np.arange(n)
    ends = np.stack([place, place[(number + step) % n], np.full_like(place, np.nan)], axis=1)
    fig.add_scatter(
        x=ends[..., 0].ravel(), y=ends[..., 1].ravel(), mode="lines", showlegend=False,
        line=dict(color=PALE, width=0.8), hoverinfo="skip",
    )  # fmt: skip
    if 2 <= step <= len(COLOURS):
        groups = number % step
        for residue in range(step):
            _marks(fig, answers, place, groups == residue, residue, f"{residue} mod {step}")
    else:
        _marks_along(fig, answers, place, step)
    at = min(step, n - step) - 1
    generator = np.random.default_rng(seed)
    chance = np.array(
        [_smallest(answers.rows[generator.permutation(n)], at, best) for _ in range(draws)]
    )
    as_low = (1 + (chance <= distances[at]).sum()) / (1 + draws)
    note = f"lines: c to c + {step}; squared length {distances[at]:.2f} of all pairs', p = {as_low:.2g}"
    told = (
        f"Lines join c and c + {step} modulo {n}{', the step that covers least' if best else ''}. In the "
        f"original space their mean squared length is {distances[at]:.3f} of that of all pairs; the "
        f"step that covers least is {int(np.argmin(distances)) + 1} with {distances.min():.3f}. Of "
        f"{draws} random orders of the rows, a share of {as_low:.2g} (these rows counted in) has "
        f"{'any step' if best else 'this step'} as short."
    )
    return note, told


def _smallest(rows: Float[ndarray, "n d_model"], at: int, best: bool) -> float:
    distances = step_distances(rows)
    return float(distances.min() if best else distances[at])


def _draw_cosets(
    fig: go.Figure, answers: OutputRows, place: Float[ndarray, "n plane"], found: CompactCosets
) -> tuple[str, str]:
    count = int(found.labels.max()) + 1
    for coset in range(count):
        chosen = found.labels == coset
        middle = np.broadcast_to(place[chosen].mean(0), place[chosen].shape)
        ends = np.stack([place[chosen], middle, np.full_like(middle, np.nan)], axis=1)
        fig.add_scatter(
            x=ends[..., 0].ravel(), y=ends[..., 1].ravel(), mode="lines", showlegend=False,
            line=dict(color=COLOURS[coset % len(COLOURS)], width=0.8), opacity=0.5, hoverinfo="skip",
        )  # fmt: skip
        first = answers.names[int(np.argmax(chosen))]
        _marks(fig, answers, place, chosen, coset, f"coset of {first}", show=False)
    note = (
        f"{count} {found.side} cosets of {found.words}, order {found.order}; scatter within / between "
        f"{found.ratio:.2g}, p = {found.as_low_by_chance:.2g}"
    )
    one = "x . H, x first" if found.side == "left" else "H . x, x last"
    told = (
        f"Colour and shape: the {found.side} cosets ({one}) of the subgroup H = {found.words} of "
        f"{found.order} elements, the most compact of {found.searched} partitions looked at. Scatter "
        f"within over scatter between cosets, per degree of freedom, in the original space: "
        f"{found.ratio:.3g}; 1 is what random partitions of these sizes give on average. With the rows "
        f"dealt out at random {len(found.chance)} times and the same choice made, the smallest was "
        f"{found.chance.min():.3g}, and a share of {found.as_low_by_chance:.2g} (these rows counted in) "
        "was as small."
    )
    return note, told


def _draw_labels(fig: go.Figure, answers: OutputRows, place: Float[ndarray, "n plane"]) -> str:
    names = np.array(answers.names)
    kinds = list(dict.fromkeys(answers.names))
    for number, name in enumerate(kinds):
        show = len(kinds) <= 2 * len(COLOURS)
        _marks(fig, answers, place, names == name, number, name, show=show)
    return "Colour and shape: the label of each row."


def _marks(
    fig: go.Figure, answers: OutputRows, place: Float[ndarray, "n plane"], chosen: Any,
    number: int, name: str, *, show: bool = True,
) -> None:  # fmt: skip
    """Draw some answers in colour and shape `number`; 64 of these differ."""
    symbol = SYMBOLS[(number + number // len(COLOURS)) % len(SYMBOLS)]
    fig.add_scatter(
        x=place[chosen, 0], y=place[chosen, 1], mode="markers", name=plain(name), showlegend=show,
        marker=dict(color=COLOURS[number % len(COLOURS)], symbol=symbol, size=6),
        text=[plain(answers.names[i]) for i in np.flatnonzero(chosen)],
        hovertemplate="%{text}<extra>%{fullData.name}</extra>",
    )  # fmt: skip


def _marks_along(
    fig: go.Figure, answers: OutputRows, place: Float[ndarray, "n plane"], step: int
) -> None:
    """Draw all answers in the order of the line that the steps make, dark to light."""
    n = len(place)
    length = n // gcd(n, step)
    along = np.empty(n)
    for start in range(n // length):
        along[(start + step * np.arange(length)) % n] = np.arange(length)
    fig.add_scatter(
        x=place[:, 0], y=place[:, 1], mode="markers", name="answers", showlegend=False,
        marker=dict(color=along, colorscale=COLOUR_SCALE, size=6, showscale=True,
                    colorbar=colour_bar("place along the line (steps)")),
        text=[plain(name) for name in answers.names], hovertemplate="%{text}<extra></extra>",
    )  # fmt: skip
