"""Figure 1 centre: steps to 99 % validation accuracy against the share of training data."""

import numpy as np
import plotly.graph_objects as go

import grokscope as gs
from grokscope.errors import RequestError
from grokscope.figures.sweep_numbers.censored import median_steps
from grokscope.figures.sweep_numbers.growth import Growth, growth_per_point
from grokscope.sweeps import Sweep
from power2022_figures.words import known_high, median_words
from published.claims import Claim

PUBLISHED_RANGE = (0.25, 0.3)


def _fit(sweep: Sweep) -> tuple[float, float] | None:
    """Return the paper's range of data where this sweep covers it with three settings, else everything."""
    shares = np.unique(sweep.dataset()["frac_train"].values)
    inside = (shares >= PUBLISHED_RANGE[0]) & (shares <= PUBLISHED_RANGE[1])
    return PUBLISHED_RANGE if inside.sum() >= 3 else None


def draw(sweep: Sweep) -> dict[str, go.Figure]:
    """Draw the figure."""
    return {"1-centre": gs.figures.steps_to_accuracy(sweep.dataset(), fit=_fit(sweep))}


def claims(sweep: Sweep) -> list[Claim]:
    """Generalising takes more steps with less data; memorising does not."""
    ds = sweep.dataset()
    fit = _fit(sweep)
    grokked, memorised = _growth(ds, "grokked_99", fit), _growth(ds, "memorised", fit)
    every = range(ds.sizes["run"])
    steps = known_high(median_steps(ds, "memorised"), every)
    found = [
        Claim(
            "more steps to 99 % validation accuracy for each percentage point less data",
            "40 to 50 % near 25 to 30 % of the data",
            _words(grokked),
            None if grokked is None else bool(grokked.low <= 50 and grokked.high >= 40),
            "criterion: the interval overlaps with the published one",
        ),
        Claim(
            "steps to 99 % validation accuracy grow as data shrinks (the effect, whatever its size)",
            "yes",
            "not known" if grokked is None else f"at least {grokked.low:.1f} % for each point",
            None if grokked is None else bool(grokked.low > 0),
            "criterion: the whole interval is above 0",
        ),
        Claim(
            "more steps to memorise for each percentage point less data",
            "stays within 1,000 to 10,000",
            _words(memorised),
            None if grokked is None or memorised is None else bool(memorised.high < grokked.low),
            "criterion: its interval is below that of 99 % validation accuracy",
        ),
        Claim(
            "largest over smallest median of steps to memorise, over the shares of data",
            "within a factor of 10",
            f"{steps.max() / steps.min():.2f}" if len(steps) else "nothing memorised",
            bool(steps.max() <= 10 * steps.min()) if len(steps) else None,
        ),
    ]
    for run in every:
        share = float(ds["frac_train"].values[run])
        found.append(
            Claim(
                f"median steps at {100 * share:.3g} % of the data: memorised | 99 % validation",
                "-",
                f"{median_words(ds, 'memorised', run)} | {median_words(ds, 'grokked_99', run)}",
                None,
            )
        )
    return found


def _growth(ds: object, event: str, fit: tuple[float, float] | None) -> Growth | None:
    try:
        return growth_per_point(ds, event, fit)[0]  # type: ignore[arg-type]
    except RequestError:
        return None


def _words(growth: Growth | None) -> str:
    if growth is None:
        return "fewer than two medians are known"
    shares = 100 * growth.fractions
    return (
        f"{growth.percent:.1f} % [{growth.low:.1f}, {growth.high:.1f}] from {shares.min():.3g} to "
        f"{shares.max():.3g} % of the data, {growth.n_seeds} seeds"
    )
