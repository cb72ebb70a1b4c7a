"""Progress measures for grokking (Nanda et al. 2023, arXiv 2301.05217): published against measured.

    python analyses/nanda2023.py                        # the reference run: a minute
    python analyses/nanda2023.py --run DIR              # any run of addition by a one-layer transformer
    python analyses/nanda2023.py --train --seed 0       # a fresh training of 40,000 steps, and the studies: hours
    python analyses/nanda2023.py --studies DIR --keep   # keep what the tables need of trained sweeps

Every published number beside the measured one, with the tolerance stated by a rule, and figures 1 to 7 drawn anew. What
is said over seeds, weight decays and shares of the pairs comes from sweeps, or as it was kept of them.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from grokscope.errors import RequestError
from grokscope.figures import publish
from grokscope.runs.run import Run, open_run
from nanda2023_parts import training
from nanda2023_parts.documentation import renew
from nanda2023_parts.drawing import Scene
from nanda2023_parts.figures import BESIDE, NEED_KEY, figures
from nanda2023_parts.model import model_of
from nanda2023_parts.row import HEADER, Row, Subject
from nanda2023_parts.rows import count, table
from nanda2023_parts.studies import (
    StudyRun,
    all_runs,
    at_hand,
    keep,
    reference_run,
    runs_of,
)
from nanda2023_parts.subject import MEASURES, subject_of
from nanda2023_parts.tolerances import OTHER, OUTSIDE
from nanda2023_parts.tolerances import __doc__ as RULES
from published.claims import markdown
from published.measured import measured
from published.page import Table, write_page
from published.study import start

REFERENCE = Path(__file__).resolve().parents[1] / "checkpoints" / "nanda2023-seed0"


@dataclass(frozen=True)
class Arguments:
    """Measure a run by every definition of Nanda et al. 2023 and print published against measured."""

    run: Path | None = None
    """Directory of the run; the reference run where not given."""
    train: bool = False
    """Train the mainline run and the studies first, in --out; call it again to go on."""
    seed: int = 0
    """With --train: the mainline run's seed."""
    steps: int = 40_000
    """With --train: the mainline run's length; the paper's is 40,000."""
    sweeps: bool = True
    """--no-sweeps: with --train, the mainline run alone."""
    workers: int | None = None
    """With --train: runs of a sweep at the same time; one for each core where not given."""
    studies: Path | None = None
    """Folder that holds the sweeps seeds, decay and fractions; OUT/nanda2023 where not given."""
    keep: bool = False
    """Write what the tables need of these sweeps to nanda2023_parts/studies.json, and stop."""
    out: Path = Path("checkpoints")
    """Folder in which OUT/nanda2023 is made: page, tables, figures, trained runs."""
    figures: bool = True
    """--no-figures: the tables alone."""
    format: Literal["html", "svg", "pdf", "png"] = "html"
    """Format of the figures; all but html need grokscope[figures] and Chromium."""
    width: Literal["single", "double"] = "double"
    """Width of a paper's column: 3.25 or 6.75 inches."""
    page: Path | None = None
    """A page of documentation, docs/nanda2023.md, whose tables are made anew."""
    json: bool = False
    """Print the table as JSON."""


