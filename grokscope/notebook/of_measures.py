"""A measure and the catalogue of measures, as a notebook shows them."""

from typing import TYPE_CHECKING

from grokscope.notebook.card import Card, Table

if TYPE_CHECKING:
    from grokscope.measures.registry import Catalogue, Measure


def measure_card(m: "Measure") -> Card:
    """Return what a measure says about itself."""
    facts = [
        ("source", m.source),
        ("cost", m.cost),
        ("reads", ", ".join(m.reads)),
        ("needs", ", ".join(m.needs) or "nothing special"),
        ("taken", "at every step" if m.at == "every" else "at the final step"),
        ("label-free", "yes" if m.label_free else "no"),
        ("causal", "yes" if m.causal else "no: it looks at later steps"),
        ("by default", "yes" if m.default else "no: name it"),
    ]
    outputs = [
        (name, ", ".join((*o.dims, *(["step"] if m.at == "every" else []))) or "none", o.units, o.long_name)
        for name, o in m.outputs.items()
    ]  # fmt: skip
    formulas = [(name, o.formula) for name, o in m.outputs.items()]
    return Card(
        f"Measure {m.name}",
        [m.summary],
        tables=[Table(("variable", "dimensions", "units", "what"), outputs)],
        more=[
            ("formulas", Table(("variable", "formula"), formulas)),
            ("cost, needs, source", Table(("", ""), facts)),
        ],
    )


def catalogue_card(measures: "Catalogue") -> Card:
    """Return one line for each measure."""
    own = [m for m in measures if not m.builtin]
    rows = [(m.name, m.summary, m.cost, "" if m.at == "every" else "final step") for m in measures]
    head = ("measure", "what", "cost", "")
    shown = [row for row, m in zip(rows, measures, strict=True) if not m.builtin]
    return Card(
        f"{len(measures)} measures, {len(own)} of your own",
        ["One by name: gs.catalogue()['gini']; the same with formulas: grokscope measures."],
        tables=[Table(head, shown)] if shown else [],
        more=[("all of them", Table(head, rows))],
    )
