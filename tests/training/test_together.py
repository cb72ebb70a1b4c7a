"""Runs of a stack on disk: each directory is that of a single run, whoever ends early, diverges or is interrupted."""

import json

import pytest
import torch
from stack_cases import CASES, ENGINE, SHAPE

from grokscope.config import RunConfig, override
from grokscope.errors import RequestError
from grokscope.runs.run import open_run
from grokscope.runs.status import run_status
from grokscope.training.engine import EngineConfig
from grokscope.training.loop import train_run
from grokscope.training.resume import resume_run
from grokscope.training.together import check_stack, train_stack

ALONE = EngineConfig(compile="off", threads=1)
FILES = dict(
    steps=24, eval_every=5, checkpoint_every=8, keyframe_every=10, dtype="float64", warmup=0
)


def configs_of(options, n=3):
    shape = {} if "architecture" in options else SHAPE
    return [override(RunConfig(), **(shape | options), seed=seed) for seed in range(n)]


def outs_of(tmp_path, n=3):
    return [tmp_path / "stack" / f"seed{seed}" for seed in range(n)]


def names_of(path):
    return sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.name != ".lock")


def files(path):
    return {name: (path / name).read_bytes() for name in names_of(path) if (path / name).is_file()}


def assert_same_weights(run, other, step, tolerance=1e-11):
    wanted = other.weights(step)
    for name, weight in run.weights(step).items():
        torch.testing.assert_close(weight, wanted[name], rtol=0, atol=tolerance, msg=name)


def assert_same_metrics(run, other):
    lines = run.metrics()
    assert [line["step"] for line in lines] == [line["step"] for line in other.metrics()]
    for line, wanted in zip(lines, other.metrics(), strict=True):
        assert line == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("case", ["full batch", "minibatch", "everything at once", "MLP"])
def test_every_directory_is_that_of_a_single_run(tmp_path, case):
    """Else a run of a stack cannot be read, resumed or analysed as any other, or is another run."""
    configs = configs_of(CASES[case] | FILES)
    heard, ended = [], []
    runs = train_stack(
        configs,
        outs_of(tmp_path),
        ENGINE,
        lambda place, step, metrics: heard.append((place, step, metrics["loss_train"])),
        lambda place, run: ended.append((place, run.name, run_status(run))),
    )
    assert ended == [(place, f"seed{place}", "done") for place in range(3)]
    for place, (run, config) in enumerate(zip(runs, configs, strict=True)):
        alone = train_run(config, tmp_path / "alone" / run.name, engine=ALONE)
        assert names_of(run.path) == names_of(alone.path)
        assert run.config == alone.config
        assert run.steps == alone.steps == (0, 8, 16, 24)
        for step in run.steps:
            assert_same_weights(run, alone, step)
        assert_same_metrics(run, alone)
        told = [(step, loss) for at, step, loss in heard if at == place]
        assert told == [(line["step"], line["loss_train"]) for line in run.metrics()]
        info, of_alone = (
            json.loads((path / "config.json").read_text()) for path in (run.path, alone.path)
        )
        assert info.pop("info_hash") != of_alone.pop("info_hash")
        assert (info.pop("stacked"), info["compiled"], info["threads"]) == (3, False, 1)
        assert [member["run"] for member in info.pop("stack")] == ["seed0", "seed1", "seed2"]
        assert info == of_alone


@pytest.mark.parametrize("how", ["stopped after", "interrupted at the last", "interrupted"])
@pytest.mark.parametrize("case", ["full batch", "minibatch", "weight noise", "everything at once"])
def test_an_interrupted_stack_goes_on_to_the_same_bits(tmp_path, case, how):
    """Else Ctrl-C loses the state of a member, or one that goes on alone is another run than in its stack."""
    configs = configs_of(CASES[case] | FILES)
    outs = outs_of(tmp_path)
    whole = train_stack(configs, outs_of(tmp_path / "whole"), ENGINE)

    def interrupt(place, step, metrics):
        if step == 15 and place == (2 if how == "interrupted at the last" else 0):
            raise KeyboardInterrupt

    if how == "stopped after":
        train_stack(configs, outs, ENGINE, stop_after=15)
    else:
        with pytest.raises(KeyboardInterrupt):
            train_stack(configs, outs, ENGINE, interrupt)
    for out in outs:
        assert run_status(open_run(out)) == "interrupted"
        assert (out / "state/step-00000015.safetensors").is_file()
    heard = []
    resume_run(outs[1], on_metrics=lambda step, metrics: heard.append(step))
    assert heard == [15, 16, 20, 24], "of the run that was asked for"
    for out, run in zip(outs, whole, strict=True):
        assert files(out) == files(run.path), "all went on together"


