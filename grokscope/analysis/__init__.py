"""From a run to a labelled dataset, and the dataset as a file."""

from grokscope.analysis.netcdf import read_dataset, write_dataset
from grokscope.analysis.orchestrate import analyze

__all__ = ["analyze", "read_dataset", "write_dataset"]
