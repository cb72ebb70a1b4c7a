"""Whole sweeps in one process: what is skipped, gone on with, recorded as diverged or failed."""

import json
import shutil
import signal
from pathlib import Path

import pytest
from tiny_sweep import TINY, changed, only

from grokscope.config import override
from grokscope.errors import RequestError, UnsoundError
from grokscope.runs.run import open_run
from grokscope.sweeps import open_sweep, sweep
from grokscope.sweeps.found_runs import planned_runs
from grokscope.sweeps.plan import make_plan
from grokscope.sweeps.specification import read_specification
from grokscope.training.loop import train_run


def contents(path: Path) -> dict[str, bytes]:
    """Return every file of a run but the lock."""
    return {
        str(file.relative_to(path)): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file() and file.name != ".lock"
    }


def without_config(path: Path) -> dict[str, bytes]:
    return {k: v for k, v in contents(path).items() if k != "config.json"}


def heard(spec, out, **options):
    """Run a sweep and return it with (kind, label, seed) of everything it said but metrics."""
    said = []

    def listen(update):
        if update.kind != "metrics":
            said.append((update.kind, update.run.label, update.run.seed, update.run.status))

    return sweep(spec, out, workers=0, on_update=listen, **options), said


def by_cell(found):
    return {(run.label, run.seed): run for run in found.runs}


def stop_at(step: int, number: int = signal.SIGINT):
    """Return a listener that sends this process a signal at the first evaluation from `step` on."""
    sent = []

    def listen(update):
        if update.kind == "metrics" and update.step >= step and not sent:
            sent.append(update)
            signal.raise_signal(number)

    return listen


def test_every_run_is_what_training_alone_gives(trained_sweep, tmp_path):
    """Else a run of a sweep is another run than that of `gs.train` with the same configuration."""
    found = open_sweep(trained_sweep)
    assert len(found.runs) == 8
    for planned in make_plan(read_specification(TINY)).runs:
        run = found.run(planned.label, planned.seed)
        alone = train_run(planned.config, tmp_path / planned.folder_name)
        assert run.config == alone.config == planned.config
        assert contents(run.path) == contents(alone.path)
        assert run.path.name == f"{planned.folder_name}"
        assert run.path.name.endswith(alone.config.hash()[:8])


def test_a_run_that_diverges_is_recorded_while_the_others_finish(trained_sweep):
    """Else one learning rate too many ends the sweep, or stands in the table as done."""
    runs = by_cell(open_sweep(trained_sweep))
    assert {label.split(",")[0]: run.status for (label, _), run in runs.items()} == {
        "AdamW": "done",
        "too fast": "diverged",
    }
    assert all(run.reason is None for run in runs.values())
    assert [run.seed for run in runs.values()] == [0] * 4 + [3] * 4


def test_what_is_done_is_left_alone(sweep_copy):
    """Else running a sweep again trains everything again."""
    before = contents(sweep_copy.path)
    found, said = heard(TINY, sweep_copy.path)
    assert {kind for kind, *_ in said} == {"ended"}
    assert len(said) == 8
    assert {k: v for k, v in contents(found.path).items() if k != "sweep.nc"} == {
        k: v for k, v in before.items() if k != "sweep.nc"
    }


def test_the_grid_grows(sweep_copy):
    """Else adding a value, a case, a seed or a field trains again what is done, or mixes settings up."""
    before = contents(sweep_copy.path / "runs")
    bigger = changed(
        seeds=[0, 3, 1],
        grid={"weight_decay": [1.0, 0.5], "frac_train": [0.6]},
        case=TINY["case"][:1],
    )
    found, said = heard(bigger, sweep_copy.path)
    begun = [(label, seed) for kind, label, seed, _ in said if kind == "started"]
    assert len(found.runs) == 2 * 3
    assert len(begun) == 4
    assert not any(seed in (0, 3) and "weight_decay 1," in label for label, seed in begun)
    assert before.items() <= contents(found.path / "runs").items()
    old = found.run("AdamW, to zero, weight_decay 1, frac_train 0.6", 3)
    assert old.path.name.startswith("AdamW-to-zero-frac_train-0.6-seed3-")
    assert (old.config.optimiser.weight_decay, old.config.split.frac_train) == (1.0, 0.6)
    assert {run.status for run in found.runs} == {"done"}


