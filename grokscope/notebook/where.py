"""Where a step lies in a run, in words: its phase, and the events that were seen just there."""

from grokscope.transitions.transition import Transitions


def where_in_run(events: Transitions, step: int) -> str:
    """Return for example "circuit formation; circuit_onset lies in (700, 800]"."""
    phase = phase_at(events, step)
    here = [e for e in events if e.high is not None and (e.low or 0) < step <= e.high]
    told = [phase] if phase else []
    told += [f"{e.name.replace('_', ' ')} in {e.when}" for e in here]
    return "; ".join(told)


def phase_at(events: Transitions, step: int) -> str:
    """Return the name of the phase that a step lies in, "" where none is known."""
    phases = events.phases()
    for name, start, end in phases:
        if start <= step < end or (step == end and end == phases[-1][2]):
            return name
    return ""
