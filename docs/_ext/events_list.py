"""The directive `events-list`: every event with its definition, as grokscope.transitions states it by default."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


def definitions() -> list[tuple[str, str, str]]:
    """Return (name, definition in words, rows) of every event: those of a run that nothing is known of."""
    import xarray as xr

    from grokscope.transitions import transitions

    return [(t.name, t.definition, t.rows) for t in transitions(xr.Dataset())]


class EventsList(SphinxDirective):
    """Insert the list of all events."""

    def run(self) -> list[nodes.Node]:
        """Return a definition list, each event with an anchor of its own."""
        self.env.note_reread()
        found = nodes.definition_list()
        for name, words, rows in definitions():
            term = nodes.term(
                "", "", nodes.literal(text=name), ids=[nodes.make_id(f"event-{name}")]
            )
            text = nodes.paragraph(text=f"{words} Rows: {rows}.")
            found += nodes.definition_list_item("", term, nodes.definition("", text))
        return [found]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("events-list", EventsList)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
