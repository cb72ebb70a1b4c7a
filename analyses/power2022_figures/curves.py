"""Figures 1 left and 4: division with Adam without weight decay, the late rise and the loss that climbs before it."""

import numpy as np
import plotly.graph_objects as go
import xarray as xr

import grokscope as gs
from grokscope.figures.sweep_numbers.censored import median_steps
from grokscope.sweeps import Sweep
from power2022_figures.words import median_words
from published.claims import Claim

THERE = 0.95


def draw_accuracy(sweep: Sweep) -> dict[str, go.Figure]:
    """Draw figure 1 left."""
    return {"1-left": gs.figures.sweep_curves(sweep.dataset(), quantity="accuracy")}


def draw_loss(sweep: Sweep) -> dict[str, go.Figure]:
    """Draw figure 4."""
    return {"4": gs.figures.sweep_curves(sweep.dataset(), quantity="loss")}


def draw_both(sweep: Sweep) -> dict[str, go.Figure]:
    """Draw accuracy and loss of the published setting."""
    return {"division": gs.figures.sweep_curves(sweep.dataset())}


def division_claims(sweep: Sweep) -> list[Claim]:
    """The published setting generalises within its 100,000 steps."""
    ds = sweep.dataset()
    best = ds["best_accuracy"].sel(rows="test").isel(run=0)
    return [
        Claim(
            "x / y, half of the table: mean best validation accuracy within 100,000 steps (figure 2 right)",
            "near 100 %",
            f"{100 * float(best.mean('seed')):.2f} %",
            bool(float(best.min()) >= 0.99),
            "criterion: at least 99 % in every seed; runs stop once they are there",
        ),
        Claim(
            "steps until memorised, median over seeds", "-", median_words(ds, "memorised", 0), None
        ),
        Claim(
            "steps until validation accuracy is 99 %, median over seeds",
            "-",
            median_words(ds, "grokked_99", 0),
            None,
        ),
    ]


def accuracy_claims(sweep: Sweep) -> list[Claim]:
    """Memorised early, generalised late."""
    ds = sweep.dataset()
    memorised, grokked = median_steps(ds, "memorised"), median_steps(ds, "grokked_99")
    first, late = memorised.high[0], grokked.high[0]
    claims = [
        Claim(
            "steps until train accuracy is 99 % (event memorised, median over seeds)",
            "before 1,000",
            median_words(ds, "memorised", 0),
            bool(first <= 1000),
        ),
        Claim(
            "steps until validation accuracy is 99 % (event grokked_99, median over seeds)",
            "near 1,000,000",
            median_words(ds, "grokked_99", 0),
            None if not np.isfinite(late) else bool(late >= 10 * first),
            "criterion: at least 10 times later than memorised; the number itself is that of the published size",
        ),
    ]
    claims += [_late_rise(ds.isel(run=0).sel(seed=seed), int(seed)) for seed in ds["seed"].values]
    return claims


def _late_rise(one: xr.Dataset, seed: int) -> Claim:
    """Validation accuracy when training accuracy is there, and how much later it follows."""
    train, test = (one["accuracy"].sel(rows=rows).dropna("step") for rows in ("train", "test"))
    learned, follows = _first(train), _first(test)
    what = f"seed {seed}: validation accuracy when train accuracy is first {100 * THERE:g} % | at the end"
    published = "chance | near 100 %, about 1,000 times later"
    last = int(test["step"].values[-1])
    if learned is None:
        return Claim(what, published, f"train accuracy never gets there by step {last:,}", None)
    then, end = float(test.sel(step=learned)), float(test.values[-1])
    later = f"{follows / learned:.1f} times later" if follows and learned else "not by the end"
    return Claim(
        what,
        published,
        f"{then:.3f} at {learned:,} | {end:.3f} at {last:,}; {100 * THERE:g} % {later}",
        bool(then < 0.2 and follows is not None),
        "criterion: below .2 then, and there before the end; how much later depends on the setting",
    )


def _first(accuracy: xr.DataArray) -> int | None:
    """Return the first evaluated step at which an accuracy is there."""
    there = accuracy["step"].values[accuracy.values >= THERE]
    return int(there[0]) if len(there) else None


def loss_claims(sweep: Sweep) -> list[Claim]:
    """Validation loss climbs while training accuracy is already perfect, then falls."""
    ds = sweep.dataset()
    claims = []
    for seed in ds["seed"].values:
        loss = ds["loss"].isel(run=0).sel(seed=seed, rows="test").dropna("step")
        steps, values = loss["step"].values, loss.values
        peak = int(np.argmax(values))
        lowest = int(np.argmin(values[: peak + 1]))
        claims.append(
            Claim(
                f"seed {seed}: validation loss, lowest before its peak | peak | end",
                "rises from about step 100 to 100,000, then falls",
                f"{values[lowest]:.2f} at {steps[lowest]:,} | {values[peak]:.2f} at {steps[peak]:,} | "
                f"{values[-1]:.3f} at {steps[-1]:,}",
                bool(values[peak] > 1.5 * values[lowest] and values[-1] < 0.5 * values[peak]),
                "criterion: the peak is 1.5 times the low before it, and the end less than half of the peak",
            )
        )
    return claims
