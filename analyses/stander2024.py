"""Cosets in networks that learned permutation groups (Stander et al. 2024, arXiv 2312.06581): published and measured.

    python analyses/stander2024.py                  # small: the networks of chughtai2023.py, minutes
    python analyses/stander2024.py --scale paper    # 128 networks on S5: days
    python analyses/stander2024.py --dry-run        # the settings, published and scaled

For each network that learned S4, A5 or S5, and for the published S5 model where it is at hand: on which subgroup's
cosets each neuron is concentrated, beside relabelled elements; whether both operands' subgroups are conjugate; and what
interventions on the circuit do. Runs that are done are not trained again.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import plotly.graph_objects as go

from grokscope.cli.progress import progress
from grokscope.errors import GrokscopeError
from grokscope.runs.run import Run
from grokscope.sweeps import Sweep
from published.claims import markdown
from published.external import external_run
from published.measured import finished_runs
from published.page import write_page
from published.study import Options, Study, save_figures, show_settings, start, unfinished
from stander2024_parts.concentration import concentration
from stander2024_parts.figures import against_chance, by_subgroup
from stander2024_parts.interventions import interventions
from stander2024_parts.tables import Network, intervention_table, null_table, subgroup_table

SMALL = Study("chughtai2023-mlp", "chughtai2023/small/mlp.toml", "stander2024/paper/s5.toml")
PAPER = Study("stander2024-s5", "chughtai2023/small/mlp.toml", "stander2024/paper/s5.toml")
GROUPS = ("S5", "A5", "S4")
EXTERNAL = "S5_MLP_seed1"


@dataclass(frozen=True)
class Arguments(Options):
    """Train networks on permutation groups, look for cosets in them, and print published against measured."""


def main(options: Arguments) -> int:
    """Train, measure, draw, and write the page."""
    study = SMALL if options.scale == "small" else PAPER
    if options.dry_run:
        show_settings([study], options.scale)
        return 0
    folder = options.out / f"stander2024-{options.scale}"
    networks, notes = [], []
    model = external_run(EXTERNAL, f"rep_theory/{EXTERNAL}", options.out / "external")
    if model.run is None:
        notes.append(f"Not compared: {model.reason}")
    else:
        networks.append(network_of(model.run, "published model", published=True))
    sweep = study.runs(options)
    if sweep is None:
        notes.append("Partial: nothing was trained here yet.")
    else:
        notes += unfinished(sweep)
        networks += list(trained(sweep))
    tables = [subgroup_table(networks), null_table(networks), intervention_table(networks)]
    for table in tables:
        print(f"\n{table.title}\n{markdown(table.header, table.rows)}")
    for note in notes:
        print(note)
    tables.append(study.settings_table(options.scale))
    print(write_page(folder, f"Stander et al. 2024 (scale: {options.scale})", tables, notes))
    for path in save_figures(drawn(networks), folder, options):
        print(path)
    return 0


def trained(sweep: Sweep) -> Iterator[Network]:
    """Yield the networks of the sweep whose group has cosets to look for; with progress on standard error."""
    runs = [
        (record, run) for record, run in finished_runs(sweep) if run.config.task.group in GROUPS
    ]
    runs.sort(key=lambda pair: GROUPS.index(pair[1].config.task.group))
    with progress("looking for cosets", len(runs)) as advance:
        for done, (record, run) in enumerate(runs, start=1):
            yield network_of(run, f"seed {record.seed}")
            advance(done, f"{record.label}, seed {record.seed}")


def network_of(run: Run, name: str, published: bool = False) -> Network:
    """Return a run's last checkpoint, measured."""
    snap = run.snapshot()
    found = concentration(snap)
    try:
        outcomes = interventions(snap, found)
    except GrokscopeError:
        outcomes = {}
    accuracy = snap.accuracy.test if snap.split is not None else snap.accuracy.all
    return Network(run.config.task.group, name, accuracy, found, outcomes, published)


def drawn(networks: list[Network]) -> dict[str, go.Figure]:
    """Return the figures: one network of each group beside chance, all networks of it by subgroup."""
    figures = {}
    for group in GROUPS:
        own = [n for n in networks if n.group == group]
        if own:
            figures[f"concentration-{group}"] = against_chance(own[-1])
            figures[f"subgroups-{group}"] = by_subgroup(own)
    return figures


if __name__ == "__main__":
    start(main, Arguments, "stander2024", __doc__)
