"""The report's tables on key frequencies, or key representations: the rules, the neurons, the order of learning."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from grokscope.figures.marks import interval_words
from grokscope.figures.series import has, key_frequencies
from grokscope.report.words import number
from grokscope.transitions.curves import key_variable
from grokscope.transitions.learning_order import learning_order


@dataclass(frozen=True)
class Kind:
    """What is key in a run: words for one and for several, its dimension, the variables that speak of it.

    Attributes
    ----------
    one, many
        Its words.
    dim
        The dimension.
    by_rule, neurons
        The variables with the key ones by each rule, and with the neurons of each.
    """

    one: str
    many: str
    dim: str
    by_rule: str
    neurons: str


FREQUENCY = Kind(
    "frequency", "frequencies", "freq", "key_frequency_by_rule", "neurons_per_frequency"
)
REPRESENTATION = Kind(
    "representation", "representations", "irrep", "key_irrep_by_rule", "neurons_per_irrep"
)


def kind_of(ds: xr.Dataset) -> Kind:
    """Return what is key in a run: representations on a group that is not cyclic, else frequencies."""
    group = key_variable(ds) == "key_irrep" or REPRESENTATION.by_rule in ds
    return REPRESENTATION if group else FREQUENCY


def chosen_keys(ds: xr.Dataset) -> list[Any]:
    """Return what is key: frequencies in ascending order, or names in the group's order."""
    if kind_of(ds) is FREQUENCY:
        return key_frequencies(ds)
    return [str(name) for name in ds["key_irrep"].values] if "key_irrep" in ds.variables else []


def key_rules(ds: xr.Dataset) -> dict[str, Any] | None:
    """Return what is key by each rule, side by side, and where the rules disagree; None where nothing was looked for.

    The degree of a representation is shown where the Dataset has it as the coordinate ``irrep_degree``.
    """
    kind, chosen = kind_of(ds), chosen_keys(ds)
    found: dict[str, Any] = {
        "one": kind.one, "many": kind.many, "chosen": chosen, "rules": [], "rows": [],
        "disagree": [], "degrees": False,
    }  # fmt: skip
    if not has(ds, kind.by_rule):
        return found if chosen else None
    table = ds[kind.by_rule].transpose("rule", kind.dim)
    picked = np.nan_to_num(np.asarray(table.values, dtype=np.float64)) > 0
    labels, degrees = table[kind.dim].values.tolist(), _degrees(table)
    return found | {
        "rules": [str(rule) for rule in table["rule"].values],
        "degrees": degrees is not None,
        "rows": [
            {
                "name": label,
                "degree": None if degrees is None else degrees[i],
                "by": picked[:, i].tolist(),
                "key": label in chosen,
            }
            for i, label in enumerate(labels)
            if picked[:, i].any() or label in chosen
        ],
        "disagree": [
            label for i, label in enumerate(labels) if 0 < picked[:, i].sum() < len(picked)
        ],
    }


def _degrees(table: xr.DataArray) -> list[int] | None:
    if "irrep_degree" not in table.coords:
        return None
    return [int(degree) for degree in table["irrep_degree"].values]


def neuron_counts(ds: xr.Dataset) -> list[tuple[str, str]]:
    """Return the neurons explained per key frequency, or representation, at the final step, and the rest."""
    kind = kind_of(ds)
    if not has(ds, kind.neurons):
        return []
    array = ds[kind.neurons].transpose("step", kind.dim)
    counts = array.values[-1].astype(float)
    labels, keys = array[kind.dim].values.tolist(), chosen_keys(ds)
    is_key = np.array([label in keys for label in labels])
    rows = [
        (f"{kind.one} {label}", number(float(count)))
        for label, count in zip(labels, counts, strict=True)
        if label in keys and np.isfinite(count)
    ]
    rows.append((f"other {kind.many}", number(float(np.nansum(counts[~is_key])))))
    rows.append((f"all {kind.many}", number(float(np.nansum(counts)))))
    for name, words in (("neurons_explained", "explained"), ("neurons_dead", "dead")):
        if has(ds, name) and ds[name].dims == ("step",):
            rows.append((words, number(float(ds[name].values[-1]))))
    if "neuron" in ds.sizes:
        rows.append(("neurons in all", number(ds.sizes["neuron"])))
    return rows


def order_learned(ds: xr.Dataset) -> dict[str, Any] | None:
    """Return the rule in words and one row for each that is key, the first one learned first.

    None where nothing is key, and for a single checkpoint, which has no order.
    """
    if key_variable(ds) not in ds or ds.sizes.get("step", 0) < 2:
        return None
    kind, events = kind_of(ds), learning_order(ds)
    if not len(events):
        return None
    rows = [
        {
            "name": _plain(event.name, kind),
            "when": interval_words(event),
            "seen": "no" if event.censored else "yes",
            "rows": event.rows,
            "note": _plain(event.note, kind),
        }
        for event in events
    ]
    one = f"{kind.one} {rows[0]['name']}"
    return {"definition": events[0].definition.replace(one, f"a {kind.one}"), "rows": rows}


def _plain(text: str, kind: Kind) -> str:
    """Return the names of the events, learned_freq_3 or learned_standard, as those of what was learned."""
    return text.replace("learned_freq_" if kind is FREQUENCY else "learned_", "")