def test_a_changed_setting_is_another_run(sweep_copy):
    """Else runs with new options are taken for done because the label is the same."""
    other = changed(set=TINY["set"] | {"lr": 0.01})
    plan = make_plan(read_specification(other))
    assert [run.status for run in planned_runs(sweep_copy.path, plan)] == [
        "diverged" if "too fast" in run.label else "not started" for run in plan.runs
    ], "of the diverging runs lr comes from the case: they are the same ones"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_and_gone_on_with_is_uninterrupted(trained_sweep, tmp_path, number):
    """Else Ctrl-C changes a run, loses it, or leaves the rest of the sweep untrained."""
    handler = signal.getsignal(number)
    two = changed(case=None, seeds=[0])
    with pytest.raises(KeyboardInterrupt):
        sweep(two, tmp_path / "part", workers=0, on_update=stop_at(4, number))
    assert signal.getsignal(number) is handler
    part = open_sweep(tmp_path / "part")
    assert [run.status for run in part.runs] == ["interrupted", "not started"]
    state = "state/step-00000004.safetensors"
    assert (part.path / part.runs[0].folder / state).is_file()
    assert not part.dataset_path.exists()
    found = sweep(two, part.path, workers=0)
    assert [run.status for run in found.runs] == ["done", "done"]
    whole = {run.config_hash: run.folder for run in open_sweep(trained_sweep).runs}
    for run in found.runs:
        here = without_config(found.path / run.folder)
        here.pop(state, None)
        assert here == without_config(trained_sweep / whole[run.config_hash])


LEFT = {
    "empty": (),
    "only the folder of checkpoints": ("checkpoints/",),
    "a half-written config.json": ("checkpoints/", ".config.json.x1.part"),
    "only config.json": ("config.json",),
    "config.json, no metrics": ("config.json", "checkpoints/", ".lock"),
}


@pytest.mark.parametrize("left", LEFT)
def test_what_a_killed_run_leaves(trained_sweep, tmp_path, left):
    """Else a run that was killed while its folder was made can never be trained."""
    run = open_sweep(trained_sweep).runs[0]
    path = tmp_path / "sweep" / run.folder
    path.mkdir(parents=True)
    for name in LEFT[left]:
        if name == "config.json":
            shutil.copy(trained_sweep / run.folder / name, path / name)
        elif name.endswith("/"):
            (path / name).mkdir()
        else:
            (path / name).write_text("{")
    one = changed(case=TINY["case"][:1], grid={"frac_train": [0.6]}, seeds=[0])
    found = sweep(one, tmp_path / "sweep", workers=0)
    assert [(r.folder, r.status) for r in found.runs] == [(run.folder, "done")]
    assert without_config(path) == without_config(trained_sweep / run.folder)


def test_killed_without_a_state_begins_again(sweep_copy, trained_sweep):
    """Else a run without a key frame counts as done, or has its first lines of metrics twice."""
    run = sweep_copy.runs[0]
    path = sweep_copy.path / run.folder
    shutil.rmtree(path / "state")
    lines = (path / "metrics.jsonl").read_text().splitlines(keepends=True)
    (path / "metrics.jsonl").write_text("".join(lines[:3]) + '{"step": 6, "loss_tr')
    (path / "checkpoints/step-00000008.safetensors").unlink()
    assert sweep_copy.runs[0].status == "interrupted"
    sweep(TINY, sweep_copy.path, workers=0)
    assert contents(path) == contents(trained_sweep / run.folder)


