"""The verdict on the algorithm and the results of an ablation, as a notebook shows them."""

from typing import TYPE_CHECKING

import numpy as np

from grokscope.notebook.card import Card, Table, number, share
from grokscope.notebook.small_figures import WORDS
from grokscope.tasks import ROWS

if TYPE_CHECKING:
    from grokscope.measures.ablations import Ablation
    from grokscope.transitions.algorithm import Algorithm

HOLDS = {True: "holds", False: "fails", None: "not measured"}


def algorithm_card(found: "Algorithm") -> Card:
    """Return the verdict, with every piece of its evidence: value, what it must be, whether it holds."""
    evidence = [
        (e.of, e.quantity.replace("_", " "), number(e.value), e.wanted, HOLDS[e.holds])
        for e in found.evidence
    ]
    notes = [(e.quantity, e.note) for e in found.evidence if e.note]
    more: list[tuple[str, Table | str]] = []
    if found.circles:
        rows = [(c.freq, *(_value(v) for k, v in c.to_json().items() if k != "freq"))
                for c in found.circles]  # fmt: skip
        names = [k.replace("_", " ") for k in found.circles[0].to_json() if k != "freq"]
        more.append(("circles, one by one", Table(("freq", *names), rows)))
    if notes:
        more.append(("notes", Table(("quantity", "note"), notes)))
    faint = frozenset(i for i, e in enumerate(found.evidence) if not e.holds)
    head = ("speaks for", "quantity", "value", "must be", "")
    return Card(
        f"Algorithm: {found.name}",
        [found.sentence],
        tables=[Table(head, evidence, faint)],
        more=more,
    )


def ablation_card(found: "Ablation") -> Card:
    """Return loss and accuracy without the component, beside the same without random ones of the same size."""
    rows = [
        (WORDS[name], number(getattr(found.loss, name)), _null(found.null_loss, i, number),
         share(getattr(found.accuracy, name)), _null(found.null_accuracy, i, share))
        for i, name in enumerate(ROWS) if np.isfinite(getattr(found.loss, name))
    ]  # fmt: skip
    draws = len(found.null_loss)
    said = (
        f"null: {draws} others of the same size, taken away in its place"
        if draws
        else "no null was drawn"
    )
    head = ("rows", "loss (nat)", "null: median [all]", "accuracy", "null: median [all]")
    return Card(
        f"Without {found.component} ({found.mode} ablation)", [said], tables=[Table(head, rows)]
    )


def _null(values: np.ndarray, column: int, words: object) -> str:
    drawn = values[:, column] if len(values) else np.empty(0)
    drawn = drawn[np.isfinite(drawn)]
    if not drawn.size:
        return "–"
    say = words if callable(words) else str
    return f"{say(float(np.median(drawn)))} [{say(float(drawn.min()))}, {say(float(drawn.max()))}]"


def _value(value: object) -> str:
    return number(value) if isinstance(value, float) else str(value)
