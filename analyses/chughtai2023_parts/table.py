"""The table of Chughtai et al. 2023: published, recomputed from the authors' models, and trained here."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from chughtai2023_parts.neuron_losses import KEY_RULE
from chughtai2023_parts.numbers import NEAREST, NOTE, NOTES, QUANTITIES, groups, published
from grokscope.runs.run import Run
from published.external import External
from published.measured import Measured, key_names, last
from published.page import Table, number, over_seeds

MEASURES = (
    "loss",
    "irrep_weight_shares",
    "irrep_neuron_shares",
    "restricted_loss_held_out",
)
PERCENT = ("unembedding", "neurons")

#: Quantity -> its name in the authors' summary_metrics.json, and the factor to our units.
RECORDED = {
    "unembedding": ("percent_unembed_explained", 100.0),
    "neurons": ("percent_hidden_explained", 100.0),
    "test": ("test_loss", 1.0),
    "excluded": ("total_hidden_excluded_loss", 1.0),
    "restricted": ("total_hidden_restricted_loss", 1.0),
}


@dataclass(frozen=True)
class Model:
    """One measured network: its group and architecture, and its quantities by name."""

    group: str
    architecture: str
    grokked: bool
    values: dict[str, float]
    keys: list[str]


def model_of(run: Run, ds: xr.Dataset) -> Model:
    """Return the published quantities of a run's last checkpoint, measured with the published rule for what is key."""
    task, accuracy = run.config.task, last(ds, "accuracy", rows="test")
    values = {
        "unembedding": 100 * last(ds, "unembedding_share_key"),
        "neurons": 100 * last(ds, "neuron_share_key"),
        "test": last(ds, "loss", rows="test"),
        "excluded": last(ds, "neuron_excluded_loss"),
        "restricted": last(ds, "neuron_restricted_loss"),
        "held out": last(ds, "restricted_loss_held_out"),
    }
    group = (
        task.group if run.task.group is not None and task.task.startswith("group") else f"C{task.p}"
    )
    return Model(group, run.config.model.architecture, accuracy >= 0.99, values, key_names(ds))  # fmt: skip


def recorded(path: Path) -> dict[str, float]:
    """Return what the authors recorded of one of their models, by quantity; empty where the file is not there.

    Parameters
    ----------
    path
        Folder of the model.
    """
    file = path / "summary_metrics.json"
    if not file.is_file():
        return {}
    metrics = json.loads(file.read_text())
    return {
        name: factor * float(metrics[word])
        for name, (word, factor) in RECORDED.items()
        if word in metrics
    }


def main_table(external: Sequence[tuple[External, Model]], trained: Sequence[Model]) -> Table:
    """Return published | external models | models trained here, for each group, architecture and quantity.

    Parameters
    ----------
    external
        Models of the authors, measured here.
    trained
        Models trained here; those that did not grok are counted in the note and left out.
    """
    shown = [m for m in trained if m.grokked]
    mine = list(dict.fromkeys(m.group for m in trained))
    rows = []
    for architecture in ("mlp", "transformer"):
        for group in dict.fromkeys((*groups(), *mine)):
            theirs = [
                (recorded(e.path), m)
                for e, m in external
                if (m.group, m.architecture) == (group, architecture)
            ]
            ours = [m for m in shown if (m.group, m.architecture) == (group, architecture)]
            if theirs or ours:
                rows += _rows(group, architecture, theirs, ours)
    absent = len(trained) - len(shown)
    return Table(
        "table-1",
        "Table 1 of the paper",
        (
            "group", "architecture", "quantity", "published", "one of the authors' models, recorded by them",
            "that model, recomputed", "trained here",
        ),
        rows,
        f"{NOTE} Recomputed: right rank throughout, key representations by the published rule ({KEY_RULE}). Trained "
        f"here: mean [least, greatest] (seeds); {absent} of {len(trained)} runs did not grok and are left out.",
    )  # fmt: skip


def _rows(
    group: str,
    architecture: str,
    theirs: Sequence[tuple[dict[str, float], Model]],
    ours: Sequence[Model],
) -> list[tuple[str, ...]]:
    nearest = NEAREST.get(group)
    paper = published(group, architecture) or published(nearest or "", architecture)
    source = "" if group not in NEAREST else f" ({nearest})"
    cells = []
    for name, words in QUANTITIES.items():
        digits = 4 if name in PERCENT else 3
        mark = NOTES.get((nearest or group, name), "") if _marked(architecture, name) else ""
        cells.append(
            (
                group,
                architecture,
                words,
                f"{number(paper[name], 4)}{mark}{source}" if paper else "-",
                over_seeds([r.get(name, float("nan")) for r, _ in theirs], digits=digits),
                over_seeds([m.values[name] for _, m in theirs], digits=digits),
                over_seeds([m.values[name] for m in ours], digits=digits),
            )
        )
    return cells


def _marked(architecture: str, quantity: str) -> bool:
    """Return whether a note holds for an architecture: the wrong test loss is that of transformers alone."""
    return quantity != "test" or architecture == "transformer"


def key_table(trained: Sequence[Model], measured: Measured) -> Table:
    """Return the key representations of every run, in the order in which they were learned."""
    from grokscope.transitions import learning_order

    rows = []
    for model, (record, _, ds) in zip(trained, measured, strict=True):
        order = [
            f"{t.name.removeprefix('learned_')} {_interval(t.low, t.high)}"
            for t in learning_order(ds)
        ]
        rows.append((record.label, str(record.seed), str(len(model.keys)), ", ".join(order)))
    return Table(
        "key-representations",
        "Key representations, in the order in which they were learned",
        ("group", "seed", "key by the published rule", "learned in the steps (default rule)"),
        rows,
        "Learned: half of the final share of the held-out logits' energy, at three checkpoints in a row; (low, high]. "
        "The paper: which representations a network learns, and in which order, differs from seed to seed.",
    )


def _interval(low: int | None, high: int | None) -> str:
    if high is None:
        return "not seen"
    return f"({'-' if low is None else f'{low:,}'}, {high:,}]"