def test_a_run_that_fails_is_recorded_and_tried_again(tmp_path):
    """Else one unwritable folder ends the sweep, its reason is lost, or it is never tried again."""
    spec = changed(case=TINY["case"][1:])
    plan = make_plan(read_specification(spec))
    out = tmp_path / "sweep"
    blocked = out / "runs" / plan.runs[1].folder_name
    blocked.mkdir(parents=True)
    (blocked / "mine.txt").write_text("not to be touched")
    found, said = heard(spec, out)
    assert [run.status for run in found.runs] == ["diverged", "failed", "diverged", "diverged"]
    assert "is not empty" in found.runs[1].reason
    assert "\n" not in found.runs[1].reason
    assert ("ended", plan.runs[1].label, 0, "failed") in said
    on_disk = json.loads((out / "sweep.json").read_text())["runs"][1]
    assert on_disk["reason"] == found.runs[1].reason
    assert (blocked / "mine.txt").read_text() == "not to be touched"
    (blocked / "mine.txt").unlink()
    again = sweep(spec, out, workers=0)
    assert (again.runs[1].status, again.runs[1].reason) == ("diverged", None)


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), RuntimeError("a\nb"), MemoryError()]
)
def test_any_error_of_one_run_is_its_own(tmp_path, monkeypatch, error):
    """Else a full disk or a bug in one setting takes the others with it."""
    from grokscope.sweeps import train_one

    train = train_one.train_run

    def sometimes(config, path, on_metrics, engine):
        if config.split.frac_train == 0.8:
            raise error
        return train(config, path, on_metrics, engine=engine)

    monkeypatch.setattr(train_one, "train_run", sometimes)
    found = sweep(changed(case=None, seeds=[0]), tmp_path / "sweep", workers=0)
    assert [run.status for run in found.runs] == ["done", "failed"]
    assert type(error).__name__ in found.runs[1].reason
    assert "\n" not in found.runs[1].reason


def test_a_full_disk_does_not_end_the_sweep(tmp_path, monkeypatch):
    """Else noting one failure, where nothing can be written, ends all other runs."""
    from grokscope.sweeps import start, train_one

    def fails(*_):
        raise RequestError("cannot write: the disk is full")

    write, refuse = start.write_sweep, []

    def sometimes(*args):
        if refuse:
            fails()
        write(*args)

    train = train_one.train_run

    def run(config, path, on_metrics, engine):
        if config.split.split_seed == 0:
            refuse.append(True)
            fails()
        refuse.clear()
        return train(config, path, on_metrics, engine=engine)

    monkeypatch.setattr(start, "write_sweep", sometimes)
    monkeypatch.setattr(train_one, "train_run", run)
    found = sweep(changed(case=None, grid=None), tmp_path / "sweep", workers=0)
    assert [(run.status, run.reason) for run in found.runs] == [
        ("failed", "cannot write: the disk is full"),
        ("done", None),
    ]


def test_a_damaged_run_is_named_and_the_others_finish(sweep_copy):
    """Else damage in one folder makes the whole sweep unreadable."""
    metrics = sweep_copy.path / sweep_copy.runs[0].folder / "metrics.jsonl"
    metrics.write_text("not JSON\n" + metrics.read_text())
    assert sweep_copy.runs[0].status == "failed"
    assert "line 1 is not JSON" in sweep_copy.runs[0].reason
    found = sweep(TINY, sweep_copy.path, workers=0)
    assert [run.status for run in found.runs].count("failed") == 1
    assert "line 1 is not JSON" in found.runs[0].reason


def test_a_run_of_another_configuration_is_refused(sweep_copy):
    """Else a folder that was renamed by hand is taken for the run that its name says."""
    done, other = (sweep_copy.path / sweep_copy.runs[i].folder for i in (0, 1))
    shutil.rmtree(done)
    shutil.copytree(other, done)
    (done / "checkpoints/step-00000008.safetensors").unlink(missing_ok=True)
    lines = (done / "metrics.jsonl").read_text().splitlines(keepends=True)
    (done / "metrics.jsonl").write_text("".join(lines[:1]))
    found = sweep(TINY, sweep_copy.path, workers=0)
    assert found.runs[0].status == "failed"
    assert "another configuration" in found.runs[0].reason


def test_stopped_early_is_finished(tmp_path):
    """Else a run that reached its accuracy is trained again, or counts as interrupted."""
    spec = only(stop_accuracy=0.001, eval_every=1, frac_train=0.5, p=7)
    found = sweep(spec, tmp_path / "sweep", workers=0)
    assert [run.status for run in found.runs] == ["stopped early"]
    _, said = heard(spec, tmp_path / "sweep")
    assert [kind for kind, *_ in said] == ["ended"]


def test_one_sweep_at_a_time(tmp_path):
    """Else two sweeps write one sweep.json, and a run that one trains is trained by the other."""
    refused = []

    def again(update):
        if update.kind == "started" and not refused:
            with pytest.raises(RequestError) as caught:
                sweep(only(), tmp_path / "sweep", workers=0)
            refused.append(str(caught.value))

    sweep(only(), tmp_path / "sweep", workers=0, on_update=again)
    assert "another process" in refused[0]
    assert "\n" not in refused[0]
    sweep(only(), tmp_path / "sweep", workers=0)  # the lock is free again


