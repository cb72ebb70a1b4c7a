"""Appendix A.5: sharpness of the training loss against validation accuracy, over 20 runs."""

import numpy as np
import plotly.graph_objects as go
import xarray as xr
from rich.progress import track

import grokscope as gs
from grokscope.figures.sweep_numbers.rank_correlation import spearman
from grokscope.sweeps import Sweep
from published.claims import Claim

PUBLISHED = -0.79548


def with_sharpness(sweep: Sweep) -> xr.Dataset:
    """Return the sweep's dataset with `sharpness` of every finished run, at its last checkpoint."""
    ds = sweep.dataset()
    values = np.full((ds.sizes["run"], ds.sizes["seed"]), np.nan)
    runs, seeds = ds["run"].values.tolist(), ds["seed"].values.tolist()
    finished = [r for r in sweep.runs if r.status in ("done", "stopped early")]
    attrs: dict[str, str] = {}
    for record in track(finished, "sharpness", transient=True):
        run = sweep.run(record.label, record.seed)
        found = gs.analyze(run, measures=["sharpness"], steps=[run.steps[-1]])["sharpness"]
        values[runs.index(record.label), seeds.index(record.seed)] = float(found.isel(step=-1))
        attrs = {k: v for k, v in found.attrs.items() if isinstance(v, str)}
    return ds.assign(sharpness=(("run", "seed"), values, attrs))


def draw(sweep: Sweep) -> dict[str, go.Figure]:
    """Draw the figure."""
    return {"A.5": gs.figures.sharpness_accuracy(with_sharpness(sweep))}


def claims(sweep: Sweep) -> list[Claim]:
    """Flat minima generalise."""
    found = spearman(with_sharpness(sweep))
    return [
        Claim(
            "Spearman's rank correlation of sharpness and validation accuracy, 95 % interval over runs",
            f"{PUBLISHED} (20 runs)",
            f"{found.rho:.3f} [{found.low:.3f}, {found.high:.3f}] ({found.n} runs)",
            bool(found.high < 0),
            "criterion: the whole interval is below 0",
        )
    ]
