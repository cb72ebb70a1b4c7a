"""metrics.jsonl of a run in training: lines that are there already are compared with, all others appended."""

import json
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from grokscope.runs.metrics import MetricsWriter, metric_line, write_metrics
from grokscope.training.past import Past

Line = Mapping[str, Any]


class MetricsLog:
    """The lines of a run that begins, or goes on, at a step.

    Those before that step stay. Those from it on are expected to come again, and stay too. Half a line at the end is
    removed at once; where something else is damaged, the file is written anew when all sound lines have been met again.

    Parameters
    ----------
    path
        metrics.jsonl.
    begun
        The step.
    past
        What the file holds.
    is_evaluated
        Whether a step is one that the run's schedule evaluates; lines of others, which another hand added, stay.
    """

    def __init__(
        self, path: Path, begun: int, past: Past, is_evaluated: Callable[[int], bool]
    ) -> None:
        self.path, self.is_evaluated = path, is_evaluated
        self.lines = [line for line in past.lines if line["step"] < begun]
        self.ahead = deque(line for line in past.lines if line["step"] >= begun)
        self.beyond = deque(sorted(past.beyond, key=lambda line: int(line["step"])))
        if not past.whole and not self.beyond:
            write_metrics(path, map(dict, past.lines))
        self.writer = MetricsWriter(path)

    @property
    def is_ahead(self) -> bool:
        """Whether the next line is there already."""
        return bool(self.ahead or self.beyond)

    def difference(self, line: Line) -> str:
        """Return how a line, the next one, differs from what is there already of its step, "" where it does not.

        Values that an older version did not record are not missed.
        """
        self._pass_added(line["step"])
        known = self.ahead or self.beyond
        if not known or (not self.ahead and known[0]["step"] > line["step"]):
            return ""
        wanted, found = known[0], json.loads(metric_line(dict(line)))
        for name, value in wanted.items():
            if found.get(name) != value:
                return f"{name} is {found.get(name)}, not {value}"
        for ending in ("diverged", "stopped"):
            if found.get(ending) != wanted.get(ending):
                return f"the run has {ending}"
        return ""

    def add(self, line: Line) -> None:
        """Append a line, or pass the equal one that is there already."""
        self._pass_added(line["step"])
        if self.ahead:
            self.lines.append(self.ahead.popleft())
        elif self.beyond:
            met = self.beyond[0]["step"] == line["step"]
            self.lines.append(self.beyond.popleft() if met else line)
            if not self.beyond:
                self._write_anew()
        else:
            self.lines.clear()  # of use while lines may have to be taken back
            self.writer.append(dict(line))

    def forget_ahead(self) -> None:
        """Remove the lines that are there beyond the present step."""
        if self.is_ahead:
            self.ahead.clear()
            self.beyond.clear()
            self._write_anew()

    def _write_anew(self) -> None:
        self.writer.close()
        write_metrics(self.path, map(dict, self.lines))
        self.writer = MetricsWriter(self.path)

    def _pass_added(self, step: int) -> None:
        """Pass the lines before `step` of steps that the schedule does not evaluate."""
        for known in (self.ahead, self.beyond):
            while known and known[0]["step"] < step and self._is_added(known[0]):
                self.lines.append(known.popleft())

    def _is_added(self, line: Line) -> bool:
        return not (self.is_evaluated(line["step"]) or line.get("diverged"))
