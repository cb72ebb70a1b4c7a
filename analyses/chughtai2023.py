"""Networks that learn finite groups (Chughtai et al. 2023, arXiv 2302.03025): published against measured.

    python analyses/chughtai2023.py                  # small: ten minutes on two cores
    python analyses/chughtai2023.py --scale paper    # the published setting: days
    python analyses/chughtai2023.py --dry-run        # the settings, published and scaled

Table 1 of the paper beside the authors' own models, measured anew where they are at hand, and beside networks trained
here; key representations and the order in which they were learned; losses and shares over training; and the reason why
the published restricted losses of cyclic groups are what they are. Runs that are done are not trained again.
"""

from dataclasses import dataclass

import plotly.graph_objects as go

from chughtai2023_parts.figures import CURVES, learned, over_training
from chughtai2023_parts.neuron_losses import KEY_RULE, add_neuron_losses
from chughtai2023_parts.rank import rank_table
from chughtai2023_parts.table import MEASURES, Model, key_table, main_table, model_of, recorded
from grokscope.sweeps import Sweep
from published.claims import markdown
from published.external import External, external_run
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

MLP = Study("chughtai2023-mlp", "chughtai2023/small/mlp.toml", "chughtai2023/paper/mlp.toml")
EXTERNAL = ("C113_MLP_seed1", "C113_T_seed1", "D59_T_seed1", "S5_MLP_seed1")
SHOWN = "S5"


@dataclass(frozen=True)
class Arguments(Options):
    """Train the groups of Chughtai et al. 2023, measure them, and print published against measured."""


def main(options: Arguments) -> int:
    """Train, measure, draw, and write the page."""
    if options.dry_run:
        show_settings([MLP], options.scale)
        return 0
    sweep = MLP.runs(options)
    folder = options.out / f"chughtai2023-{options.scale}"
    external, notes = measured_external(options)
    tables = [main_table(external, [])] if sweep is None else []
    figures: dict[str, go.Figure] = {}
    if sweep is None:
        notes.append("Partial: nothing was trained here yet.")
    else:
        notes += unfinished(sweep)
        more, figures = measured_here(sweep, external)
        tables += more
    cyclic = {
        e.name: (e.run, recorded(e.path).get("restricted", float("nan")))
        for e, _ in external
        if e.run is not None and e.run.task.cyclic is not None
    }
    if cyclic:
        tables.append(rank_table(cyclic))
    tables.append(MLP.settings_table(options.scale))
    for table in tables[:1]:
        print(markdown(table.header, table.rows))
    for note in notes:
        print(note)
    print(write_page(folder, f"Chughtai et al. 2023 (scale: {options.scale})", tables, notes))
    for path in save_figures(figures, folder, options):
        print(path)
    return 0


def measured_external(options: Options) -> tuple[list[tuple[External, Model]], list[str]]:
    """Return the authors' models with their quantities, and a line for each that is not at hand."""
    found, notes = [], []
    for name in EXTERNAL:
        model = external_run(name, f"rep_theory/{name}", options.out / "external")
        if model.run is None:
            notes.append(f"Not compared: {model.reason}")
            continue
        kept = options.out / "external" / "measured"
        ds = measured(model.run, MEASURES, kept, add_neuron_losses, KEY_RULE)
        found.append((model, model_of(model.run, ds)))
    return found, notes


def measured_here(
    sweep: Sweep, external: list[tuple[External, Model]]
) -> tuple[list[Table], dict[str, go.Figure]]:
    """Return the tables and figures of the networks trained here."""
    runs = measure_runs(sweep, MEASURES, add_neuron_losses, KEY_RULE)
    trained = [model_of(run, ds) for _, run, ds in runs]
    curves = measure_runs(sweep, CURVES, every_step=True)
    verdicts = [
        (f"{e.name}, published", measured(e.run, FOR_VERDICT, e.run.path.parent / "measured"))
        for e, _ in external
        if e.run is not None
    ]
    verdicts += [(record.label, ds) for record, _, ds in measure_runs(sweep, FOR_VERDICT)]
    tables = [
        main_table(external, trained),
        key_table(trained, curves),
        verdict_table(verdicts),
        definitions_table(sweep),
    ]
    figures = {}
    for group in dict.fromkeys(model.group for model in trained):
        own = [c for c, model in zip(curves, trained, strict=True) if model.group == group]
        figures[f"learned-{group}"] = learned(own)
        if group == SHOWN:
            figures |= over_training(own[0][2], group)
    return tables, figures


if __name__ == "__main__":
    start(main, Arguments, "chughtai2023", __doc__)
