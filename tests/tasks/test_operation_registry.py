"""A task of one's own: registered in a few lines, trained, opened again, and every mistake in one line."""

import json

import numpy as np
import pytest

import grokscope as gs
from grokscope.config import RunConfig, TaskConfig, config_hash, from_dict, override
from grokscope.errors import RequestError
from grokscope.runs.run import open_run
from grokscope.tasks import TASKS, make_task, task_of
from grokscope.tasks.registry import forget
from grokscope.training.resolve import resolve

TINY = dict(
    p=5, frac_train=0.6, d_model=8, n_heads=2, d_head=4, d_mlp=8, steps=4, checkpoint_every=2,
    eval_every=2,
)  # fmt: skip


@pytest.fixture
def own():
    """Two operations of a user, forgotten afterwards."""

    @gs.operation(formula="a^2 - b mod p")
    def mod_a2_minus_b(a, b, p):
        return (a**2 - b) % p

    @gs.operation(over="group")
    def group_abb(a, b, group):
        """The product a, b, b."""
        return group.product(a, b, b)

    yield
    for name in ("mod_a2_minus_b", "group_abb"):
        if name in TASKS:
            forget(name)


def test_an_operation_in_a_few_lines(own):
    """Else a researcher's own task is no task: its table, formula and groups."""
    task = make_task("mod_a2_minus_b", 7)
    assert [int(c) for c in task.answers] == [(a * a - b) % 7 for a in range(7) for b in range(7)]
    assert task.formula == "a^2 - b mod p"
    words = make_task("group_abb", group="D4")
    assert words.formula == "The product a, b, b in D4"
    t = words.group.table
    assert all(words.answers[8 * a + b] == t[t[a, b], b] for a in range(8) for b in range(8))


def test_a_run_of_it_is_trained_and_opened(own, tmp_path):
    """Else a run does not know its task, or opens as another where the task is not registered."""
    run = gs.train("mod_a2_minus_b", out=tmp_path / "run", **TINY)
    again = open_run(run.path)
    assert again.config.task.task == "mod_a2_minus_b"
    assert np.array_equal(again.task.answers, make_task("mod_a2_minus_b", 5).answers)
    forget("mod_a2_minus_b")
    with pytest.raises(RequestError) as caught:
        open_run(run.path)
    message = str(caught.value)
    assert "mod_a2_minus_b" in message
    assert "no registered task" in message
    assert "\n" not in message


def test_names_of_built_in_tasks_are_taken():
    """Else a run called mod_add is of something else."""
    with pytest.raises(RequestError, match="built-in"):

        @gs.operation
        def mod_add(a, b, p):
            return a

    with pytest.raises(RequestError, match="did you mean 'group'"):
        gs.operation(over="groups")(lambda a, b, g: a)
    with pytest.raises(RequestError, match="not a task of your own"):
        forget("mod_add")


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (lambda a, b, p: a / 2, "float64"),
        (lambda a, b, p: a[:3], "(3,)"),
        (lambda a, b, p: 1, "()"),
        (lambda a, b, p: a + b, "take them modulo p"),
        (lambda a, b, p: a - b, "take them modulo p"),
    ],
)
def test_answers_outside_the_table_are_refused(answers, words):
    """Else training begins on classes that the model does not have."""
    answers.__name__ = "mine"
    gs.operation(answers)
    try:
        with pytest.raises(RequestError) as caught:
            make_task("mine", 5)
    finally:
        forget("mine")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("config", "n_ctx", "d_vocab", "classes"),
    [
        (TaskConfig(), 3, 114, 113),
        (TaskConfig("mod_div", p=97, layout="a op b ="), 4, 99, 97),
        (TaskConfig("group_mul", group="S4", layout="a b"), 2, 24, 24),
        (TaskConfig("group_conjugate", group="C4xC2", layout="a op b ="), 4, 10, 8),
        (TaskConfig("sparse_parity", bits=5, relevant=2), 6, 3, 2),
    ],
)
def test_vocabulary_and_positions_follow_the_task(config, n_ctx, d_vocab, classes):
    """Else the model cannot read a row, or has classes that are no tokens where the vocabulary is shared."""
    fields = vars(config)
    shared, _ = resolve(override(RunConfig(), **fields))
    only, task = resolve(override(RunConfig(), output_vocabulary="answers", **fields))
    assert (shared.model.n_ctx, shared.model.d_vocab) == (n_ctx, d_vocab)
    assert (shared.model.d_vocab_out, only.model.d_vocab_out) == (d_vocab, classes)
    back = from_dict(json.loads(json.dumps(shared.to_dict())))
    assert np.array_equal(task_of(back.task).tokens, task.tokens)
    assert np.array_equal(task_of(back.task).answers, task.answers)


def test_runs_written_before_these_fields_open_as_they_were(tmp_path):
    """Else a run of an older version has another hash or another table: its config.json has task and p only."""
    run = gs.train("mod_sub", out=tmp_path / "run", **TINY)
    file = run.path / "config.json"
    record = json.loads(file.read_text())
    record["config"]["task"] = {"task": "mod_sub", "p": 5}
    record["schema"] = 1
    del record["info_hash"]
    record["config_hash"] = config_hash(record["config"])
    file.write_text(json.dumps(record))
    old = open_run(run.path)
    assert old.config == run.config
    assert old.config_hash == record["config_hash"] != run.config_hash
    assert old.task.tokens.tolist()[:2] == [[0, 0, 5], [0, 1, 5]]


@pytest.mark.parametrize(
    "options",
    [
        {"task": "group_mul", "group": "S3", "layout": "a op b ="},
        {"task": "group_mul", "group": "C5", "layout": "a b"},
        {"task": "mod_a2_b2", "layout": "a op b =", "n_layers": 2, "normalization": "post"},
        {"task": "sparse_parity", "bits": 5, "relevant": 2},
    ],
)
def test_every_kind_of_task_is_trained_and_analysed(options, tmp_path):
    """Else a measure takes bits for pairs, or the operation's token for the second operand."""
    run = gs.train(out=tmp_path / "run", **(TINY | options))
    ds = gs.analyze(run)
    assert np.isfinite(ds["loss"].sel(rows="all")).all()
    assert ("key_frequency" in ds) == (run.task.cyclic is not None)
    assert ("attention_pattern" in ds) == run.task.is_binary
    assert ds.attrs["layout"] == run.task.layout
    if run.task.is_binary:
        assert np.array_equal(ds["answer"], run.task.answers)
        assert np.array_equal(ds["train"] == 1, run.split.train)
        assert np.array_equal(ds["a"], run.task.inputs[:, 0])
    assert len(gs.transitions(ds)) > 5
    for name in gs.figures.available(ds):
        assert gs.figures.FIGURES[name](ds, gs.transitions(ds)) is not None
