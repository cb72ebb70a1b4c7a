"""What figures are drawn from on the command line: a sweep's folder, or a run, its analysis and its checkpoints."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grokscope.cli.figure_options import figure_options, option_hints
from grokscope.errors import RequestError

if TYPE_CHECKING:
    import plotly.graph_objects as go
    import xarray as xr

    from grokscope.transitions import Transitions

SWEEP_FILE = "sweep.json"


class Source:
    """A folder that figures are drawn from; nothing of it is read twice.

    Parameters
    ----------
    folder
        Of a run or of a sweep.
    given
        Options of the figures, KEY=VALUE.
    step
        The checkpoint of figures that are drawn from one.
    """

    def __init__(self, folder: Path, given: Sequence[str] = (), step: int | None = None) -> None:
        self.folder, self.given, self.step = folder, tuple(given), step
        self.is_sweep = (folder / SWEEP_FILE).is_file()

    @cached_property
    def dataset(self) -> "xr.Dataset":
        """The sweep's Dataset, or what `grokscope analyze` wrote of the run."""
        if self.is_sweep:
            from grokscope.sweeps import open_sweep

            return open_sweep(self.folder).dataset()
        from grokscope.pipeline import analysed_dataset

        return analysed_dataset(self.folder)[1]

    @cached_property
    def transitions(self) -> "Transitions":
        """The run's events."""
        from grokscope.transitions import transitions

        return transitions(self.dataset)

    @property
    def every(self) -> list[str]:
        """Names of all figures of such a folder that read its Dataset."""
        from grokscope.figures import NAMES, SWEEP_NAMES

        return list(SWEEP_NAMES if self.is_sweep else NAMES)

    def drawing(self, name: str) -> Any:
        """Return a figure's function; RequestError for a name that is none of such a folder."""
        from grokscope.figures import FIGURES, SNAPSHOT_FIGURES, SWEEP_FIGURES

        if self.is_sweep:
            return SWEEP_FIGURES[name]
        return SNAPSHOT_FIGURES[name] if name in SNAPSHOT_FIGURES else FIGURES[name]

    def draw(self, name: str, *, of: Sequence[str] = ()) -> "go.Figure":
        """Draw a figure.

        Parameters
        ----------
        name
            Its name.
        of
            All figures that are drawn; an option that another of them has is none of this one's.
        """
        from grokscope.figures import SNAPSHOT_FIGURES

        drawing = self.drawing(name)
        options = figure_options(drawing, self._mine(name, of or [name]))
        if name in SNAPSHOT_FIGURES:
            from grokscope.runs.run import open_run

            return drawing(open_run(self.folder).snapshot(self.step), **options)
        self._refuse_step(name, of or [name])
        if self.is_sweep:
            return drawing(self.dataset, **options)
        return drawing(self.dataset, self.transitions, **options)

    def draw_all(self, names: Iterable[str]) -> "tuple[dict[str, go.Figure], dict[str, str]]":
        """Return the figures that can be drawn, by name, and of the others in one line why not."""
        names = list(names)
        drawn: dict[str, go.Figure] = {}
        skipped: dict[str, str] = {}
        for name in names:
            self._mine(name, names)
        for name in names:
            try:
                drawn[name] = self.draw(name, of=names)
            except RequestError as error:
                skipped[name] = str(error).removeprefix(f"figure '{name}' ")
        return drawn, skipped

    def _mine(self, name: str, of: Sequence[str]) -> list[str]:
        """Return the options for one figure: all that it has, and those that none of the others has either."""
        mine = option_hints(self.drawing(name))
        others = {key for other in of for key in option_hints(self.drawing(other))}
        keys = [(text, text.partition("=")[0]) for text in self.given]
        return [text for text, key in keys if key in mine or key not in others]

    def _refuse_step(self, name: str, of: Sequence[str]) -> None:
        from grokscope.figures import SNAPSHOT_FIGURES

        if self.step is None or any(other in SNAPSHOT_FIGURES for other in of):
            return
        if self.is_sweep:
            raise RequestError("--step with a figure of a sweep", "a figure of one checkpoint")
        todo = "--option step=N" if "step" in option_hints(self.drawing(name)) else ""
        raise RequestError(f"--step with figure '{name}'", "a figure of one checkpoint", todo)
