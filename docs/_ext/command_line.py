"""The directive `command-line`: every command with every option, as `command_parsers` reads them."""

import re

from command_parsers import Command, Option, read_command
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

DEFAULT = re.compile(r"\s*\((?:default: (?P<value>.*)|required|repeatable)\)$", re.DOTALL)


def option_nodes(options: list[Option]) -> nodes.definition_list:
    """Return options as a list of terms with what they mean and their defaults."""
    found = nodes.definition_list()
    for option in options:
        term = nodes.term()
        shown = ", ".join(option.names)
        term += nodes.literal(text=f"{shown} {option.value}".strip())
        default = DEFAULT.search(option.help)
        text = option.help[: default.start()] if default else option.help
        paragraph = nodes.paragraph(text=text)
        if default and default["value"] not in (None, "''", '""'):
            paragraph += [
                nodes.Text(" Default: "),
                nodes.literal(text=default["value"]),
                nodes.Text("."),
            ]
        elif default and "required" in default.group():
            paragraph += nodes.Text(" Required.")
        found += nodes.definition_list_item("", term, nodes.definition("", paragraph))
    return found


def command_section(command: Command) -> nodes.section:
    """Return the section of one command."""
    name = f"grokscope-{command.name}"
    found = nodes.section(ids=[name], names=[name])
    found += nodes.title("", "", nodes.literal(text=f"grokscope {command.name}"))
    for part in command.description.split("\n\n"):
        found += nodes.paragraph(text=" ".join(part.split()))
    if command.own_help:
        found += nodes.literal_block(text=command.own_help, language="text")
    groups: dict[str, list[Option]] = {}
    for option in command.options:
        groups.setdefault(option.group, []).append(option)
    for group, options in groups.items():
        if len(groups) > 2:
            found += nodes.rubric(text=group)
        found += option_nodes(options)
    return found


class CommandLine(SphinxDirective):
    """Insert every command, in the order of `grokscope --help`."""

    def run(self) -> list[nodes.Node]:
        """Return one section per command."""
        from grokscope.cli import COMMANDS

        self.env.note_reread()
        return [command_section(read_command(name)) for name in COMMANDS]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("command-line", CommandLine)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
