"""Whether a run on disk is what it says: each check in a file of its own, each finding with file, fault and remedy."""

from grokscope.checking.finding import Finding, Report
from grokscope.checking.whole import check

__all__ = ["Finding", "Report", "check"]
