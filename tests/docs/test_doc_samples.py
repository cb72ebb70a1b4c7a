"""Every code sample of the documentation runs, page by page, in a folder of its own."""

import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))

import doc_samples  # noqa: E402
from doc_samples import ROOT, RUN, SHOWN, Page, Sample, commands_of, pages  # noqa: E402
from sample_commands import NOT_RUN, reason, run_command  # noqa: E402
from sample_stand_ins import FILES, make_runs, provide  # noqa: E402

import grokscope as gs  # noqa: E402
from grokscope import api  # noqa: E402
from grokscope.measures import catalogue, forget  # noqa: E402
from grokscope.sweeps.specification import read_specification  # noqa: E402

PAGES = pages()
LONG = {"docs/chughtai2023.md", "docs/densify.md", "docs/groups.md", "docs/quickstart.md"}
"""Pages that take more than ten seconds: they run in the slow tests, their commands are parsed in the fast ones."""
SMALL_TRAINING = {"p": 23, "group": "S3", "d_model": 16, "n_heads": 2, "d_head": 8, "d_mlp": 24}
MOST_STEPS = 1500


@pytest.fixture(scope="session")
def sample_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return make_runs(tmp_path_factory.mktemp("sample-runs"))


@pytest.fixture
def small_world(
    tmp_path: Path, sample_runs: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Path]]:
    """An empty folder, in which trainings are small and runs that are opened are there."""
    monkeypatch.chdir(tmp_path)
    train, sweep, open_run = api.train, gs.sweep, gs.open_run

    def small_train(task=None, preset=None, out=None, **options):
        known = {k: v for k, v in SMALL_TRAINING.items() if k in options or k != "group"}
        if preset and "mlp" in preset:  # no heads
            known = {k: v for k, v in known.items() if k not in ("n_heads", "d_head")}
        options |= known
        if out is not None:  # what stood in for it gives way
            shutil.rmtree(out, ignore_errors=True)
        options["steps"] = min(options.get("steps", 100), MOST_STEPS)
        if "seeds" in options:
            options |= {"seeds": list(options["seeds"])[:2], "workers": 0, "steps": 20}
        return train(task, preset, out, threads=1, **options)

    def present(path):
        assert Path(path).exists() or provide(str(path), sample_runs), f"nothing is {path}"
        return path

    # As `gs.train` and so on find them: grokscope looks its names up on every use.
    monkeypatch.setattr(api, "train", small_train)
    monkeypatch.setattr(
        "grokscope.sweeps.start.sweep",
        lambda spec, out=None, workers=0, **how: sweep(spec, out, 0, **how),
    )
    monkeypatch.setattr("grokscope.runs.run.open_run", lambda path: open_run(present(path)))
    open_sweep = gs.open_sweep
    monkeypatch.setattr("grokscope.sweeps.folder.open_sweep", lambda p: open_sweep(present(p)))
    measures = {m.name for m in catalogue()}
    yield sample_runs
    for name in {m.name for m in catalogue()} - measures:
        forget(name)


def marked(page: Page):
    return pytest.param(page, id=page.name, marks=[pytest.mark.slow] if page.name in LONG else [])


@pytest.mark.parametrize("page", [marked(page) for page in PAGES])
def test_samples_run(page: Page, small_world: dict[str, Path], capsys: pytest.CaptureFixture[str]):
    """Else a reader types what a page says, and it fails: a renamed option, a missing import, a wrong name."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    # A page may use a file before it shows it.
    for sample in sorted(page.samples, key=lambda s: s.language != "toml"):
        if sample.language == "python":
            for name in FILES:
                if f'"{name}"' in sample.body and not Path(name).exists():
                    provide(name, small_world)
            for number, code in ((1, sample.before), (sample.line + 1, sample.body)):
                source = "\n" * (number - 1) + code
                exec(compile(source, str(ROOT / sample.page), "exec"), namespace)
        elif sample.language == "toml":
            write_small_sweep(sample)
        elif sample.language == "console":
            run_console(sample, small_world, capsys)


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_commands_are_accepted(page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Else an option that was renamed is found by the slow tests only, or where nothing is run not at all."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    from command_parsers import read_options

    for sample in page.samples:
        for command in commands_of(sample) if sample.language == "console" else []:
            words = shlex.split(command)
            if words[0] == "grokscope":
                read_options(words[1:])


def run_console(sample: Sample, runs: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    commands = commands_of(sample)
    exits = sample.exits or [0] * len(commands)
    assert len(exits) == len(commands), f"{sample.id} says {len(exits)} exit codes"
    for command, expected in zip(commands, exits, strict=True):
        if not reason(command):
            code, said = run_command(command, runs, capsys)
            assert code == expected, f"{sample.id}: {command}: {said}"


def write_small_sweep(sample: Sample) -> None:
    """Read a TOML sample as a sweep's file, then write a small one in its place."""
    assert sample.file, f"{sample.id} says no file name"
    Path(sample.file).write_text(sample.body)
    read_specification(Path(sample.file))
    spec = tomllib.loads(sample.body)
    spec["grid"] = {k: v[:1] for k, v in spec.get("grid", {}).items()}
    small = {"p": 7, "d_model": 8, "n_heads": 2, "d_head": 4, "d_mlp": 12, "steps": 12}
    lines = [f'name = "{spec["name"]}"', f'task = "{spec["task"]}"', f'preset = "{spec["preset"]}"']
    lines += ["seeds = [0, 2]", "[set]", *(f"{k} = {v}" for k, v in small.items()), "[grid]"]
    lines += [f"{k} = {v}" for k, v in spec["grid"].items()]
    lines += ["[[case]]", f'name = "{spec["case"][0]["name"]}"']
    Path(sample.file).write_text("\n".join(lines))


