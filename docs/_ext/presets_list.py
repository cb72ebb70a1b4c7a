"""The directive `presets-list`: every preset, with its source and the fields in which it differs from the default."""

from typing import Any

from catalogue import source_nodes
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


def differences(config: Any) -> list[str]:
    """Return "field value" of what a configuration has other than the default one, but for what the task sets."""
    from grokscope.config import SET_BY_TASK, RunConfig

    default = RunConfig().to_dict()
    found = []
    for section, fields in config.to_dict().items():
        before = default[section]
        pairs = fields.items() if isinstance(fields, dict) else [(section, fields)]
        for name, value in pairs:
            old = before[name] if isinstance(before, dict) else before
            if value != old and name not in (*SET_BY_TASK, "preset"):
                found.append(f"{name} {value}")
    return found


class PresetsList(SphinxDirective):
    """Insert the list of all presets."""

    def run(self) -> list[nodes.Node]:
        """Return a definition list, each preset with an anchor of its own."""
        from grokscope.presets import PRESETS

        self.env.note_reread()
        found = nodes.definition_list()
        for preset in PRESETS.values():
            anchor = nodes.make_id(f"preset-{preset.name}")
            term = nodes.term("", "", nodes.literal(text=preset.name), ids=[anchor])
            body = nodes.definition("", nodes.paragraph(text=f"{preset.summary}."))
            body += nodes.paragraph("", "", nodes.Text("Source: "), *source_nodes(preset.source))
            changed = differences(preset.config)
            body += nodes.paragraph(
                "", "", nodes.Text("Other than the default: "), nodes.literal(text=", ".join(changed) or "nothing")
            )  # fmt: skip
            found += nodes.definition_list_item("", term, body)
        return [found]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("presets-list", PresetsList)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
