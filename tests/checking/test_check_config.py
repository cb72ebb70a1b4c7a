"""config.json under check, and what is no run."""

import json
import os
import resource
import tracemalloc

import pytest
from found import alarms, only_fault

import grokscope as gs
from grokscope.checking import check
from grokscope.checking.finding import Finding, guarded, in_order
from grokscope.config import config_hash
from grokscope.errors import RequestError
from grokscope.runs.checkpoints import read_tensors, write_tensors
from grokscope.runs.run import open_run, write_config
from grokscope.runs.train_rows import rows_hash, write_train_rows


def edit(run, change) -> None:
    file = run.path / "config.json"
    info = json.loads(file.read_text())
    change(info)
    file.write_text(json.dumps(info))


def test_a_sound_run(trained):
    """Else every run has findings, and nobody reads them; or nothing was looked at."""
    report = gs.check(trained)
    assert list(report) == []
    assert report.is_sound
    assert report.status == "done"
    assert report.looked == {
        "checkpoints": 11, "key frames": 4, "lines of metrics": 21, "recomputed": 11,
    }  # fmt: skip
    assert json.loads(json.dumps(report.to_json()))["sound"] is True


def test_nothing_is_written(copy):
    """Else a check changes what it checks, or cannot look at a read-only disk."""
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in copy.path.rglob("*")}
    assert check(copy.path).is_sound
    assert {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in copy.path.rglob("*")} == before


@pytest.mark.parametrize(
    "change",
    [
        lambda i: i["config"]["optimiser"].update(lr=0.02),
        lambda i: i.update(threads=99),
        lambda i: i.update(schema=3),
        lambda i: i.update(schema=1),
        lambda i: i.update(schema="2"),
        lambda i: i.pop("info_hash"),
        lambda i: i.pop("config"),
        lambda i: i["config"]["task"].update(task="mod_adx"),
        lambda i: i["config"].update(task=[]),
        lambda i: i.update(config=3),
    ],
)
def test_a_changed_config(copy, change):
    """Else a run is told to have been trained otherwise than it was."""
    edit(copy, change)
    only_fault(check(copy.path), "config.json")


def test_a_config_that_is_not_json(copy):
    """Else the most damaged of all files is no damage, but a wrong request."""
    for data in (b"", b"{", b"\xff", b"[" * 100_000, b"{}"):
        (copy.path / "config.json").write_bytes(data)
        only_fault(check(copy.path), "config.json")
    (copy.path / "config.json").unlink()
    only_fault(check(copy.path), "config.json", "no config.json")
    os.mkfifo(copy.path / "config.json")
    only_fault(check(copy.path), "config.json")


def test_checkpoints_that_are_gone_altogether(copy):
    """Else a run whose weights were deleted is no run, and its metrics are thrown away with it."""
    copy.checkpoints.rename(copy.path.parent / "elsewhere")
    assert not check(copy.path).is_sound


def test_what_is_no_run(tmp_path):
    """Else a wrong path is told to be damaged."""
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "none", tmp_path / "file", tmp_path):
        with pytest.raises(RequestError):
            check(path)
    with pytest.raises(RequestError, match="samples"):
        check(tmp_path, samples=-1)


def test_what_another_grokscope_must_look_at(copy):
    """Else a sound run is told to be damaged, by a version that does not know it."""

    def newer(info):
        info["schema"] = 99
        info["info_hash"] = "of another kind"

    edit(copy, newer)
    with pytest.raises(RequestError, match="newer one is needed"):
        check(copy.path)


def test_a_task_that_is_not_registered_here(copy):
    """Else a run of an operation of one's own is damaged wherever its code was not run."""

    def own(info):
        info["config"]["task"]["task"] = "my_operation"
        info["config_hash"] = config_hash(info["config"])

    edit(copy, own)
    copy.info.update(json.loads((copy.path / "config.json").read_text()))
    write_config(copy)
    with pytest.raises(RequestError, match="my_operation"):
        check(copy.path)


def test_a_schedule_that_the_record_contradicts(copy):
    """Else a run of the first schema, whose record has no digest, may declare fewer checkpoints than it must have."""
    copy.info["declared_checkpoints"] = [0, 40]
    write_config(copy)
    only_fault(check(copy.path), "config.json", "declares")


