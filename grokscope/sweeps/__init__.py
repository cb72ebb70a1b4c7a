"""Many runs as one thing: a specification, a folder, and one labelled dataset of all settings and seeds."""

from grokscope.sweeps.folder import Sweep, load_sweep_dataset, open_sweep
from grokscope.sweeps.record import SweepRun
from grokscope.sweeps.start import sweep

__all__ = ["Sweep", "SweepRun", "load_sweep_dataset", "open_sweep", "sweep"]
