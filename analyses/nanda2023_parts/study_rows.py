"""The rows that need other runs: seeds, weight decays, shares of the pairs."""

from collections.abc import Mapping, Sequence

from nanda2023_parts.numbers import (
    DECAYS,
    FAR_ENOUGH,
    FRACTIONS,
    KEY,
    OTHER_KEYS,
    SLOWER,
    SWEEP,
    SWEEP_LOSS,
)
from nanda2023_parts.row import Row, Subject, when
from nanda2023_parts.studies import Interval, StudyRun, runs_of
from nanda2023_parts.tolerances import INSIDE, NOT_RUN, OUTSIDE


def study_rows(subject: Subject, runs: Sequence[StudyRun]) -> list[Row]:
    """Return the rows over seeds, weight decays and shares of the pairs; a run that is not there is not run."""
    return _seeds(runs) + _decays(subject, runs) + _fractions(subject, runs)


def _seeds(runs: Sequence[StudyRun]) -> list[Row]:
    counts = [len(KEY), *(len(keys) for keys in OTHER_KEYS)]
    low, high = min(counts), max(counts)
    own = {run.seed: run for run in runs_of(runs, "seeds")}
    rows = []
    for seed in range(1, 1 + len(OTHER_KEYS)):
        what = f"seed {seed}: number of key frequencies"
        run = own.get(seed)
        if run is None or not run.grokked:
            why = "" if run is None else f"has not grokked by step {run.last_step:,}"
            verdict = NOT_RUN if run is None else OUTSIDE
            rows.append(
                Row("seeds", what, f"{low} to {high}", "-", "the published range", verdict, why)
            )
            continue
        verdict = INSIDE if low <= len(run.key) <= high else OUTSIDE
        found = f"{len(run.key)}: {', '.join(map(str, run.key))}"
        rule = "the published range"
        rows.append(Row("seeds", what, f"{low} to {high}", found, rule, verdict, _from(run)))
    return rows


def _decays(subject: Subject, runs: Sequence[StudyRun]) -> list[Row]:
    base = _base(subject)
    own = {f"{run.weight_decay:g}": run for run in runs_of(runs, "decay")}
    rows = []
    for decay, said in DECAYS.items():
        run = own.get(decay)
        interval = base if decay == "1" else run and run.events["grokked_99"]
        what = f"weight decay {decay}: step at which it groks (test accuracy .99)"
        if interval is None or (decay in ("0.3", "3") and (base is None or base[1] is None)):
            rows.append(Row("weight decay", what, said, "-", "", NOT_RUN))
            continue
        measured, rule, holds = _decay_holds(decay, interval, base)
        verdict = INSIDE if holds else OUTSIDE
        note = _from(run) if run else "the run itself"
        rows.append(Row("weight decay", what, said, measured, rule, verdict, note))
    return rows


def _decay_holds(decay: str, interval: Interval, base: Interval | None) -> tuple[str, str, bool]:
    low, high = interval
    if decay == "0":
        enough = high is None and (low or 0) >= FAR_ENOUGH
        return when(interval), f"never, to step {FAR_ENOUGH:,} at least", enough
    if decay == "1" or base is None or base[1] is None:
        return when(interval), "groks", high is not None
    if high is None:
        return when(interval), "groks", False
    times = high / base[1]
    if decay == "3":
        return f"{when(interval)}: {times:.2g} x", "fewer steps than at 1", times < 1
    holds = SLOWER - 0.5 <= times < SLOWER + 0.5
    return f"{when(interval)}: {times:.2g} x", f"rounds to {SLOWER:g} x", holds


def _base(subject: Subject) -> Interval | None:
    """Return when the published setting groks: in the run itself, where it is of that setting."""
    if not subject.setting:
        return None
    found = {event.name: event for event in subject.events}.get("grokked_99")
    return None if found is None else (found.low, found.high)


def _fractions(subject: Subject, runs: Sequence[StudyRun]) -> list[Row]:
    own = {f"{run.frac_train:g}": run for run in runs_of(runs, "fractions")}
    rows = []
    for fraction, said in FRACTIONS.items():
        run = own.get(fraction)
        events: Mapping[str, Interval] | None = run.events if run else None
        if fraction == "0.3" and subject.setting:
            events = {event.name: (event.low, event.high) for event in subject.events}
        what = f"share of the pairs {fraction}: step at which it groks"
        if events is None:
            rows.append(Row("fractions", what, said, "-", "", NOT_RUN))
            continue
        holds, rule, measured = _fraction_holds(said, events)
        note = _from(run) if run else "the run itself"
        rows.append(
            Row("fractions", what, said, measured, rule, INSIDE if holds else OUTSIDE, note)
        )
    return rows + _sweep(subject, runs, own)


def _fraction_holds(said: str, events: Mapping[str, Interval]) -> tuple[bool, str, str]:
    low, high = events["grokked_99"]
    memorised, half = events["memorised"][1], events["grokked_50"][1]
    if said == "groks":
        return high is not None, "groks after it memorised", when((low, high))
    if said.startswith("not"):
        enough = high is None and (low or 0) >= FAR_ENOUGH
        return enough, f"not by {FAR_ENOUGH:,}", when((low, high))
    at_once = memorised is not None and half is not None and half < 2 * memorised
    measured = f"{when((low, high))}; .5 by {half or 0:,}, memorised by {memorised or 0:,}"
    return at_once, "test accuracy .5 before twice the steps of memorising", measured


def _sweep(subject: Subject, runs: Sequence[StudyRun], own: Mapping[str, StudyRun]) -> list[Row]:
    """Return the author's own sweep; how far two runs of one setting differ is read off our seeds at .3."""
    at_base = [
        run.events["test_loss"] for run in runs_of(runs, "seeds") if run.seed != subject.seed
    ]
    if subject.setting:
        at_base.append(subject.curve_below)
    steps = [high for _, high in at_base if high is not None]
    factor = max(steps) / min(steps) if len(steps) > 1 else None
    rows = []
    for fraction, published in SWEEP.items():
        run = own.get(f"{fraction:g}")
        what = f"share of the pairs {fraction:g}: first step with a test loss below {SWEEP_LOSS:g}"
        interval = run.events["test_loss"] if run else None
        if fraction == 0.3 and subject.setting:
            interval = subject.curve_below
        if interval is None or factor is None:
            rows.append(Row("fractions", what, f"{published:,}", "-", "", NOT_RUN))
            continue
        rule = f"a factor {factor:.2f}: the spread of our {len(steps)} seeds at .3"
        high = interval[1]
        inside = high is not None and 1 / factor <= high / published <= factor
        note = _from(run) if run else "the run itself"
        verdict = INSIDE if inside else OUTSIDE
        rows.append(Row("fractions", what, f"{published:,}", when(interval), rule, verdict, note))
    return rows


def _from(run: StudyRun) -> str:
    return f"from the kept study of {run.origin}" if run.origin else "from the sweep at hand"