def test_no_language_is_passed_over():
    """Else a block in a language that nothing runs hides a sample."""
    languages = {s.language for page in PAGES for s in page.samples}
    assert languages <= {*RUN, *SHOWN}, languages
    assert {"README.md", "docs/quickstart.md"} <= {page.name for page in PAGES}
    assert sum(len(commands_of(s)) for page in PAGES for s in page.samples) > 40


def test_few_commands_are_not_run():
    """Else more and more samples are only looked at: what is not run is counted here, kind by kind."""
    commands = [
        c for p in PAGES for s in p.samples if s.language == "console" for c in commands_of(s)
    ]
    counted = {kind: sum(reason(c) == why for c in commands) for kind, why in NOT_RUN.items()}
    assert all(counted.values()), f"a reason that nothing needs: {counted}"
    assert counted.pop("python") <= 20  # run, but by another test
    assert sum(counted.values()) <= 16, counted


def test_every_stand_in_is_used():
    """Else a stand-in outlives the sample that it was made for."""
    text = "\n".join(s.body for page in PAGES for s in page.samples)
    assert [name for name in FILES if name not in text] == []


def test_make_and_pip_know_what_the_pages_say():
    """Else a page says `make x` or an extra that there is not."""
    makefile = (ROOT / "Makefile").read_text()
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    commands = [
        c for p in PAGES for s in p.samples if s.language == "console" for c in commands_of(s)
    ]
    for words in (c.split() for c in commands if c.startswith(("make", "pip"))):
        if words[0] == "make":
            assert any(f"\n{word}:" in makefile for word in words[1:]), words
        else:
            named = words[-1].strip('"').removeprefix(".[").removesuffix("]").split(",")
            assert set(named) <= set(extras), words
            assert (ROOT / "constraints.txt").is_file()


ONLY_READ = """
import runpy, sys, tyro
real = tyro.cli
def read(*args, **kwargs):
    print(real(*args, **kwargs))
    sys.exit(0)
tyro.cli = read
sys.argv = sys.argv[1:]
sys.path.insert(0, str(__import__("pathlib").Path(sys.argv[0]).parent))
runpy.run_path(sys.argv[0], run_name="__main__")
sys.exit(3)
"""
"""Takes a script's options through its own parser, and ends there: for a script without a dry run."""


ANALYSES = sorted(
    {
        c
        for p in PAGES
        for s in p.samples
        if s.language == "console"
        for c in commands_of(s)
        if c.startswith("python")
    }
)


@pytest.mark.slow
@pytest.mark.parametrize("command", ANALYSES)
def test_analysis_commands(command: str, tmp_path: Path):
    """Else a page says an option that a paper's script does not have; without training it prints its settings."""
    words = command.split()
    path = ROOT / words[1]
    if "dry_run" in path.read_text():
        script = [sys.executable, str(path), *words[2:]]
        script += [] if "--dry-run" in words else ["--dry-run"]
    else:
        script = [sys.executable, "-c", ONLY_READ, str(path), *words[2:]]
    done = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip()


def test_comments_are_understood(tmp_path: Path):
    """Else a comment above a block is not found, and its sample fails or is run without what stands before."""
    path = tmp_path / "page.md"
    path.write_text(
        "<!-- sample: before\nx = 3\n-->\n\n```python\nassert x == 3\n```\n\n"
        "<!-- sample: exits 0 1 -->\n```console\n$ a; b   # words\nout\n```\n\n```text\nno\n```\n"
    )
    python, console, text = doc_samples.samples_of(path)
    assert (python.before, python.body, python.line) == ("x = 3", "assert x == 3\n", 5)
    assert (console.exits, commands_of(console)) == ([0, 1], ["a", "b"])
    assert (text.said, text.language) == ("", "text")
