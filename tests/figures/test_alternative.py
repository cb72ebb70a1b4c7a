"""What a figure says to those who do not see it."""

import numpy as np
import pytest

from grokscope import figures


def told(fig):
    return fig.layout.meta["alternative"]


def test_phases_and_events_are_named_in_order(ds, events):
    """Else a listener hears of curves, and not of what happened when."""
    text = told(figures.progress(ds, events))
    assert f"Phases in order: {', '.join(name for name, _, _ in events.phases())}." in text
    assert "Events in order: memorised, circuit onset, off chance" in text


def test_bars_are_told_by_the_longest(ds):
    """Else a spectrum is no more than its legend to a listener."""
    text = told(figures.final_spectrum(ds))
    cos = ds["embedding_spectrum_phase"].sel(phase="cos").isel(step=-1)
    longest = int(cos["freq"].values[int(cos.values.argmax())])
    assert f"cos: {cos.size} bars, the longest {float(cos.max()):.3g} at {longest}" in text


def test_marks_are_told_by_the_outermost_with_their_names(ds):
    """Else a listener hears how many parts were ablated, and not which one matters most."""
    text = told(figures.ablations(ds))
    loss = ds["ablation_loss"].sel(rows="test_twin_free", mode="zero")
    worst = str(loss["component"].values[int(np.nanargmax(loss.values))])
    assert f"{float(loss.max()):.3g} ({worst})" in text
    assert "random others: from" not in text  # places on the axis, which are no values


@pytest.mark.parametrize("name", figures.NAMES)
def test_every_figure_gives_at_least_one_value(ds, events, groups, name):
    """Else the alternative is a title: less than what one glance gives."""
    run = ds if name in figures.available(ds) else groups.group_dataset(ds)
    text = told(figures.FIGURES[name](run, events)).split(". ", 1)[1]
    assert sum(part.strip(",;.()")[:1].isdigit() for part in text.split()) >= 2, text
