"""Files that are made to harm: pipes and devices, links, JSON and configurations without bounds."""

import os
import signal
import time
import tracemalloc
from pathlib import Path

import pytest
import xarray as xr

import grokscope as gs
from grokscope.analysis.netcdf import read_dataset, write_dataset
from grokscope.config import RunConfig, override
from grokscope.errors import GrokscopeError, RequestError, UnsoundError
from grokscope.models.foreign import read_foreign
from grokscope.models.initialise import initialise
from grokscope.reading import MAX_JSON, check_header, parse_json, read_bounded, read_json_bounded
from grokscope.runs.bounds import check_bounds
from grokscope.runs.checkpoints import checkpoint_path, write_tensors
from grokscope.runs.run import create_run, open_run, write_config
from grokscope.sweeps.toml_file import load_toml
from grokscope.transitions.transition import Transitions

SIZE = dict(p=5, d_model=8, n_heads=2, d_head=4, d_mlp=12, steps=20, d_vocab=6, d_vocab_out=6)


@pytest.fixture
def run(tmp_path: Path) -> gs.runs.run.Run:
    """A run with one checkpoint."""
    made = create_run(tmp_path / "run", override(RunConfig(), **SIZE))
    write_tensors(
        checkpoint_path(made.checkpoints, 0), initialise(made.config.model), 0, made.config_hash
    )
    return made


@pytest.fixture(autouse=True)
def in_time():
    """Every test here ends within a minute: what waits for ever fails."""
    signal.alarm(60)
    yield
    signal.alarm(0)


# What stands in the place of a file


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100 << 30)


SPECIAL = {
    "pipe": make_pipe,
    "folder": lambda path: path.mkdir(),
    "100 GB of nothing": make_sparse,
    "endless device": lambda path: path.symlink_to("/dev/zero"),
    "link to nothing": lambda path: path.symlink_to("/nowhere/at/all"),
    "link to itself": lambda path: path.symlink_to(path.name),
}
READS = {
    "analysis.nc": lambda folder: read_dataset(folder / "analysis.nc"),
    "config.json": lambda folder: open_run(folder),
    "metrics.jsonl": lambda folder: open_run(folder).metrics(),
    "checkpoints/step-00000000.safetensors": lambda folder: open_run(folder).weights(0),
    "a.json": lambda folder: read_json_bounded(folder / "a.json"),
    "a.toml": lambda folder: load_toml(folder / "a.toml"),
    "a.zip": lambda folder: gs.unpack(folder / "a.zip", folder / "out"),
    "a.pt": lambda folder: read_foreign(folder / "a.pt"),
    "a.safetensors": lambda folder: read_foreign(folder / "a.safetensors"),
    "sweep.json": lambda folder: gs.open_sweep(folder),
}


@pytest.mark.parametrize("special", SPECIAL)
@pytest.mark.parametrize("name", READS)
def test_what_is_no_file_is_refused_at_once(name, special, run):
    """Else a reader waits for ever on a pipe, reads a device without end, or takes the memory that a size promises."""
    path = run.path / name
    path.unlink(missing_ok=True)
    SPECIAL[special](path)
    with pytest.raises(GrokscopeError) as caught:
        READS[name](run.path)
    assert str(caught.value).isprintable()


def test_a_pipe_that_takes_the_place_of_a_file(tmp_path, monkeypatch):
    """Else a file that becomes a pipe between the look and the opening is waited for."""
    path, plain = tmp_path / "a.json", tmp_path / "plain"
    plain.write_text("1")
    os.mkfifo(path)
    looked = Path.stat
    monkeypatch.setattr(
        Path, "stat", lambda self, **how: looked(plain if self == path else self, **how)
    )
    with pytest.raises(UnsoundError, match="not a file but a pipe"):
        read_bounded(path, 100)


