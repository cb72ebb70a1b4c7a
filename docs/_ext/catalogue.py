"""The directive `measures-catalogue`: one section per registered measure, from the registry itself.

Without grokscope.measures the page says so; a registry that is there and does not import fails the
build.
"""

import importlib.util
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

COLUMNS = ("variable", "dimensions", "units", "formula")


def has_registry() -> bool:
    """Whether grokscope.measures is there, without importing it; a bare folder is not."""
    try:
        spec = importlib.util.find_spec("grokscope.measures")
    except ModuleNotFoundError:
        return False
    return spec is not None and spec.origin is not None


def field(term: str, value: str) -> nodes.field:
    """Give one line "term: value"."""
    body = nodes.field_body("", nodes.paragraph(text=value))
    return nodes.field("", nodes.field_name(text=term), body)


def facts(measure: Any) -> nodes.field_list:
    """Give what holds for the whole measure."""
    free = "yes" if measure.label_free else "no, it reads test labels"
    causal = "yes" if measure.causal else "no, it uses the end of the run"
    fields = nodes.field_list()
    fields += field("source", measure.source)
    fields += field("reads", ", ".join(measure.reads) or "-")
    fields += field("cost", measure.cost)
    if not measure.default:
        fields += field(
            "taken", f"on request: grokscope analyze RUN_DIR --measures default,{measure.name}"
        )
    fields += field("label-free", free)
    fields += field("uses nothing later", causal)
    fields += field("taken at", "every step" if measure.at == "every" else "the final step")
    if measure.needs:
        fields += field("needs", ", ".join(measure.needs))
    if measure.instead_of:
        fields += field("stands in for", f"{measure.instead_of}, on groups that are not cyclic")
    return fields


def row(cells: list[nodes.Node]) -> nodes.row:
    """Give one row of a table."""
    return nodes.row("", *[nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells])


def table(measure: Any) -> nodes.table:
    """Give the variables that a measure writes into the dataset."""
    group = nodes.tgroup(cols=len(COLUMNS))
    group += [nodes.colspec(colwidth=width) for width in (22, 18, 10, 50)]
    group += nodes.thead("", row([nodes.Text(column) for column in COLUMNS]))
    body = nodes.tbody()
    for variable, output in measure.outputs.items():
        dims = (*output.dims, "step") if measure.at == "every" else output.dims
        cells: list[nodes.Node] = [
            nodes.literal(text=variable),
            nodes.Text(", ".join(dims) or "-"),
            nodes.Text(output.units or "-"),
            nodes.Text(output.formula or output.long_name or "-"),
        ]
        body += row(cells)
    group += body
    return nodes.table("", group)


def section(measure: Any) -> nodes.section:
    """Give the section of one measure."""
    name = f"measure-{measure.name}"
    found = nodes.section(ids=[nodes.make_id(name)], names=[name])
    found += nodes.title("", "", nodes.literal(text=measure.name))
    found += nodes.paragraph(text=measure.summary)
    found += facts(measure)
    found += table(measure)
    return found


class MeasuresCatalogue(SphinxDirective):
    """Insert every registered measure, in the registry's order."""

    def run(self) -> list[nodes.Node]:
        """Return one section per measure."""
        self.env.note_reread()
        if not has_registry():
            return [nodes.paragraph(text="The registry of measures is not installed here.")]
        from grokscope.measures import catalogue

        return [section(measure) for measure in catalogue()]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("measures-catalogue", MeasuresCatalogue)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
