"""All checks of a run, one after the other."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from grokscope.analysis.cache import FOLDER
from grokscope.checking.completeness import check_completeness
from grokscope.checking.configuration import check_configuration, opened_run, task_is_known
from grokscope.checking.finding import Finding, Report, guarded, in_order, note
from grokscope.checking.folder import check_folder
from grokscope.checking.key_frames import check_key_frames
from grokscope.checking.metric_lines import check_imported_curves, check_metrics, check_sums
from grokscope.checking.outputs import Outputs, check_cache, check_outputs
from grokscope.checking.recomputed import check_recomputed, sampled
from grokscope.checking.scene import CHECKPOINTS, STATE, look_at, name_of
from grokscope.checking.split_rows import check_split
from grokscope.checking.sums_file import FILE as SUMS
from grokscope.checking.sums_file import check_sums_file
from grokscope.checking.weights import check_equal, check_path, read_weights
from grokscope.errors import RequestError
from grokscope.runs.metrics import FILE as METRICS
from grokscope.runs.run import CONFIG_FILE, Run, check_name

OnPart = Callable[[int, int, str], None]
"""on_part(done, total, what)."""


def check(
    run: Run | str | Path,
    samples: int | None = None,
    quick: bool = False,
    on_part: OnPart | None = None,
) -> Report:
    """Check a run on disk and return what was found, faults first.

    config.json and its hashes; the split; digests, header, shapes and values of each checkpoint and key frame; that all
    that the schedule declares is there, up to where the run came, and nothing else; that no two steps have the same
    weights by mistake, and none lies off the path of the others; sums, order, gaps and range of the metrics; loss and
    accuracy recomputed from checkpoints; what analyze wrote; links, leftovers, unknown files. Nothing is written.

    Parameters
    ----------
    run
        A run or its directory.
    samples
        How many checkpoints are recomputed, evenly spread, the first and the last among them, beside those whose
        weights look odd. Where None 20, or all where that takes seconds; 0: none.
    quick
        Digests, headers and completeness alone: nothing is computed from weights, and no output is opened.
    on_part
        Called with (done, total, what) after each file.

    Raises
    ------
    RequestError
        Where `run` is no run, one that a newer grokscope wrote, or one of a task that is not registered here.
    """
    path = run.path if isinstance(run, Run) else Path(run)
    check_name(path)
    if samples is not None and samples < 0:
        raise RequestError(f"samples = {samples}", "0 or more")
    found, findings = opened_run(path)
    if found is None:
        findings.append(
            note(".", f"nothing else was looked at: {CONFIG_FILE} says what must be there")
        )
        return Report(path, in_order([*findings, *check_folder(path)]))
    task_is_known(found)
    return _Checked(found, samples, quick, on_part).report()


class _Checked:
    """One run while it is checked."""

    def __init__(self, run: Run, samples: int | None, quick: bool, on_part: OnPart | None) -> None:
        self.samples, self.quick, self.on_part = samples, quick, on_part
        self.done = 0
        self.scene, self.findings = look_at(run)
        self.total = len(self.scene.steps) + len(self.scene.frames)
        self.total += 0 if quick else len(sampled(self.scene, self.scene.steps, (), samples))
        self.what = "weights"

    def report(self) -> Report:
        scene = self.scene
        split = guarded(CONFIG_FILE, check_split, scene)
        self.findings += split
        self._look(CONFIG_FILE, check_configuration, scene)
        self._look(CHECKPOINTS, check_completeness, scene)
        self._look(METRICS, check_sums, scene)
        if not split:
            self._look(METRICS, check_metrics, scene)
            self._look(METRICS, check_imported_curves, scene)
        weights = read_weights(scene, not self.quick, self._advance)
        self.findings += weights.findings
        self._look(CHECKPOINTS, check_equal, scene, weights)
        self._look(CHECKPOINTS, check_path, weights)
        if not split:
            self._look(STATE, check_key_frames, scene, self._advance)
        recomputed: list[int] = []
        if not self.quick and not split:
            recomputed = self._recompute(
                weights.sound, weights.path.suspects() if weights.path else []
            )
        made_again: set[str] = set()
        if not self.quick:
            made_again = self._outputs()
        self._look(SUMS, check_sums_file, scene, made_again)
        self._look(".", check_folder, scene.run.path)
        looked = {
            "checkpoints": len(scene.steps), "key frames": len(scene.frames),
            "lines of metrics": len(scene.lines or ()), "recomputed": len(recomputed),
        }  # fmt: skip
        status = scene.end or ("in training" if scene.is_written else "unfinished")
        return Report(
            scene.run.path, in_order(self.findings), looked, status if scene.is_ours else "imported"
        )

    def _recompute(self, sound: list[int], suspects: list[int]) -> list[int]:
        steps = sampled(self.scene, sound, suspects, self.samples)
        self.what = "metrics"
        for step in steps:
            self._look(name_of(CHECKPOINTS, step), check_recomputed, self.scene, step)
            self._advance()
        return steps

    def _outputs(self) -> set[str]:
        """Check what analyze wrote, and return which files are as it wrote them."""
        self.what = "outputs"
        outputs = Outputs(self.scene)
        self._look(FOLDER, check_outputs, outputs)
        self._look(FOLDER, check_cache, self.scene)
        return outputs.as_written

    def _look(self, file: str, look: Callable[..., Iterable[Finding]], *args: Any) -> None:
        self.findings += guarded(file, look, *args)

    def _advance(self) -> None:
        self.done += 1
        if self.on_part is not None:
            self.on_part(min(self.done, self.total), self.total, self.what)
