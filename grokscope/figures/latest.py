"""The last values of a variable that there are: costly measures skip steps, and a diverged run ends in NaN."""

import numpy as np
import xarray as xr


def latest(ds: xr.Dataset, name: str) -> xr.DataArray:
    """Return a variable at the last step at which it has a finite value; as it is where it has no steps.

    `figures.series.has` says beforehand whether there is such a step.
    """
    array = ds[name]
    if "step" not in array.dims:
        return array
    return array.isel(step=last_seen(ds, name))


def last_seen(ds: xr.Dataset, name: str) -> int:
    """Return the position of the last step at which a variable has a finite value, the last one where it has none."""
    values = np.asarray(ds[name].transpose("step", ...).values, dtype=np.float64)
    seen = np.flatnonzero(np.isfinite(values).reshape(len(values), -1).any(axis=1))
    return int(seen[-1]) if seen.size else len(values) - 1