def test_links_out_of_a_run_are_refused(run, tmp_path):
    """Else a stranger's run reads a file of mine, and a pack or report of it gives it away."""
    secret = tmp_path / "secret.json"
    secret.write_text("{}")
    (run.path / "split.json").symlink_to(secret)
    with pytest.raises(UnsoundError, match="link out of"):
        read_json_bounded(run.path / "split.json", inside=run.path)
    with pytest.raises(RequestError, match="plain file|is a link"):
        gs.pack(run, tmp_path / "a.zip")
    write_dataset(xr.Dataset({"a": ("x", [1])}), tmp_path / "mine.nc")
    (run.path / "analysis.nc").symlink_to(tmp_path / "mine.nc")
    with pytest.raises(UnsoundError, match="link out of"):
        read_dataset(run.path / "analysis.nc")


@pytest.mark.parametrize(
    "name", ["config.json", "metrics.jsonl", "checkpoints/step-00000000.safetensors", "checkpoints"]
)
def test_a_run_whose_files_lie_elsewhere(name, run, tmp_path):
    """Else what a run seems to hold is anybody's file, and is packed, checked or shown as the run's."""
    path, away = run.path / name, tmp_path / "elsewhere"
    if not path.exists():
        path.write_text("")
    path.rename(away)
    path.symlink_to(away)

    def read_all() -> None:
        opened = open_run(run.path)
        opened.metrics()
        opened.weights(0)

    with pytest.raises(GrokscopeError, match="link out of"):
        read_all()


def test_a_run_may_be_reached_by_a_link(run, tmp_path):
    """Else a run on another disk, linked to from the working folder, is refused."""
    (tmp_path / "link").symlink_to(run.path)
    write_dataset(xr.Dataset({"a": ("x", [1])}), run.path / "analysis.nc")
    assert open_run(tmp_path / "link").weights(0)
    assert read_dataset(tmp_path / "link" / "analysis.nc")["a"].item() == 1


def test_a_file_that_grows_is_read_to_its_bound(tmp_path):
    """Else a file that says 0 bytes, as those of /proc do, is read without end."""
    path = tmp_path / "a"
    path.write_bytes(b"x" * 11)
    with pytest.raises(UnsoundError, match="at most 10"):
        read_bounded(path, 10)
    assert read_bounded(path, 11) == b"x" * 11
    assert read_bounded(Path("/proc/self/status"), 1 << 20)
    with pytest.raises(UnsoundError, match="more than 10 bytes"):
        read_bounded(Path("/proc/self/status"), 10)


# JSON


@pytest.mark.parametrize(
    "text",
    ["[" * 10**5, '{"a":' * 10**5, "9" * 5000, "NaN", "-Infinity", '"\\ud800"', '{"\\udfff": 1}', "", "{", "\ufeff{}",
     b"\xff\xfe", b'"\xed\xa0\x80"'],
)  # fmt: skip
def test_json_that_is_none(text):
    """Else a number, a depth or a letter that JSON or UTF-8 does not have ends in a traceback, some lines later."""
    with pytest.raises(ValueError, match="."):
        parse_json(text)


@pytest.mark.parametrize("unit", ["{},", "[],", '"a",', "1,", '{"a":[]},'])
def test_json_takes_little_memory(unit):
    """Else a file of the greatest size that is read fills the memory."""
    text = f"[{unit * (MAX_JSON // len(unit) // 16)}1]"
    tracemalloc.start()
    parse_json(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 16 * peak < 1 << 30


@pytest.mark.parametrize("length", [0, 7, 2**24 + 1, 2**63, 2**64 - 1])
def test_a_safetensors_header_without_end(tmp_path, length):
    """Else a file of a few bytes that promises a header of gigabytes has memory taken for it."""
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"" if length == 0 else length.to_bytes(8, "little") + b"{}")
    with pytest.raises(UnsoundError, match=r"header (of|is)"):
        check_header(path)


# Configurations


