"""Appendix A.4: training answers replaced by those of other equations."""

import numpy as np
import plotly.graph_objects as go

import grokscope as gs
from grokscope.sweeps import Sweep
from published.claims import Claim


def draw(sweep: Sweep) -> dict[str, go.Figure]:
    """Draw the figure."""
    return {"A.4": gs.figures.outliers(sweep.dataset())}


def claims(sweep: Sweep) -> list[Claim]:
    """Training accuracy still reaches 100 %; validation suffers only from many outliers."""
    ds = sweep.dataset()
    best = ds["best_accuracy"].mean("seed")
    counts = np.unique(ds["outliers"].values)
    share = ds["outliers"] / ds["n_train"].mean("seed")
    found = [
        Claim(
            "smallest best train accuracy of any run, outliers included",
            "100 %",
            f"{100 * float(ds['best_accuracy'].sel(rows='train').min()):.2f} %",
            bool(float(ds["best_accuracy"].sel(rows="train").min()) >= 0.99),
            "criterion: at least 99 %",
        )
    ]
    none = float(best.sel(rows="test").where(ds["outliers"] == 0).max())
    for count in counts:
        here = best.sel(rows="test").where(ds["outliers"] == count)
        fraction = float(share.where(ds["outliers"] == count).max())
        found.append(
            Claim(
                f"{count:,} outliers (up to {100 * fraction:.1f} % of training rows): mean best validation accuracy",
                "little effect up to about 1,000 (21 % of half the table)" if count else "-",
                f"{float(here.max()):.3f}" + (f" (without: {none:.3f})" if count else ""),
                None if not count or fraction > 0.21 else bool(float(here.max()) > none - 0.1),
                "criterion: less than .1 lower than without" if 0 < fraction <= 0.21 else "",
            )
        )
    return found