def test_a_folder_that_is_something_else(tmp_path, trained_sweep):
    """Else a sweep is written into a run, or among somebody's files."""
    run = trained_sweep / open_sweep(trained_sweep).runs[0].folder
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("")
    for path in (run, tmp_path / "mine"):
        before = sorted(path.iterdir())
        with pytest.raises(RequestError, match="no sweep"):
            sweep(only(), path, workers=0)
        assert sorted(path.iterdir()) == before
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match="cannot"):
        sweep(only(), tmp_path / "file", workers=0)


def test_an_error_of_the_listener_is_raised(tmp_path):
    """Else a notebook's mistake in `on_update` is recorded as the failure of a run."""

    def listen(update):
        if update.kind == "started":
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        sweep(only(), tmp_path / "sweep", workers=0, on_update=listen)


def test_the_default_folder(tmp_path, monkeypatch):
    """Else a sweep is somewhere else than the documentation says."""
    monkeypatch.chdir(tmp_path)
    assert sweep(only(steps=1, checkpoint_every=1), workers=0).path == Path("checkpoints/tiny")


def test_a_run_by_label_and_seed(trained_sweep):
    """Else a run cannot be found without knowing its folder."""
    found = open_sweep(trained_sweep)
    run = found.run("too fast, frac_train 0.6", 3)
    assert (run.config.optimiser.lr, run.config.model.init_seed) == (1e30, 3)
    assert found.run("too fast, frac_train 0.6").config.model.init_seed == 0
    with pytest.raises(RequestError, match="did you mean 'too fast, frac_train 0.6'"):
        found.run("to fast, frac_train 0.6", 0)
    with pytest.raises(RequestError, match="no seed 1; accepted: 0, 3"):
        found.run("too fast, frac_train 0.6", 1)


def test_a_run_that_has_not_started(sweep_copy):
    """Else it ends in a traceback, or in a message about a directory that nobody named."""
    run = sweep_copy.runs[2]
    shutil.rmtree(sweep_copy.path / run.folder)
    with pytest.raises(RequestError, match="has not started"):
        sweep_copy.run(run.label, run.seed)


def test_folders_that_are_no_sweep(tmp_path, sweep_copy):
    """Else a wrong or damaged folder ends in a traceback, or one that points outside is read."""
    with pytest.raises(RequestError, match=r"it has no sweep.json"):
        open_sweep(tmp_path)
    file = sweep_copy.path / "sweep.json"
    record = json.loads(file.read_text())
    outside = json.loads(file.read_text())
    outside["runs"][0]["folder"] = "runs/../../elsewhere"
    twice = json.loads(file.read_text())
    twice["runs"][1] |= {k: twice["runs"][0][k] for k in ("label", "seed")}
    for damaged in (
        outside,
        twice,
        record | {"runs": [{}]},
        record | {"runs": record["runs"][1:]},
        record | {"settings": {}},
        {"schema": 1},
    ):
        file.write_text(json.dumps(damaged))
        with pytest.raises(UnsoundError, match="damaged"):
            open_sweep(sweep_copy.path)
    for text in ("[]", "{", json.dumps(record | {"schema": 99})):
        file.write_text(text)
        with pytest.raises((RequestError, UnsoundError)):
            open_sweep(sweep_copy.path)
    assert sweep(TINY, sweep_copy.path, workers=0).runs[0].status == "done", "it is written anew"


def test_runs_of_an_older_version_are_found(sweep_copy):
    """Else a new option of grokscope, which changes every hash, makes all runs of a sweep unknown."""
    run = sweep_copy.runs[0]
    path = sweep_copy.path / run.folder
    older = path.with_name("AdamW-to-zero-frac_train-0.6-seed0-00000000")
    path.rename(older)
    plan = make_plan(read_specification(TINY))
    found = planned_runs(sweep_copy.path, plan)
    assert (found[0].folder, found[0].status) == (f"runs/{older.name}", "done")
    assert open_run(older).config == plan.runs[0].config
    assert plan.runs[0].config != override(plan.runs[0].config, lr=0.5)
