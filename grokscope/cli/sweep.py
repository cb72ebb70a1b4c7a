"""grokscope sweep FILE: many runs, several at a time, and one dataset of all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tyro.conf import Positional

from grokscope.cli.ending import if_interrupted
from grokscope.cli.output import print_json, print_table, say
from grokscope.cli.parse import parse
from grokscope.runs.lock import refuse_if_written

if TYPE_CHECKING:
    from grokscope.sweeps.folder import Sweep


@dataclass(frozen=True)
class Options:
    """Train all runs that a TOML file describes (docs: sweeps), and write the dataset of all of them.

    Runs that are done are left as they are, interrupted and failed ones go on: the same command again goes on.
    """

    file: Positional[Path]
    """The sweep, as a TOML file."""
    out: Path | None = None
    """Folder of the sweep; checkpoints/NAME where not given."""
    workers: int | None = None
    """Processes; one for each core where not given; 0: none but this one."""
    yes: bool = False
    """More than 1,000 runs are meant."""
    stack: bool = True
    """Train runs that differ in their seeds alone as one computation where that is faster; --no-stack: each by itself,
    to the bits that grokscope train gives."""
    device: str = "cpu"
    """cpu, cuda, or cuda:N."""
    dry_run: bool = False
    """List the runs and how far they are; train nothing."""
    json: bool = False
    """Print sweep, runs and dataset as JSON."""
    quiet: bool = False
    """No progress bar."""


def main(argv: Sequence[str]) -> int:
    """Run a sweep and print a table of it; 1 where a run failed."""
    options = parse(Options, "sweep", argv)
    if options.dry_run:
        return _dry_run(options)
    if options.out is not None:
        refuse_if_written(options.out)
    from grokscope.cli.sweep_progress import sweep_progress
    from grokscope.sweeps.start import sweep
    from grokscope.training.engine import engine_config

    engine = engine_config(device=options.device)
    with sweep_progress(options.quiet) as on_update:
        if_interrupted(lambda: ("the state of every run is kept", None))
        found = sweep(
            options.file,
            options.out,
            options.workers,
            yes=options.yes,
            on_update=on_update,
            engine=engine,
            stack=options.stack,
        )
    return tell(found, options.json)


def _dry_run(options: Options) -> int:
    from grokscope.sweeps.found_runs import planned_runs
    from grokscope.sweeps.plan import make_plan
    from grokscope.sweeps.specification import read_specification
    from grokscope.sweeps.start import check_folder, sweep_folder

    plan = make_plan(read_specification(options.file), options.yes)
    path = sweep_folder(plan, options.out)
    check_folder(path)
    runs = planned_runs(path, plan)
    if options.json:
        print_json({"sweep": str(path), "runs": [asdict(run) for run in runs], "dataset": None})
        return 0
    rows = [(run.label, str(run.seed), f"{run.n_train:,}", run.status) for run in runs]
    print_table(("setting", "seed", "training rows", "status"), rows, title=str(path))
    say(f"{len(runs):,} runs of {len(plan.settings):,} settings; nothing was trained")
    return 0


def tell(found: "Sweep", as_json: bool, engines: Mapping[str, Any] | None = None) -> int:
    """Print a sweep as JSON, or its table and its failures; return 1 where a run failed.

    Parameters
    ----------
    engines
        How its runs were computed, in words and as they stand in config.json; said as well where given.
    """
    runs = found.runs
    failed = [run for run in runs if run.status == "failed"]
    if as_json:
        print_json(
            {
                "sweep": str(found.path),
                "runs": [asdict(run) for run in runs],
                "dataset": str(found.dataset_path),
                **({} if engines is None else {"engines": list(engines.values())}),
            }
        )
        return 1 if failed else 0
    from grokscope.sweeps.summary import COLUMNS, summary_rows

    print_table(COLUMNS, summary_rows(found.dataset()), title=str(found.path))
    for run in failed:
        say(f"failed: '{run.label}' seed {run.seed}: {run.reason}")
    for engine in engines or ():
        say(f"engine: {engine}")
    say(f"sweep: {found.path}")
    say(f"dataset: {found.dataset_path}")
    return 1 if failed else 0
