"""What analyze wrote, the folder, links, and SHA256SUMS under check."""

import hashlib
import json
import os
import shutil
import subprocess
import sys

import pytest
from found import alarms, check_again, only_fault

from grokscope.analysis import orchestrate, stamp
from grokscope.pipeline import analyse_run, analysed_dataset, write_findings
from grokscope.runs.run import Run, open_run


@pytest.fixture(scope="module")
def _not_edited():
    """Have the cache in use while somebody edits grokscope."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (orchestrate, stamp):
            patch.setattr(module, "is_edited", lambda: False)
        yield


@pytest.fixture(scope="module")
def analysed(trained, tmp_path_factory, _not_edited):
    """Return an analysed run; not to be written to."""
    path = tmp_path_factory.mktemp("analysed") / "run"
    shutil.copytree(trained, path)
    analyse_run(path, ["loss", "embedding_spectrum"])
    return path


@pytest.fixture
def outputs(analysed, tmp_path) -> Run:
    """Return a copy of the analysed run."""
    shutil.copytree(analysed, tmp_path / "outputs")
    return open_run(tmp_path / "outputs")


def test_outputs_as_they_were_written(outputs):
    """Else an analysed run has findings for ever."""
    assert list(check_again(outputs)) == []


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("analysis.nc", lambda d: d[:-100]),
        ("analysis.nc", lambda d: d[:5000] + bytes([d[5000] ^ 1]) + d[5001:]),
        ("analysis.nc", lambda d: b""),
        ("transitions.json", lambda d: d[:-10]),
        ("transitions.json", lambda d: d.replace(b'"low": ', b'"low": 1')),
        ("transitions.json", lambda d: b"{}"),
        ("report.html", lambda d: d[:-2000]),
    ],
)
def test_damaged_outputs(outputs, file, change):
    """Else numbers that no analysis gave are read from its file."""
    path = outputs.path / file
    path.write_bytes(change(path.read_bytes()))
    report = check_again(outputs)
    only_fault(report, file)
    assert all("makes it again" in each.remedy for each in report.of("fault"))


def test_a_report_that_was_written_again(outputs):
    """Else `grokscope report` makes a run unsound."""
    run, ds = analysed_dataset(outputs.path)
    write_findings(run, ds.assign_attrs(run="another name"))
    assert alarms(check_again(outputs)) == []


def test_without_the_cache(outputs):
    """Else an unpacked run, which has no cache, is damaged; or its outputs are not looked at."""
    shutil.rmtree(outputs.path / "cache")
    assert list(check_again(outputs)) == []
    events = json.loads((outputs.path / "transitions.json").read_text())
    events[0]["low"] = 3
    (outputs.path / "transitions.json").write_text(json.dumps(events))
    report = check_again(outputs)
    assert [each.file for each in report] == ["transitions.json"]
    data = (outputs.path / "analysis.nc").read_bytes()
    (outputs.path / "analysis.nc").write_bytes(data[:5000] + b"xxxx" + data[5004:])
    only_fault(check_again(outputs), "analysis.nc")


def test_an_analysis_that_is_older_than_the_run(outputs):
    """Else nobody learns that a figure lacks the newest checkpoints."""
    import grokscope as gs

    gs.densify(outputs, (38, 39), every=1)
    assert alarms(check_again(outputs)) == []
    (outputs.checkpoints / "step-00000040.safetensors").unlink()
    assert any("no checkpoint now" in each.fault for each in check_again(outputs).of("note"))


def test_a_damaged_cache_is_a_note(outputs):
    """Else what is made again by itself is an alarm; or nobody learns why an analysis takes long."""
    (outputs.path / "cache" / "outputs.json").write_text("{")
    (outputs.path / "cache" / "step-00000020.safetensors").write_text("x")
    report = check_again(outputs)
    assert alarms(report) == []
    files = {each.file for each in report}
    assert {"cache/outputs.json", "cache/step-00000020.safetensors"} <= files


def test_sums_of_files(copy):
    """Else a run that is published with its sums is not held against them."""
    names = ["config.json", "metrics.jsonl", "checkpoints/step-00000020.safetensors"]
    lines = [f"{hashlib.sha256((copy.path / n).read_bytes()).hexdigest()}  {n}" for n in names]
    sums = copy.path / "SHA256SUMS"
    sums.write_text("\n".join(lines) + "\n")
    assert list(check_again(copy)) == []
    done = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=copy.path)
    assert done.returncode == 0
    sums.write_text("\n".join([lines[0].replace("config.json", "metrics.jsonl"), *lines[1:]]))
    only_fault(check_again(copy), "metrics.jsonl", "another SHA-256")
    sums.write_text(f"{'0' * 64}  ../other\n")
    only_fault(check_again(copy), "SHA256SUMS", "not in the run")
    sums.write_text(f"{'0' * 64}  none.txt\n")
    only_fault(check_again(copy), "none.txt", "missing")
    sums.write_bytes(b"\xff\x00nonsense\n")
    only_fault(check_again(copy), "SHA256SUMS", "line 1")


def test_links_and_strange_files(copy, tmp_path):
    """Else a run holds what is not its own, or a pipe on which every reader hangs."""
    outside = tmp_path / "outside"
    outside.write_text("x")
    (copy.path / "figures").mkdir()
    (copy.path / "figures" / "own.pdf").write_text("anything")
    assert list(check_again(copy)) == []
    (copy.path / "figures" / "link").symlink_to(outside)
    (copy.path / "CARD.md").symlink_to("config.json")
    report = check_again(copy)
    assert [each.file for each in report.of("warning")] == ["figures/link"]
    assert str(outside) in report.of("warning")[0].fault
    assert [each.file for each in report.of("note")] == ["CARD.md"]
    (copy.path / "README.md").symlink_to("nowhere")
    os.mkfifo(copy.path / "figures" / "pipe")
    faults = {each.file for each in check_again(copy).of("fault")}
    assert faults == {"README.md", "figures/pipe"}


def test_a_checkpoint_that_is_a_link_to_itself(copy):
    """Else a folder of links hangs the check, or ends it in a traceback."""
    path = copy.checkpoints / "step-00000020.safetensors"
    path.unlink()
    path.symlink_to(path.name)
    assert "checkpoints/step-00000020.safetensors" in {
        e.file for e in check_again(copy).of("fault")
    }
    path.unlink()
    os.mkfifo(path)
    assert "checkpoints/step-00000020.safetensors" in {
        e.file for e in check_again(copy).of("fault")
    }


def test_leftovers_and_unknown_files_are_notes(copy):
    """Else litter of killed writers is damage, or a user's own file is."""
    (copy.checkpoints / ".step-00000044.safetensors.123-0a1b2c3d.part").write_text("x")
    (copy.checkpoints / "step-000000020.safetensors").write_text("one zero more")
    for number in range(15):
        (copy.path / f"notes{number}.txt").write_text("mine")
    (copy.path / "more").mkdir()
    report = check_again(copy)
    assert alarms(report) == []
    files = [each.file for each in report]
    assert "checkpoints/.step-00000044.safetensors.123-0a1b2c3d.part" in files
    assert "notes1.txt" in files
    assert any("7 more files" in each.fault for each in report)


def test_a_run_that_is_being_written(train_small, tmp_path):
    """Else a run in training is told to have been interrupted."""
    run = train_small(tmp_path / "run", stop_after=26)
    code = (
        "import sys, pathlib\nfrom grokscope.runs.lock import only_writer\n"
        "with only_writer(pathlib.Path(sys.argv[1])):\n print('held', flush=True)\n sys.stdin.read()"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(run.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with writer:
        assert writer.stdout.readline() == "held\n"
        report = check_again(run)
        assert report.status == "in training"
        assert alarms(report) == []
        writer.stdin.close()
    assert check_again(run).status == "unfinished"
