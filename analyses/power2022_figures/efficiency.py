"""Figure 2: how much data each way to optimise (left) and each operation (right) needs."""

import plotly.graph_objects as go

import grokscope as gs
from grokscope.figures.sweep_numbers.data_needed import DataNeeded, data_needed
from grokscope.sweeps import Sweep
from power2022_figures.words import least, most, needed_words
from published.claims import Claim

LEVEL = 0.95
TO_ZERO, TO_INITIALISATION, ADAM = "AdamW 1 to zero", "AdamW 1 to initialisation", "Adam"
SYMMETRIC = ("mod_add", "mod_mul", "mod_a2_b2", "mod_a2_ab_b2")
ASYMMETRIC = ("mod_sub", "mod_div", "mod_div_or_sub", "mod_a2_ab_b2_a", "mod_a3_ab")
NEVER = "mod_a3_ab2_b"


def draw_left(sweep: Sweep) -> dict[str, go.Figure]:
    """Draw the left part."""
    return {"2-left": gs.figures.best_accuracy(sweep.dataset())}


def draw_right(sweep: Sweep) -> dict[str, go.Figure]:
    """Draw the right part."""
    return {"2-right": gs.figures.best_accuracy(sweep.dataset())}


def _needed(sweep: Sweep) -> dict[str, DataNeeded]:
    return {found.setting: found for found in data_needed(sweep.dataset(), LEVEL)}


def left_claims(sweep: Sweep) -> list[Claim]:
    """Weight decay to zero needs the least data, to the initialisation less so."""
    needed = _needed(sweep)
    zero, initial, none = (needed[case] for case in (TO_ZERO, TO_INITIALISATION, ADAM))
    what = f"share of data at which the mean best validation accuracy is {100 * LEVEL:g} %"
    found = [
        Claim(
            f"{what}: weight decay to zero against none",
            "less than half",
            f"{needed_words(zero)} against {needed_words(none)}",
            bool(most(zero) <= least(none)),
            "criterion: its interval is below" + _ratio(zero, none),
        ),
        Claim(
            "the same: weight decay to the initialisation",
            "between the two",
            needed_words(initial),
            bool(most(zero) <= most(initial) <= most(none) and most(zero) < most(none)),
            "criterion: neither less than to zero nor more than none",
        ),
    ]
    others = [n for n in needed if n not in (TO_ZERO, TO_INITIALISATION, ADAM)]
    found += [Claim(f"the same: {name}", "-", needed_words(needed[name]), None) for name in others]
    return found


def _ratio(zero: DataNeeded, none: DataNeeded) -> str:
    """Say what is known of the factor between the two shares of data."""
    if zero.censored or not least(none):
        return ""
    ratio = most(zero) / least(none)
    told = (
        "less than half"
        if ratio < 0.5
        else "whether it is less than half cannot be told on this grid"
    )
    return f"; at most {ratio:.2f} of it: {told}"


def right_claims(sweep: Sweep) -> list[Claim]:
    """Symmetric operations need less data; one polynomial is never learned."""
    needed = _needed(sweep)
    symmetric = {t: n for t in SYMMETRIC if (n := _task(needed, t)) is not None}
    asymmetric = {t: n for t in ASYMMETRIC if (n := _task(needed, t)) is not None}
    never = _task(needed, NEVER)
    pairs = [(a, b) for a in symmetric.values() for b in asymmetric.values()]
    less = sum(most(a) < most(b) for a, b in pairs)
    more = sum(most(a) > most(b) for a, b in pairs)
    what = f"share of data at which the mean best validation accuracy is {100 * LEVEL:g} %"
    found = [
        Claim(
            "pairs of a symmetric and an asymmetric operation in which the symmetric one needs less data",
            "symmetric operations need less",
            f"less in {less}, more in {more}, the same on this grid in {len(pairs) - less - more}",
            bool(less > len(pairs) / 2),
            "criterion: less in most pairs",
        )
    ]
    minus, over = _task(needed, "mod_sub"), _task(needed, "mod_div")
    if minus is not None and over is not None:
        found.append(
            Claim(
                f"{what}: x - y | x / y",
                "about the same",
                f"{needed_words(minus)} | {needed_words(over)}",
                None if minus.censored and over.censored else bool(_touch(minus, over)),
                "criterion: the intervals are the same or next to each other on the grid",
            )
        )
    if never is not None:
        best = sweep.dataset()
        values = best["best_accuracy"].sel(rows="test").where(best["task"] == NEVER)
        found.append(
            Claim(
                "x^3 + x y^2 + y: largest best validation accuracy at any share of data",
                "never generalises up to 95 % of the data",
                f"{float(values.max()):.3f}",
                never.censored,
            )
        )
    found += [Claim(f"{what}: {name}", "-", needed_words(n), None) for name, n in needed.items()]
    return found


def _task(needed: dict[str, DataNeeded], task: str) -> DataNeeded | None:
    """Return the line of a task; lines are named by the field's value, alone or after its name."""
    hits = [n for name, n in needed.items() if name.split()[-1] == task]
    return hits[0] if hits else None


def _touch(a: DataNeeded, b: DataNeeded) -> bool:
    return least(a) <= most(b) and least(b) <= most(a)
