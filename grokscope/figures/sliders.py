"""A slider over steps or panels: each position carries what changes, nothing is computed later."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go


def add_slider(
    fig: go.Figure,
    labels: Sequence[str],
    changes: Sequence[dict[str, Any]],
    *,
    what: str,
    traces: Sequence[int] | None = None,
    active: int | None = None,
) -> None:
    """Add a slider whose position i restyles `traces` (default: all) by `changes[i]`.

    Parameters
    ----------
    labels
        One word per position.
    changes
        One dict per position: attribute -> list with one value per trace.
    what
        What the slider moves along ("training step").
    active
        The position that the figure shows as it is drawn (default: the last).
    """
    if len(labels) < 2:
        return
    which = list(range(len(fig.data))) if traces is None else list(traces)
    steps = [
        dict(method="restyle", label=label, args=[change, which])
        for label, change in zip(labels, changes, strict=True)
    ]
    fig.update_layout(
        sliders=[
            dict(
                active=len(labels) - 1 if active is None else active, steps=steps, name=what,
                currentvalue=dict(prefix=f"{what}: ", font_size=12), pad=dict(t=36, b=4),
                font_size=10, ticklen=3, len=1.0, x=0,
            )
        ]
    )  # fmt: skip


def only(groups: Sequence[int]) -> list[dict[str, Any]]:
    """Return changes that show one group of traces at a time; `groups[i]` is trace i's group."""
    return [{"visible": [group == shown for group in groups]} for shown in sorted(set(groups))]
