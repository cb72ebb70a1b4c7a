"""grokscope bench: how fast grokscope is on this machine, beside the obvious alternative."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grokscope.cli.output import print_json, print_line, print_table
from grokscope.cli.parse import parse
from grokscope.cli.progress import progress
from grokscope.errors import RequestError

if TYPE_CHECKING:
    from grokscope.bench import CaseResult, Spread
    from grokscope.bench.machine import Machine

_PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "u"))
_LARGE = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True)
class Options:
    """Measure how fast grokscope is on this machine, side by side with the obvious alternative, as ratios.

    Every contender has a process of its own, and they take turns. On a machine that is busy the times say little.
    """

    case: str = ""
    """Cases by name or letter, with commas: step (a), step2 (b), seeds and seeds59 (both: c), analysis (d), share \
(e), gpu; all where not given (docs: performance)."""
    run: Path | None = None
    """Case analysis: a run of addition modulo p with one layer, in place of a planted circuit."""
    threads: int | None = None
    """Threads of every process; torch's own number where not given."""
    quick: bool = False
    """Fewer rounds and shorter runs."""
    json: bool = False
    """Print machine, medians, quartiles and ratios as JSON, in seconds, bytes and operations."""
    quiet: bool = False
    """No progress bar."""


def main(argv: Sequence[str], tiny: bool = False) -> int:
    """Measure and print a table for each case; 1 where two contenders did not do the same work.

    Parameters
    ----------
    tiny
        Tables of a few rows, for tests: the times say nothing.
    """
    options = parse(Options, "bench", argv)
    from grokscope.bench import Settings, choose_cases, run_case
    from grokscope.bench.machine import this_machine
    from grokscope.bench.rounds import n_turns

    names = choose_cases(options.case)
    if options.threads is not None and options.threads < 1:
        raise RequestError(f"--threads {options.threads}", "1 or more")
    if options.run is not None and "analysis" not in names:
        raise RequestError(f"--run {options.run} without case analysis", "--case analysis")
    settings = Settings(options.quick, tiny, options.threads, options.run)
    machine = this_machine(settings)
    if options.run is not None:
        from grokscope.bench.checkpoint_analysis import check
        from grokscope.runs.run import open_run

        check(open_run(options.run))
    if not options.json:
        _print_machine(machine)
    results: list[CaseResult] = []
    for name in names:
        with progress(name, n_turns(name, settings), options.quiet) as advance:
            done = -1

            def on_turn(note: str, advance: Callable[..., None] = advance) -> None:
                nonlocal done
                done += 1
                advance(done, note)

            found = run_case(name, settings, on_turn)
            advance(done + 1)
        results.append(found)
        if not options.json:
            _print_case(found)
    if options.json:
        print_json({"machine": asdict(machine), "cases": [_as_json(found) for found in results]})
    return 1 if any(found.same is False for found in results) else 0


def _print_machine(machine: "Machine") -> None:
    load = "not known" if machine.load is None else f"{machine.load:.2f}"
    print_line(f"{machine.cpu}, {machine.cores} cores usable, {machine.system}")
    print_line(
        f"torch {machine.torch}, Python {machine.python}, {machine.threads} threads, load {load}"
    )
    if machine.busy:
        print_line("warning: the machine is busy, the times and ratios below are not to be trusted")


def _print_case(found: "CaseResult") -> None:
    rows = [
        (
            line.label,
            _number(line.value.median, line.unit),
            _quartiles(line.value, line.unit),
            "" if line.times_ours is None else f"{line.times_ours.median:.2f}",
            "" if line.times_ours is None else _quartiles(line.times_ours, ""),
        )
        for line in found.lines
    ]
    if rows:
        columns = ("what", "median", "quartiles", "times ours", "quartiles")
        print_table(columns, rows, title=f"{found.case.name}: {found.case.title}")
    else:
        print_line(f"{found.case.name}: {found.case.title}")
    for label, facts in found.facts.items():
        if "engine" in facts:
            print_line(f"{label}: {facts['engine']}")
    for label, reason in found.not_measured.items():
        print_line(f"{label}: not measured: {reason}")
    if found.same is not None:
        words = "yes" if found.same else f"no, accepted: {found.case.tolerance:.0e}"
        print_line(f"{found.case.agreement}: {words} (largest difference {found.difference:.1e})")


def _quartiles(value: "Spread", unit: str) -> str:
    if value.n == 1:
        return ""
    return f"{_number(value.low, unit)} to {_number(value.high, unit)}"


def _number(value: float, unit: str) -> str:
    """Return a number with its unit, by three digits: "35.1 ms", "3.72 G operations", "71.3 %"."""
    if unit == "share":
        return f"{100 * value:.1f} %"
    if unit == "":
        return f"{value:.2f}"
    factor, prefix = 1.0, ""
    if unit == "s":
        factor, prefix = next(((f, p) for f, p in _PREFIXES if value >= f), _PREFIXES[-1])
    elif unit in ("B", "operations", "operations/s"):
        factor, prefix = next(((f, p) for f, p in _LARGE if value >= f), (1.0, ""))
    space = " " if unit.startswith("operations") and prefix else ""
    return f"{value / factor:.3g} {prefix}{space}{unit}"


def _as_json(found: "CaseResult") -> dict[str, object]:
    return {
        "name": found.case.name,
        "title": found.case.title,
        "same": found.same,
        "difference": _finite(found.difference),
        "tolerance": found.case.tolerance,
        "lines": [
            {
                "label": line.label,
                "unit": line.unit,
                **asdict(line.value),
                "times_ours": None if line.times_ours is None else asdict(line.times_ours),
            }
            for line in found.lines
        ],
        "facts": {label: dict(facts) for label, facts in found.facts.items()},
        "not_measured": dict(found.not_measured),
    }


def _finite(value: float | None) -> float | None:
    """Return `value`, or None where it is infinite, which JSON cannot say."""
    return None if value is None or value == float("inf") else value
