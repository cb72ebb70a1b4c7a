"""From a Dataset, its Transitions and a verdict to one self-contained HTML page."""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import plotly.graph_objects as go
import xarray as xr
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from grokscope.errors import RequestError
from grokscope.figures import FIGURES, NAMES
from grokscope.figures.declare import definitions, summary
from grokscope.figures.export import CONFIG, policy, script_json
from grokscope.figures.labels import figure_dict, figure_json
from grokscope.figures.sizes import telephone
from grokscope.files import write_text
from grokscope.report import algorithm_tables, key_tables, tables
from grokscope.report.words import told
from grokscope.transitions.transition import Transitions

#: A page larger than this is slow on a telephone and refused by some mail servers.
MOST_BYTES = 15_000_000
#: Where one figure alone would take more than its share of the page.
MOST_FIGURE_BYTES = 2_500_000


def write_report(
    ds: xr.Dataset,
    transitions: Transitions,
    verdict: Mapping[str, Any],
    path: str | Path,
    figures: Sequence[str] | None = None,
) -> Path:
    """Write the report to a file that appears whole or not at all.

    Parameters
    ----------
    ds, transitions, verdict, figures
        As for `render_report`.
    path
        Where to.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    RequestError
        For an unknown figure or a place that cannot be written to.
    """
    write_text(Path(path), render_report(ds, transitions, verdict, figures))
    return Path(path)


def render_report(
    ds: xr.Dataset,
    transitions: Transitions,
    verdict: Mapping[str, Any],
    figures: Sequence[str] | None = None,
) -> str:
    """Return the report as one HTML page with plotly.js inside; nothing is loaded from a network.

    Parameters
    ----------
    ds
        A run's Dataset.
    transitions
        Its events.
    verdict
        ``label`` (one word or two), ``sentence``, ``evidence`` (name -> value) and ``algorithm``
        (`Algorithm.to_json`; without it the page has no such section).
    figures
        Names of the figures, in order (default: all). One that cannot be drawn is named with the
        reason.

    Raises
    ------
    RequestError
        For an unknown figure.
    """
    drawn, skipped = _figures(ds, transitions, NAMES if figures is None else figures)
    shown = {"figures": [item.pop("json") for item in drawn], "config": CONFIG}
    scripts = (get_plotlyjs(), _page_part("page.js"))
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_page_part),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("template.html").render(
        run=str(ds.attrs.get("run", "a run")),
        task=str(ds.attrs.get("task_formula") or ds.attrs.get("task") or ""),
        verdict=_verdict(verdict),
        events=tables.events(transitions),
        summary=tables.summary(transitions),
        algorithm=algorithm_tables.algorithm(verdict),
        key=key_tables.key_rules(ds),
        key_rule=str(ds.attrs.get("key_rule", "")),
        key_at=str(ds.attrs.get("key_at", "")),
        neurons=key_tables.neuron_counts(ds),
        learned=key_tables.order_learned(ds),
        figures=drawn,
        skipped=skipped,
        hyper_parameters=tables.hyper_parameters(ds),
        provenance=tables.provenance(ds),
        variables=tables.variables(ds),
        policy=Markup(policy(*scripts)),
        data=Markup(script_json(json.dumps(shown))),
        plotly_js=Markup(scripts[0]),
        page_js=Markup(scripts[1]),
    )


def _page_part(name: str) -> str:
    return files("grokscope.report").joinpath(name).read_text(encoding="utf-8")


def _verdict(verdict: Mapping[str, Any]) -> dict[str, Any]:
    evidence = verdict.get("evidence") or {}
    return {
        "label": str(verdict.get("label", "")),
        "sentence": str(verdict.get("sentence", "")),
        "evidence": [(str(name).replace("_", " "), told(v)) for name, v in evidence.items()],
    }


def _narrow(figure: go.Figure) -> dict[str, Any]:
    """Return what differs on a telephone: the layout, and each trace's place in the legend."""
    small = telephone(figure)
    with_legend = [trace.to_plotly_json() for trace in small.data]
    return {
        "layout": figure_dict(go.Figure(layout=small.layout))["layout"],
        "legend": [trace.get("legend", "legend") for trace in with_legend],
        "showlegend": [trace.get("showlegend") for trace in with_legend],
    }


def _figures(
    ds: xr.Dataset, transitions: Transitions, names: Sequence[str]
) -> tuple[list[dict[str, Any]], list[tuple[str, str]]]:
    """Return the figures that can be drawn, and (title, reason) for the others."""
    drawn: list[dict[str, Any]] = []
    skipped: list[tuple[str, str]] = []
    total = len(get_plotlyjs()) + 200_000
    for name in names:
        drawing = FIGURES[name]
        try:
            figure = drawing(ds, transitions)
        except RequestError as error:
            skipped.append((drawing.title, error.given))
            continue
        text = figure_json(figure)
        narrow = _narrow(figure)
        if len(text) > MOST_FIGURE_BYTES or total + len(text) > MOST_BYTES:
            size = f"{len(text) / 1e6:.1f} MB of data, too much for this page"
            skipped.append((drawing.title, f"{size}: draw it by itself, as figure '{name}'"))
            continue
        total += len(text)
        drawn.append(
            {
                "name": name,
                "title": drawing.title,
                "summary": summary(drawing, ds),
                "definitions": definitions(drawing, ds),
                "alternative": figure.layout.meta["alternative"],
                "height": int(figure.layout.height or 400),
                "json": json.loads(text) | {"narrow": narrow},
            }
        )
    return drawn, skipped
