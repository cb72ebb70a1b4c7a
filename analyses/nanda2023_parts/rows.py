"""The rows of the table: published, measured, the rule, and whether it is inside; and for those outside, why."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from nanda2023_parts.numbers import (
    FIRST_LOSS,
    FIRST_LOSS_ROUNDING,
    INDEPENDENT,
    KEY,
    PHASES,
    ROWS,
    Published,
)
from nanda2023_parts.reasons import reason
from nanda2023_parts.row import Row, Subject, number, when
from nanda2023_parts.studies import Interval, StudyRun, runs_of
from nanda2023_parts.study_rows import study_rows
from nanda2023_parts.tolerances import INSIDE, NOT_RUN, OTHER, OUTSIDE, tolerance

SETTLED = 2_000
"""Steps that a seed went on for after it grokked, before its numbers enter a spread: cleanup takes them."""


def table(subject: Subject, runs: Sequence[StudyRun]) -> list[Row]:
    """Return all rows: the network, its phases, the seeds, the weight decays, the shares of the pairs.

    Of a run that is not of the paper's setting all rows are shown and none is judged; of another seed than the paper's
    0 those of the paper's network are not.
    """
    seeds = settled_quantities(subject, runs)
    rows = [_first_loss(subject), _keys(subject)]
    rows += [_quantity(subject, published, seeds) for published in ROWS]
    rows += _phases(subject)
    if subject.setting:
        return rows + study_rows(subject, runs)
    return [replace(row, verdict=OTHER, note="another setting") for row in rows]


def count(rows: Sequence[Row]) -> tuple[int, int, int]:
    """Return how many rows are inside, how many there are to judge, and how many of these were not run."""
    judged = [row for row in rows if row.verdict != OTHER]
    return (
        sum(row.verdict == INSIDE for row in judged),
        len(judged),
        sum(row.verdict == NOT_RUN for row in judged),
    )


def settled_quantities(subject: Subject, runs: Sequence[StudyRun]) -> list[Mapping[str, float]]:
    """Return the quantities of our seeds in the paper's setting that have cleaned up, the run itself among them."""
    found: list[Mapping[str, float]] = []
    if subject.setting and subject.grokked:
        found.append(subject.quantities)
    for run in runs_of(runs, "seeds"):
        high = run.events.get("grokked_99", (None, None))[1]
        other = run.seed != subject.seed
        if other and high is not None and run.last_step >= high + SETTLED:
            found.append(run.quantities)
    return found


def _first_loss(subject: Subject) -> Row:
    """Return the row of the initialisation and the split, which are the paper's to the bit for every seed."""
    text = f"{FIRST_LOSS}"
    verdict = INSIDE if abs(subject.first_loss - FIRST_LOSS) < FIRST_LOSS_ROUNDING else OUTSIDE
    what = "loss of seed 1 before training"
    rule = f"± {FIRST_LOSS_ROUNDING:g}: float32 arithmetic"
    note = "quoted as a test loss; it is that of the training rows"
    return Row("network", what, text, f"{subject.first_loss:.7f}", rule, verdict, note)


def _keys(subject: Subject) -> Row:
    published, found = ", ".join(map(str, KEY)), ", ".join(map(str, subject.key)) or "none"
    verdict = INSIDE if subject.key == KEY else OUTSIDE
    what = "key frequencies of seed 0 (paper and independent run alike)"
    note = (
        "" if verdict == INSIDE else "which frequencies a seed learns can change with the rounding"
    )
    if not subject.mainline:
        verdict, note = OTHER, "seed 0 of the published setting alone"
    return Row("network", what, published, found, "the same set", verdict, note)


def _quantity(subject: Subject, published: Published, seeds: Sequence[Mapping[str, float]]) -> Row:
    measured = subject.quantities.get(published.quantity, math.nan)
    rule = tolerance(published, seeds)
    words = rule.words
    if rule.seeds is not None:
        words += f"; our {len(seeds)} seeds {number(rule.seeds[0])} to {number(rule.seeds[1])}"
    verdict, note = rule.verdict(published.value, measured), ""
    if not subject.mainline:
        verdict, note = OTHER, "of the paper's seed 0"
    elif verdict == OUTSIDE:
        note = reason(
            published, subject.quantities, subject.before, subject.last_step, subject.grokked
        )
    elif not rule.low <= measured <= rule.high:
        note = "by the seeds' spread"
    part = "independent run" if published.of == INDEPENDENT else "network"
    return Row(part, published.what, published.text, number(measured), words, verdict, note)


def _phases(subject: Subject) -> list[Row]:
    apart = max(abs(a - b) for a, b in PHASES.values())
    rule = f"± {apart:,}: as far as the author's two placings in one run differ"
    rows = []
    for phase, (published, _) in PHASES.items():
        words, (low, high) = _end_of(phase, subject)
        inside = high is not None and (low or 0) <= published + apart and high >= published - apart
        verdict = INSIDE if inside else OUTSIDE
        if (
            phase != "memorisation" and not subject.mainline
        ):  # the paper: at other steps in other seeds
            verdict, words = OTHER, f"{words}; of the paper's seed 0"
        by_hand = f"{published:,}, by hand"
        what = f"end of {phase}, step"
        rows.append(Row("phases", what, by_hand, when((low, high)), rule, verdict, words))
    return rows


def _end_of(phase: str, subject: Subject) -> tuple[str, Interval]:
    """Return in words which located event ends a phase, and its interval."""
    if phase == "cleanup":
        return "here: the test loss has come 90 % of its logarithmic way down", subject.cleanup_end
    names = {"memorisation": "circuit_onset", "circuit formation": "cleanup"}
    words = {"memorisation": "here: circuit_onset", "circuit formation": "here: cleanup, its start"}
    found = {event.name: event for event in subject.events}.get(names[phase])
    return words[phase], (None, None) if found is None else (found.low, found.high)