def main(options: Arguments) -> int:
    """Measure, draw, and write the page."""
    folder = options.out / "nanda2023"
    sweeps = options.studies or folder
    if options.keep:
        kept = folder / "measured"
        found = [reference_run(open_run(REFERENCE), kept), *at_hand(sweeps, kept)]
        keep(found)
        print(f"kept {len(found)} runs")
        return 0
    run = _run(options, folder)
    model_of(run)  # refuses what is no run of this kind, before it is measured
    ds = measured(run, MEASURES, folder / "measured", every_step=True)
    subject, model = subject_of(run, ds)
    runs = all_runs(sweeps, folder / "measured")
    rows = table(subject, runs)
    notes = _notes(subject, runs, rows)
    if options.page is not None:
        renew(options.page, rows)
    drawn: dict[str, Path] = {}
    if options.figures:
        seeds = [r for r in runs_of(runs, "seeds") if subject.setting and r.seed != subject.seed]
        scene = Scene(model, ds, subject.events, seeds)
        names = figures(scene)
        paths = publish(
            [(fig, folder / "figures" / f"{name}.{options.format}") for name, fig in names.items()],
            options.format,
            options.width,
        )
        drawn = dict(zip(names, paths, strict=True))
    page = write_page(folder, f"Nanda et al. 2023: {subject.name}", _tables(rows, drawn), notes)
    if options.json:
        print(json.dumps(_as_json(subject, rows, page, drawn), indent=1))
        return 0
    print(markdown(HEADER, [row.cells for row in rows]))
    for line in (*notes, str(page), *map(str, drawn.values())):
        print(line)
    return 0


def _run(options: Arguments, folder: Path) -> Run:
    if not options.train:
        return open_run(options.run or REFERENCE)
    if options.run is not None:
        raise RequestError("--run and --train", "one of the two")
    run = training.mainline(folder, options.seed, options.steps)
    if options.sweeps:
        training.studies(options.studies or folder, options.workers)
    return run


def _notes(subject: Subject, runs: Sequence[StudyRun], rows: Sequence[Row]) -> list[str]:
    inside, judged, absent = count(rows)
    settled = judged - absent
    counted = f"{inside} of {judged} rows inside the stated tolerance"
    counted += f"; {absent} not run, so {inside} of {settled} that are" if absent else ""
    notes = [
        counted if judged else "no row is judged",
        f"{subject.name}: last checkpoint at step {subject.last_step:,}; the paper's network is of step 40,000",
    ]
    if not subject.setting:
        notes.append(
            "not the paper's setting: its numbers are shown beside, and none is held against this run"
        )
    elif not subject.mainline:
        notes.append(f"seed {subject.seed}, not 0: the numbers of the paper's network do not apply")
    if not subject.grokked:
        notes.append("this run has not grokked by its last checkpoint; the published network has")
    if not subject.key:
        notes.append(f"no key frequencies: {', '.join(NEED_KEY)} are not drawn")
    dates = sorted({run.origin for run in runs if run.origin})
    if dates and subject.setting:
        notes.append(f"studies as kept on {', '.join(dates)}; remake them with --train")
    return notes


def _tables(rows: Sequence[Row], drawn: dict[str, Path]) -> list[Table]:
    rules = "\n".join((RULES or "").strip().splitlines()[2:])
    outside = [row for row in rows if row.verdict == OUTSIDE]
    found = [
        Table("table", "Published against measured", HEADER, [r.cells for r in rows], f"```text\n{rules}\n```"),
        Table("outside", "Outside the tolerance, and why", ("quantity", "published", "measured", "why"),
              [(r.what, r.published, r.measured, r.note) for r in outside]),
    ]  # fmt: skip
    if drawn:
        beside = [(f"[{name}](figures/{path.name})", BESIDE[name]) for name, path in drawn.items()]
        found.append(Table("figures", "Figures", ("figure", "beside the paper's"), beside))
    return found


def _as_json(
    subject: Subject, rows: Sequence[Row], page: Path, drawn: dict[str, Path]
) -> dict[str, object]:
    inside, judged, absent = count(rows)
    return {
        "run": subject.name,
        "step": subject.last_step,
        "key": list(subject.key),
        "inside": inside,
        "judged": judged,
        "not_run": absent,
        "rows": [dict(zip(HEADER, row.cells, strict=True)) for row in rows],
        "applies": any(row.verdict != OTHER for row in rows),
        "page": str(page),
        "figures": [str(path) for path in drawn.values()],
    }


if __name__ == "__main__":
    start(main, Arguments, "nanda2023", __doc__)
