"""What each figure's file gives to the script."""

from collections.abc import Callable
from dataclasses import dataclass

import plotly.graph_objects as go

from grokscope.sweeps import Sweep
from published.claims import Claim


@dataclass(frozen=True)
class Figure:
    """One figure of the paper.

    Attributes
    ----------
    title
        What it shows.
    sweep
        Name of the sweep file that it is drawn from, without ending; figures may share one.
    draw
        From the sweep to named plotly figures.
    claims
        From the sweep to the published statements beside what was measured.
    """

    title: str
    sweep: str
    draw: Callable[[Sweep], dict[str, go.Figure]]
    claims: Callable[[Sweep], list[Claim]]
