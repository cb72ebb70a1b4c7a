"""`grokscope figure` on the folder of a sweep, on a checkpoint, and with options."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
import xarray as xr

import grokscope as gs
from grokscope import figures
from grokscope.cli import main
from grokscope.cli.figure_options import figure_options, option_hints
from grokscope.errors import RequestError

SPECIFICATION: dict[str, Any] = {
    "name": "tiny",
    "task": "mod_add",
    "seeds": [0, 1],
    "set": {"p": 7, "d_model": 8, "n_heads": 2, "d_head": 4, "d_mlp": 8, "steps": 30},
    "grid": {"frac_train": [0.5, 0.8]},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a trained sweep of four tiny runs."""
    path = tmp_path_factory.mktemp("figure") / "tiny"
    gs.sweep(SPECIFICATION, out=path, workers=0)
    return path


def refused(capsys: pytest.CaptureFixture[str], argv: list[str]) -> str:
    """Run a command that must be refused in one line; return the line."""
    capsys.readouterr()
    assert main(["figure", *argv]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("grokscope: ")
    assert "\n" not in said
    return said


def test_a_figure_of_a_sweep(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Else a sweep's folder is taken for a run that is none."""
    capsys.readouterr()
    assert main(["figure", str(folder), "best_accuracy", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert Path(said["file"]) == folder / "figures" / "best_accuracy.html"
    assert (folder / "figures" / "best_accuracy.html").stat().st_size > 100_000
    assert "Sweep: tiny (a + b mod p)" in said["caption"]
    assert main(["figure", str(folder)]) == 0
    assert "sharpness_accuracy" in capsys.readouterr().out
    assert main(["figure", str(folder), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed == ["sweep_curves", "steps_to_accuracy", "best_accuracy"]


def test_options_reach_the_figure(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Else --option is read and forgotten."""
    drawn: list[Any] = []

    def publish(items: Any, *rest: Any) -> list[Path]:
        drawn.extend(figure for figure, _ in items)
        return [path for _, path in items]

    monkeypatch.setattr("grokscope.figures.publish", publish)
    label = str(gs.open_sweep(folder).dataset()["run"].values[1])
    argv = ["figure", str(folder), "sweep_curves", "--option", f"run={label}"]
    assert main([*argv, "--option", "quantity=loss", "--option", "log_steps=false"]) == 0
    expected = figures.sweep_curves(
        gs.open_sweep(folder).dataset(), run=label, quantity="loss", log_steps=False
    )
    assert drawn[0].to_json() == expected.to_json()
    capsys.readouterr()


def test_a_figure_of_a_checkpoint(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Else a figure of weights needs an analysis that it does not read, or shows another step."""
    run = gs.open_sweep(folder).runs[0]
    path = str(folder / run.folder)
    out = tmp_path / "t.html"
    capsys.readouterr()
    argv = ["figure", path, "output_tsne", "--step", "15", "--out", str(out), "--json"]
    assert main([*argv, "--option", "step=best", "--option", "draws=9"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert "at step 15" in said["caption"]
    assert "the step that covers least" in said["caption"]
    assert out.is_file()


def test_what_makes_no_sense_is_said(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Else a traceback, or a hint that leads nowhere."""
    sweep = str(folder)
    run = str(folder / gs.open_sweep(folder).runs[0].folder)
    assert "'progress' is drawn from an analysed run" in refused(capsys, [sweep, "progress"])
    assert "did you mean 'best_accuracy'" in refused(capsys, [sweep, "best_acuracy"])
    assert "--step with a figure of a sweep" in refused(
        capsys, [sweep, "best_accuracy", "--step", "3"]
    )
    assert "no checkpoint at step 3000" in refused(capsys, [run, "output_tsne", "--step", "3000"])
    assert "no finite value of 'outliers'" in refused(capsys, [sweep, "outliers"])
    argv = [sweep, "best_accuracy", "--option"]
    assert "did you mean 'level'" in refused(capsys, [*argv, "levle=0.5"])
    assert "--option level without '='" in refused(capsys, [*argv, "level"])
    assert "--option level=high; accepted: a number" in refused(capsys, [*argv, "level=high"])
    assert "level = 2" in refused(capsys, [*argv, "level=2"])


def drawing(
    ds: xr.Dataset, *, flag: bool = False, number: float | None = None, whole: int | str = 8,
    names: str | Sequence[str] | None = None, pair: tuple[float, float] | None = None,
    kind: Literal["mean", "median"] = "mean", other: xr.Dataset | None = None,
) -> None:  # fmt: skip
    """Have every type of option that figures have."""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("flag=true", True), ("number=2", 2.0), ("number=0.5", 0.5), ("number=null", None),
        ("whole=3", 3), ("whole=best", "best"), ("names=a b=c", "a b=c"), ("names=0.3", "0.3"),
        ('names=["a", "b"]', ("a", "b")), ("pair=[0.25, 1]", (0.25, 1.0)), ("kind=median", "median"),
    ],
)  # fmt: skip
def test_values_are_read_by_type(text: str, value: Any):
    """Else a label that looks like a number becomes one, or a whole number is refused where a share is meant."""
    found = figure_options(drawing, [text])
    assert found == {text.partition("=")[0]: value}
    assert type(next(iter(found.values()))) is type(value)
    if isinstance(value, tuple):
        assert list(map(type, next(iter(found.values())))) == list(map(type, value))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("flag=1", "true or false"), ("number=true", "a number"), ("kind=mode", "mean, median"),
        ("pair=[1]", "a JSON list of a number, a number"), ("other=3", "a value that Python code"),
        ("ds=3", "flag=..., number=..., whole=..., names=..., pair=..., kind=..., other=..."),
    ],
)  # fmt: skip
def test_values_of_another_type_are_refused(text: str, told: str):
    """Else the figure breaks on them with a traceback."""
    with pytest.raises(RequestError) as caught:
        figure_options(drawing, [text])
    assert f"accepted: {told}" in str(caught.value)


def test_every_option_of_every_figure_has_a_type():
    """Else an option cannot be checked on the command line."""
    for gallery in (figures.FIGURES, figures.SWEEP_FIGURES, figures.SNAPSHOT_FIGURES):
        for name in gallery:
            assert Any not in option_hints(gallery[name]).values(), name