def test_a_list_of_training_rows(copy):
    """Else the rows that an imported run trained on change, and every loss with them."""
    rows = copy.split.train.copy()
    copy.info["train_rows"] = rows_hash(rows)
    write_train_rows(copy.path, rows)
    write_config(copy)
    assert alarms(check(copy.path)) == []
    text = (copy.path / "split.json").read_text()
    (copy.path / "split.json").write_text(text.replace("[\n    ", "[\n    1", 1))
    only_fault(check(copy.path), "split.json", "changed")
    (copy.path / "split.json").unlink()
    only_fault(check(copy.path), "split.json", "missing")


def test_files_of_any_size_are_not_read(copy):
    """Else a stranger's run of a few kB, with sparse files of 100 GB, takes all memory."""
    for name in (
        "metrics.jsonl",
        "checkpoints/step-00000020.safetensors",
        "config.json",
        "SHA256SUMS",
    ):
        with (copy.path / name).open("ab") as file:
            before = file.tell()
            file.truncate(100 << 30)
        assert name in {each.file for each in check(copy.path).of("fault")}
        os.truncate(copy.path / name, before)
    (copy.path / "SHA256SUMS").unlink()
    assert alarms(check(copy.path)) == []


def test_a_model_of_any_size_is_not_made(copy):
    """Else a stranger's configuration of a large model makes the check allocate it."""
    copy.info["config"]["model"] |= {"d_model": 4096, "d_mlp": 65536, "n_layers": 1}
    copy.info["config_hash"] = config_hash(copy.info["config"])
    write_config(copy)
    for folder in (copy.checkpoints, copy.state):
        for path in folder.iterdir():
            tensors, header = read_tensors(path)
            write_tensors(path, tensors, int(header["step"]), copy.info["config_hash"])
    tracemalloc.start()
    report = check(copy.path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100 << 20
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    check(copy.path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10
    assert {each.file.split("/")[0] for each in report.of("fault")} == {"checkpoints", "state"}


def test_another_version_is_a_note(copy):
    """Else nobody learns why a run goes on to other bits; or every run of last year is damaged."""
    copy.info["versions"]["torch"] = "1.0"
    write_config(copy)
    report = check(open_run(copy.path))
    assert alarms(report) == []
    assert "torch 1.0" in report.of("note")[0].fault


def test_whatever_a_check_raises_is_a_fault_of_the_file():
    """Else one file that nobody thought of ends the check of all others in a traceback."""

    def look(word):
        yield Finding("note", "x", word)
        raise ZeroDivisionError("of all things")

    first, second = guarded("file", look, "seen")
    assert first == Finding("note", "x", "seen")
    assert (second.level, second.file) == ("fault", "file")
    assert "ZeroDivisionError: of all things" in second.fault
    with pytest.raises(KeyboardInterrupt):
        guarded("file", lambda: (_ for _ in ()).throw(KeyboardInterrupt()))
    assert in_order([first, second, first]) == (second, first)


def test_text_of_strangers_is_made_printable():
    """Else a file's name moves the cursor of the terminal that shows it."""
    found = Finding("fault", "a\x1b[2Jb\nc", "x" * 10_000)
    assert "\x1b" not in found.file + found.fault
    assert "\n" not in found.file
    assert len(found.fault) < 1000


@pytest.mark.parametrize("value", [3, "x", [], {}, [[1]], {"a": None}, None, True, 1e300])
def test_a_record_of_odd_types(copy, value):
    """Else a stranger's config.json, with all its digests right, ends the check in a traceback."""
    names = [
        "versions",
        "declared_checkpoints",
        "train_rows",
        "metric_lines",
        "threads",
        "continued",
        "split_known",
    ]
    for name in [*names, "origin", "engine"]:
        info = dict(copy.info)
        copy.info[name] = value
        write_config(copy)
        try:
            report = check(copy.path, quick=True)
        except RequestError as error:
            assert name in str(error)  # noqa: PT017  told as a wrong request
        else:
            assert not any("cannot be checked" in each.fault for each in report), list(report)
        copy.info.clear()
        copy.info.update(info)
