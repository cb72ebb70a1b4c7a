"""grokscope measures: list the measures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grokscope.cli.output import print_json, print_table
from grokscope.cli.parse import parse

if TYPE_CHECKING:
    from grokscope.measures import Measure


@dataclass(frozen=True)
class Options:
    """List the measures and their variables, with formula, source and cost."""

    json: bool = False
    """Print as JSON, with everything."""


def main(argv: Sequence[str]) -> int:
    """Print the measures."""
    options = parse(Options, "measures", argv)
    from grokscope.measures import catalogue

    everything = catalogue()
    if options.json:
        print_json(
            [
                {
                    "name": m.name,
                    "summary": m.summary,
                    "source": m.source,
                    "reads": list(m.reads),
                    "cost": m.cost,
                    "label_free": m.label_free,
                    "causal": m.causal,
                    "at": m.at,
                    "needs": list(m.needs),
                    "version": m.version,
                    "default": m.default,
                    "instead_of": m.instead_of,
                    "variables": {
                        name: {
                            "dims": list(o.dims),
                            "long_name": o.long_name,
                            "units": o.units,
                            "formula": o.formula,
                        }
                        for name, o in m.outputs.items()
                    },
                }
                for m in everything
            ]
        )
        return 0
    rows = [
        (name, output.formula, m.source, _cost(m), "yes" if m.label_free else "no")
        for m in everything
        for name, output in m.outputs.items()
    ]
    print_table(("variable", "formula", "source", "cost", "label-free"), rows)
    return 0


def _cost(measure: "Measure") -> str:
    return measure.cost if measure.default else f"{measure.cost}, on request"
