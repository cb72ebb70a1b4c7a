"""What the seven figures have in common: the subject they are drawn from, names, captions."""

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
import xarray as xr

from grokscope.figures.alternative import alternative_text
from grokscope.figures.theme import dress
from grokscope.transitions.transition import Transitions
from nanda2023_parts.model import Model
from nanda2023_parts.studies import StudyRun


@dataclass(frozen=True, eq=False)
class Scene:
    """What a figure may be drawn from.

    Attributes
    ----------
    model
        The network at the last checkpoint.
    ds, events
        The run's measures over training, and its located events.
    seeds
        Other runs of the setting, for figure 2.
    """

    model: Model
    ds: xr.Dataset
    events: Transitions
    seeds: Sequence[StudyRun]

    @property
    def name(self) -> str:
        """The run, its step and its setting in words."""
        config, key = self.model.snap.config, ", ".join(map(str, self.model.key)) or "none"
        return (
            f"Run {self.ds.attrs.get('run', '')} at step {self.model.snap.step:,}: addition modulo {self.model.n}, "
            f"one layer, width {config.d_model}, {config.n_heads} heads, {config.d_mlp} neurons; key frequencies {key}."
        )


def finish(
    fig: go.Figure, scene: Scene, name: str, title: str, told: str, *, height: int, single: int
) -> go.Figure:
    """Give a figure the shared look, its name, its title, its caption and its words for those who do not see it."""
    dress(fig, height=height, single=single)
    fig.update_layout(margin_t=22)  # room for the first panel's title
    meta = dict(fig.layout.meta or {}) | {"name": name, "title": title}
    meta["caption"] = (
        f"{title}. {told} {scene.name} After {name.replace('-', ' ')} of Nanda et al. 2023."
    )
    fig.layout.meta = meta | {"alternative": alternative_text(fig, title)}
    return fig


def panel_title(fig: go.Figure, text: str, row: int, col: int = 1) -> None:
    """Write a short line above a panel."""
    fig.add_annotation(
        text=text, xref="x domain", yref="y domain", x=0, y=1, xanchor="left", yanchor="bottom",
        showarrow=False, row=row, col=col,
    )  # fmt: skip
