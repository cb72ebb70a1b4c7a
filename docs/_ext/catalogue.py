"""The directive `measures-catalogue`: a table of all registered measures, then a section for each, by family.

Everything is from the registry, but for the families, which are said here, and the plots, which are of the
runs in docs/_data. A registry that does not import fails the build.
"""

import re
from typing import Any

from docutils import nodes
from measure_plots import EVENTS, plot_html, titles
from measure_rows import final_of, rows_of, stored
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from typeset import formula_nodes

COLUMNS = ("variable", "dimensions", "units", "formula")
OVERVIEW = ("measure", "what it is", "cost", "label-free", "causal", "family")
FAMILIES = {
    "Behaviour": "performance commutativity",
    "Losses of the circuit": "restricted_loss restricted_loss_each excluded_loss key_functions "
    "neuron_projection hidden_losses irrep_losses",
    "Key frequencies and representations": "key_frequency key_irrep",
    "Spectra and shares": "embedding_spectrum logit_trig_share gini circularity fourier_density "
    "inverse_participation_ratio irrep_spectra irrep_shares character_similarity",
    "Neurons": "neuron_clusters irrep_neurons coset_concentration displays",
    "Which algorithm": "circle_forms gradient_symmetricity circle_symmetricity "
    "distance_irrelevance",
    "Ablations": "ablations",
    "Weights": "weight_norms ranks sharpness",
}
"""Family -> the files of grokscope/measures that it has, in which measures are registered."""
ARXIV = re.compile(r"arXiv (\d{4}\.\d{4,5})")


def families(measures: list[Any]) -> dict[str, list[Any]]:
    """Return family -> its measures, in the registry's order within a family."""
    found: dict[str, list[Any]] = {family: [] for family in FAMILIES}
    for measure in measures:
        found.setdefault(family_of(measure), []).append(measure)
    return {family: members for family, members in found.items() if members}


def family_of(measure: Any) -> str:
    """Return the family that the measure's file is in; "Others" for one that is in none."""
    file = measure.function.__module__.rsplit(".", 1)[-1]
    return next((family for family, files in FAMILIES.items() if file in files.split()), "Others")


def link(text: str, target: str, *, code: bool = False) -> nodes.reference:
    """Return a link to a section of the same page."""
    inner = nodes.literal(text=text) if code else nodes.Text(text)
    return nodes.reference("", "", inner, internal=True, refid=target)


def anchor(measure: Any) -> str:
    """Return the id of a measure's section."""
    return str(nodes.make_id(f"measure-{measure.name}"))


def source_nodes(source: str) -> list[nodes.Node]:
    """Return a source with its arXiv numbers as links."""
    found: list[nodes.Node] = []
    end = 0
    for match in ARXIV.finditer(source):
        found.append(nodes.Text(source[end : match.start()]))
        address = f"https://arxiv.org/abs/{match[1]}"
        found.append(nodes.reference("", match[0], refuri=address))
        end = match.end()
    return [*found, nodes.Text(source[end:])]


def field(term: str, *value: nodes.Node) -> nodes.field:
    """Give one line "term: value"."""
    body = nodes.field_body("", nodes.paragraph("", "", *value))
    return nodes.field("", nodes.field_name(text=term), body)


def facts(measure: Any) -> nodes.field_list:
    """Give what holds for the whole measure."""
    free = "yes" if measure.label_free else "no, it reads test labels"
    causal = "yes" if measure.causal else "no, it uses the end of the run"
    fields = nodes.field_list(classes=["measure-facts"])
    fields += field("source", *source_nodes(measure.source))
    fields += field("reads", nodes.Text(", ".join(measure.reads) or "-"))
    fields += field("cost", nodes.Text(measure.cost))
    if not measure.default:
        command = f"grokscope analyze RUN_DIR --measures default,{measure.name}"
        fields += field("taken", nodes.Text("on request: "), nodes.literal(text=command))
    fields += field("label-free", nodes.Text(free))
    fields += field("causal (uses nothing later)", nodes.Text(causal))
    at = "every step" if measure.at == "every" else "the final step"
    fields += field("taken at", nodes.Text(at))
    if measure.needs:
        fields += field("needs", nodes.Text(", ".join(measure.needs)))
    if measure.instead_of:
        other = link(measure.instead_of, nodes.make_id(f"measure-{measure.instead_of}"), code=True)
        fields += field("stands in for", other, nodes.Text(", on groups that are not cyclic"))
    return fields


def row(cells: list[list[nodes.Node]]) -> nodes.row:
    """Give one row of a table."""
    return nodes.row("", *[nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells])