def test_who_stops_early_leaves_and_the_others_go_on(tmp_path):
    """Else a run that has learned is trained on, or ends those that have not."""
    options = dict(
        p=5, frac_train=0.8, lr=0.02, steps=60, eval_every=2, stop_accuracy=0.2, checkpoint_every=30
    )
    configs = configs_of(FILES | options, 6)
    ended = []
    runs = train_stack(
        configs,
        outs_of(tmp_path, 6),
        ENGINE,
        on_end=lambda place, run: ended.append((place, run_status(run))),
    )
    alone = [train_run(c, tmp_path / f"alone{i}", engine=ALONE) for i, c in enumerate(configs)]
    statuses = [run_status(run) for run in alone]
    assert {"stopped early", "done"} <= set(statuses), "the case holds both"
    assert [run_status(run) for run in runs] == statuses
    assert sorted(ended) == list(enumerate(statuses))
    last = [run.metrics()[-1]["step"] for run in alone]
    assert [place for place, _ in ended] == sorted(range(6), key=lambda place: (last[place], place))
    for run, other in zip(runs, alone, strict=True):
        assert_same_metrics(run, other)
        assert run.steps == other.steps
        assert_same_weights(run, other, run.steps[-1], 1e-9)


def test_who_diverges_leaves_and_the_others_go_on(tmp_path):
    """Else one member's infinity ends the stack, or is written as a run that is done."""
    options = dict(optimiser="sgd", lr=0.3, momentum=0.9, weight_decay=0.0, dtype="float32")
    options |= dict(loss_function="mse", act_fn="square", steps=40, p=5)
    configs = configs_of(FILES | options, 8)
    runs = train_stack(configs, outs_of(tmp_path, 8), ENGINE)
    alone = [train_run(c, tmp_path / f"alone{i}", engine=ALONE) for i, c in enumerate(configs)]
    statuses = [run_status(run) for run in alone]
    assert {"diverged", "done"} <= set(statuses), f"the case holds both: {statuses}"
    assert [run_status(run) for run in runs] == statuses
    for run, other in zip(runs, alone, strict=True):
        assert run.metrics()[-1]["step"] == other.metrics()[-1]["step"]
        assert names_of(run.path) == names_of(other.path)
        before = files(run.path)
        assert run_status(resume_run(run.path)) == run_status(run)
        assert files(run.path) == before, "one that diverged is left as it is"


def test_what_cannot_be_stacked(tmp_path):
    """Else runs of two settings are trained as one, or rows are cut to the shortest split."""
    configs = configs_of(FILES)
    refused = [
        (configs_of({"dropout": 0.1}), "dropout"),
        ([configs[0], override(configs[1], lr=0.5)], "more than their seeds"),
        (configs_of({"pairs": "unordered", "p": 7, "frac_train": 0.5}, 8), "training rows"),
    ]
    for given, words in refused:
        outs = outs_of(tmp_path, len(given))
        with pytest.raises(RequestError, match=words) as caught:
            train_stack(given, outs, ENGINE)
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "stack").exists()
    check_stack(configs, [5, 5, 5])
    with pytest.raises(RequestError, match="4 to 5 training rows"):
        check_stack(configs, [5, 4, 5])


def test_a_directory_that_is_taken(tmp_path):
    """Else a stack overwrites somebody's run."""
    outs = outs_of(tmp_path)
    outs[1].mkdir(parents=True)
    (outs[1] / "mine.txt").write_text("")
    with pytest.raises(RequestError, match="is not empty"):
        train_stack(configs_of(FILES), outs, ENGINE)
    assert names_of(outs[1]) == ["mine.txt"]
