"""Clocks and pizzas (Zhong et al. 2023, arXiv 2306.17844): published against measured.

    python analyses/zhong2023.py                  # small: the better part of an hour on two cores
    python analyses/zhong2023.py --scale paper    # the published setting: days
    python analyses/zhong2023.py --dry-run        # the settings, published and scaled

The authors' models A and B, measured anew where they are at hand; transformers with attention rates from 0 to 1, and
the linear models, trained here. Runs that are done are not trained again.
"""

from dataclasses import dataclass

import plotly.graph_objects as go
import xarray as xr

from published.claims import markdown
from published.external import external_run
from published.measured import measure_runs, measured
from published.page import Table, write_page
from published.study import (
    Options,
    Study,
    definitions_table,
    save_figures,
    show_settings,
    start,
    unfinished,
)
from published.verdicts import MEASURES as FOR_VERDICT
from published.verdicts import verdict_table
from zhong2023_parts.figures import over_rates, plane
from zhong2023_parts.networks import MEASURES, Network, network_of, networks_of
from zhong2023_parts.numbers import FILES
from zhong2023_parts.shifted import add_shifts
from zhong2023_parts.tables import band_table, linear_table, models_table, phase_table

ATTENTION = Study(
    "zhong2023-attention", "zhong2023/small/attention.toml", "zhong2023/paper/attention.toml"
)
LINEAR = Study("zhong2023-linear", "zhong2023/small/linear.toml", "zhong2023/paper/linear.toml")


@dataclass(frozen=True)
class Arguments(Options):
    """Train transformers over attention rates and linear models, measure them, and print published against measured."""


def main(options: Arguments) -> int:
    """Train, measure, draw, and write the page."""
    studies = [ATTENTION, LINEAR]
    if options.dry_run:
        show_settings(studies, options.scale)
        return 0
    folder = options.out / f"zhong2023-{options.scale}"
    theirs, verdicts, notes = measured_external(options)
    tables: list[Table] = [models_table(theirs)] if theirs else []
    figures: dict[str, go.Figure] = {}
    attention, linear = (study.runs(options) for study in studies)
    if attention is not None:
        notes += unfinished(attention)
        networks = networks_of(measure_runs(attention, MEASURES))
        tables += [band_table(networks), phase_table(networks)]
        verdicts += [(r.label, ds) for r, _, ds in measure_runs(attention, FOR_VERDICT)]
        if any(n.grokked for n in networks):
            figures = {"rates": over_rates(networks), "plane": plane(networks, theirs)}
    if linear is not None:
        notes += unfinished(linear)
        tables.append(linear_table(networks_of(measure_runs(linear, MEASURES, add_shifts))))
        verdicts += [(f"linear {r.label}", ds) for r, _, ds in measure_runs(linear, FOR_VERDICT)]
    if verdicts:
        tables.append(verdict_table(verdicts))
    for table in tables:
        print(f"\n{table.title}\n{markdown(table.header, table.rows)}")
    if attention is None or linear is None:
        notes.append("Partial: not every sweep was trained here yet.")
    tables += [definitions_table(s) for s in (attention, linear)[:1] if s is not None]
    tables += [study.settings_table(options.scale) for study in studies]
    for note in notes:
        print(note)
    print(write_page(folder, f"Zhong et al. 2023 (scale: {options.scale})", tables, notes))
    for path in save_figures(figures, folder, options):
        print(path)
    return 0


def measured_external(
    options: Options,
) -> tuple[list[Network], list[tuple[str, xr.Dataset]], list[str]]:
    """Return the authors' models A and B, measured, and for the verdict; and a line for each that is not at hand."""
    found, verdicts, notes = [], [], []
    for label, path in FILES.items():
        name = f"zhong2023-{label[0]}"
        model = external_run(name, path, options.out / "external")
        if model.run is None:
            notes.append(f"Not compared: {model.reason}")
            continue
        kept = options.out / "external" / "measured"
        ds = measured(model.run, MEASURES, kept)
        found.append(network_of(label, 0, model.run, ds))
        verdicts.append((f"model {label}, published", measured(model.run, FOR_VERDICT, kept)))
    return found, verdicts, notes


if __name__ == "__main__":
    start(main, Arguments, "zhong2023", __doc__)