def make_table(
    columns: tuple[str, ...], widths: tuple[int, ...], rows: list[nodes.row]
) -> nodes.table:
    """Give a table with a head."""
    group = nodes.tgroup("", *[nodes.colspec(colwidth=w) for w in widths], cols=len(columns))
    group += nodes.thead("", row([[nodes.Text(column)] for column in columns]))
    group += nodes.tbody("", *rows)
    return nodes.table("", group)


def variables(measure: Any) -> nodes.table:
    """Give the variables that a measure writes into the dataset."""
    rows = []
    for variable, output in measure.outputs.items():
        dims = (*output.dims, "step") if measure.at == "every" else output.dims
        rows.append(
            row(
                [
                    [nodes.literal(text=variable)],
                    [nodes.Text(", ".join(dims) or "-")],
                    [nodes.Text(output.units or "-")],
                    formula_nodes(output.formula or output.long_name or "-"),
                ]
            )
        )
    return make_table(COLUMNS, (22, 18, 10, 50), rows)


def looks(measure: Any) -> list[nodes.Node]:
    """Give what a measure looks like in a run that groks and in one that does not, or why that is not drawn."""
    rows, reason = rows_of(measure)
    if rows:
        return [nodes.raw("", plot_html(measure), format="html")]
    found: list[nodes.Node] = [nodes.paragraph(text=reason, classes=["no-plot"])]
    ends = final_of(measure)
    if ends:
        cells = [
            row([[nodes.Text(name)], *[[nodes.Text(f"{value:.3g}")] for value in values.values()]])
            for name, values in ends
        ]
        heads = ("at the end", *titles(measure).values())
        found.append(make_table(heads, (50, 25, 25), cells))
    return found


def section(measure: Any) -> nodes.section:
    """Give the section of one measure."""
    found = nodes.section(ids=[anchor(measure)], names=[anchor(measure)])
    found += nodes.title("", "", nodes.literal(text=measure.name))
    found += nodes.paragraph(text=measure.summary)
    found += facts(measure)
    found += variables(measure)
    found += looks(measure)
    return found


def overview(measures: list[Any]) -> nodes.table:
    """Give one line for each measure, with links to its section and its family."""
    rows = []
    for measure in (m for members in families(measures).values() for m in members):
        cost = measure.cost if measure.default else f"{measure.cost}, on request"
        rows.append(
            row(
                [
                    [link(measure.name, anchor(measure), code=True)],
                    [nodes.Text(measure.summary)],
                    [nodes.Text(cost)],
                    [nodes.Text("yes" if measure.label_free else "no")],
                    [nodes.Text("yes" if measure.causal else "no")],
                    [link(family_of(measure), family_id(family_of(measure)))],
                ]
            )
        )
    return make_table(OVERVIEW, (20, 40, 9, 7, 7, 17), rows)


def family_id(family: str) -> str:
    """Return the id of a family's section."""
    return str(nodes.make_id(f"family-{family}"))


def runs_told() -> list[nodes.Node]:
    """Give which runs are drawn, and what the letters of the events mean."""
    told = stored()[1]
    found: list[nodes.Node] = []
    for pair, words in (("cyclic", "Cyclic groups"), ("group", "Groups that are not cyclic")):
        run, control = told[pair]["groks"], told[pair]["control"]
        key = ", ".join(run["key"])
        found.append(
            nodes.paragraph(
                text=f"{words}: {run['task']}, {run['frac_train']:.0%} of the table, setting "
                f"{run['name']}, seed {run['seed']}, weight decay {run['weight_decay']:g} beside "
                f"{control['weight_decay']:g}. Key at the end: {key}, in the control "
                f"{', '.join(control['key']) or 'none'}."
            )
        )
    letters = "; ".join(f"{letter} {words}" for letter, words in EVENTS.values())
    found.append(
        nodes.paragraph(
            text=f"Dotted lines are events, at the end of their interval: {letters}. Both runs of a "
            "pair have the same axes; a band is a range, named beside its line."
        )
    )
    return found


class MeasuresCatalogue(SphinxDirective):
    """Insert the table of every registered measure and their sections, in the registry's order."""

    def run(self) -> list[nodes.Node]:
        """Return the table, then one section per family."""
        from grokscope.measures import catalogue

        self.env.note_reread()
        measures = catalogue()
        found: list[nodes.Node] = [overview(measures), *runs_told()]
        for family, members in families(measures).items():
            name = family_id(family)
            part = nodes.section(ids=[name], names=[name])
            part += nodes.title(text=family)
            for measure in members:
                part += section(measure)
            found.append(part)
        return found


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("measures-catalogue", MeasuresCatalogue)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