@pytest.mark.parametrize(
    "fields",
    [dict(d_model=10**8), dict(n_layers=10**6), dict(d_mlp=65536, d_model=16384), dict(d_vocab=10**9),
     dict(n_ctx=10**6), dict(steps=10**15, checkpoint_every=1), dict(steps=10**9, checkpoint_every=1),
     dict(checkpoint_log=10**9),
     dict(steps=10**11, eval_every=1), dict(steps=10**11, keyframe_every=1), dict(d_model=0), dict(d_head=-1),
     dict(checkpoint_steps=list(range(10**6 + 1))), dict(frac_train=1e300), dict(split_seed=-1), dict(steps=0),
     dict(outliers=10**30), dict(eval_every=0)],
    ids=lambda fields: " ".join(fields),
)  # fmt: skip
def test_configurations_without_bounds(fields, run):
    """Else opening a run of a stranger takes all memory, before anything in it was looked at."""
    config = override(run.config, **fields)
    with pytest.raises(RequestError):
        check_bounds(config)
    run.info.update(config=config.to_dict(), config_hash=config.hash())
    write_config(run)
    begun = time.process_time()
    with pytest.raises(RequestError, match="config.json"):
        open_run(run.path)
    assert time.process_time() - begun < 5


def test_the_largest_real_runs_are_within_bounds():
    """Else the bounds refuse work that people do: twelve layers of 1,024, ten million steps, a checkpoint every 10."""
    model = dict(
        n_layers=12,
        d_model=1024,
        n_heads=16,
        d_head=64,
        d_mlp=4096,
        p=4096,
        d_vocab=4097,
        d_vocab_out=4097,
    )
    check_bounds(override(RunConfig(), **model, steps=10**7, checkpoint_every=10, eval_every=1))


@pytest.mark.parametrize("fields", [dict(d_vocab=5), dict(d_vocab_out=4), dict(n_ctx=2), dict(p=7)])
def test_a_model_that_cannot_read_its_task(fields, run):
    """Else an analysis ends in an index error: the model has fewer tokens than the task."""
    config = override(run.config, **fields)
    run.info.update(config=config.to_dict(), config_hash=config.hash())
    write_config(run)
    with pytest.raises(RequestError, match="needs"):
        open_run(run.path).task  # noqa: B018


@pytest.mark.parametrize(
    "entry",
    [None, 1, {}, {"name": 1}, dict(low="1"), dict(low=-1), dict(low=True), dict(low=1.5), dict(high=10**300),
     dict(low=5, high=5), dict(low=6, high=5), dict(censored=1), dict(censored=True), dict(name=[]), dict(extra=1)],
)  # fmt: skip
def test_entries_that_are_no_transitions(entry):
    """Else a transitions.json of a stranger is believed until arithmetic on it fails."""
    sound = {"name": "a", "low": 1, "high": 5, "censored": False, "definition": "", "rows": ""}
    assert Transitions.from_json([sound])
    spoiled = sound | entry if isinstance(entry, dict) and entry and "name" not in entry else entry
    with pytest.raises(RequestError, match="no transition"):
        Transitions.from_json([spoiled])
    with pytest.raises(RequestError, match="no transition"):
        Transitions.from_json({"a": 1})


def test_a_toml_key_of_many_parts(tmp_path):
    """Else a file of half a megabyte is read for minutes."""
    path = tmp_path / "a.toml"
    for text in (
        "a." * 200_000 + "a = 1",
        "[" + "a." * 200_000 + "a]",
        "x = {" + '"a" . ' * 90_000 + "a = 1}",
    ):
        path.write_text(text)
        with pytest.raises(RequestError, match="parts"):
            load_toml(path)
    path.write_text(
        "seeds = [1]\nx = [" + "0.125, " * 1000 + "]\ny = '1.2.3'\n" + "w" * 10**5 + " = 1"
    )
    assert len(load_toml(path)["x"]) == 1000
