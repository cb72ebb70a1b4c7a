"""The tables: models A and B, means over attention rates, the linear models."""

from collections.abc import Callable, Sequence

import numpy as np

from published.page import Table, number, over_seeds
from zhong2023_parts.networks import QUANTITIES, Network
from zhong2023_parts.numbers import BANDS, CIRCLES_OF_A, CIRCULAR, MODELS

WORDS = {
    "gradient_symmetricity": "gradient symmetricity",
    "distance_irrelevance": "distance irrelevance",
    "circularity": "circularity",
}


def models_table(theirs: Sequence[Network]) -> Table:
    """Return the published numbers of models A and B beside what is measured on them here."""
    rows = []
    for model in theirs:
        for name in QUANTITIES:
            paper, here = MODELS[model.label][name], model.values[name]
            rows.append((model.label, WORDS[name], number(paper, 4), number(here, 4)))
        rows.append((model.label, "norm of all weights", "-", number(model.values["norm"], 5)))
        published = CIRCLES_OF_A if model.label.startswith("A") else {}
        for k, (clock, pizza) in model.circles.items():
            paper = "{:.2f} | {:.2f}".format(*published[k]) if k in published else "-"
            rows.append(
                (
                    model.label,
                    f"circle of frequency {k}: clock | pizza form, %",
                    paper,
                    f"{clock:.2f} | {pizza:.2f}",
                )
            )
        for k, (clock, pizza) in model.shares.items():
            rows.append(
                (
                    model.label,
                    f"the same, share without means, frequency {k}, %",
                    "-",
                    f"{clock:.2f} | {pizza:.2f}",
                )
            )
    return Table(
        "models",
        "Models A and B",
        ("model", "quantity", "published", "recomputed from the authors' weights"),
        rows,
        "The published circles are given without frequencies; each stands beside the one that has it. Explained: "
        "2 r - 1, as published; share: r^2 with the means over answers and over inputs taken away.",
    )


def phase_table(networks: Sequence[Network]) -> Table:
    """Return symmetricity, irrelevance and circularity for each attention rate, over the runs that grokked."""
    grokked = [n for n in networks if n.grokked]
    rows = []
    for rate in sorted({n.rate for n in networks}):
        own = [n for n in grokked if n.rate == rate]
        circular = sum(n.values["circularity"] > CIRCULAR for n in own)
        rows.append(
            (
                f"{rate:g}",
                f"{len(own)} of {sum(n.rate == rate for n in networks)}",
                str(circular),
                *(over_seeds([n.values[name] for n in own]) for name in QUANTITIES),
            )
        )
    return Table(
        "phases",
        "Over the attention rate, trained here",
        (
            "attention rate",
            "grokked",
            f"of these circular (> {CIRCULAR})",
            *(WORDS[name] for name in QUANTITIES),
        ),
        rows,
        "Mean [least, greatest] (runs), over the runs that grokked.",
    )


def band_table(networks: Sequence[Network]) -> Table:
    """Return the published means of low and high attention rates beside those of the runs here."""
    kinds: dict[str, Callable[[Network], bool]] = {
        f"circularity > {CIRCULAR}": lambda n: n.values["circularity"] > CIRCULAR,
        "all that grokked": lambda n: True,
    }
    rows = []
    for band in BANDS:
        own = [n for n in networks if n.grokked and band.holds(n.rate)]
        for words, chosen in kinds.items():
            picked = [n for n in own if chosen(n)]
            for name in QUANTITIES[:2]:
                paper = number(getattr(band, name)) if words != "all that grokked" else "-"
                rows.append(
                    (
                        band.words,
                        words,
                        WORDS[name],
                        paper,
                        over_seeds([n.values[name] for n in picked]),
                    )
                )
    return Table(
        "bands",
        "Low and high attention rates",
        ("runs", "of these", "quantity", "published mean", "trained here"),
        rows,
        "Trained here: mean [least, greatest] (runs).",
    )


def linear_table(networks: Sequence[Network]) -> Table:
    """Return what the linear models of each type are."""
    rows = []
    for label in dict.fromkeys(n.label for n in networks):
        every = [n for n in networks if n.label == label]
        own = [n for n in every if n.grokked]
        forms = np.array([f for n in own for f in n.shares.values()]).reshape(-1, 2)
        rows.append(
            (
                label,
                f"{len(own)} of {len(every)}",
                *(over_seeds([n.values[name] for n in own]) for name in QUANTITIES),
                over_seeds(forms[:, 0].tolist()),
                over_seeds(forms[:, 1].tolist()),
                over_seeds([share for n in own for share in n.shifted]),
            )
        )
    return Table(
        "linear",
        "Linear models, trained here",
        (
            "type",
            "grokked",
            *(WORDS[name] for name in QUANTITIES),
            "circles in clock form, %",
            "circles in pizza form, %",
            "circles in shifted pizza form, %",
        ),
        rows,
        "Shifted: |cos(w(x - y)/2 + delta)| cos w(x + y - c) at the best delta. "
        'Mean [least, greatest] (runs; in the last three columns circles). "-": not defined, as gradient symmetricity '
        "where the operands have embeddings of their own.",
    )
