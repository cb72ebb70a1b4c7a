"""The directive `public-api`: the documentation of every public name of some modules.

It gives autodoc one line for each of their names, so that a page cannot go stale. What grokscope itself has
is documented there, and linked elsewhere.
"""

import importlib
import inspect
import re
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from public_names import public_modules, public_names
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


def summary_of(value: Any) -> str:
    """Return the first line of an object's docstring."""
    return (inspect.getdoc(value) or "").split("\n")[0]


def module_lines(module: ModuleType) -> list[str]:
    """Return what a module says of itself, for above its names: the first line, and the source where it names one."""
    lines = [summary_of(module)]
    source = re.search(r"^Source: .*?(?=\n\n|\Z)", inspect.getdoc(module) or "", re.M | re.S)
    if source:
        lines += ["", " ".join(source.group().split())]
    plain_text(lines)
    return lines


def plain_text(lines: list[str]) -> None:
    """Write `|x|` and `` `name`[x] `` in lines of a docstring, which is plain text, so that none of it is markup."""
    for i, line in enumerate(lines):
        if line.lstrip().startswith((">>>", "...")):
            continue
        line = re.sub(r"(?<!\\)\|", r"\\|", line)
        lines[i] = re.sub(r"(?<!`)`([^`]+)`([\w\[(]?)", _literal, line)


def _literal(match: re.Match[str]) -> str:
    """Return a name in backquotes as a literal, parted from a letter or bracket that follows it."""
    return f"``{match[1]}``" + (f"\\ {match[2]}" if match[2] else "")


def process_docstring(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Do so for every docstring, before numpydoc reads its sections."""
    del app, what, name, obj, options
    plain_text(lines)


def autodoc_lines(module: str, name: str, value: Any) -> list[str]:
    """Return the reStructuredText that documents one name."""
    import grokscope

    dotted = f"{module}.{name}"
    if isinstance(value, ModuleType):
        return [f"``{dotted}``", f"   {summary_of(value)}", ""]
    if module != "grokscope" and name in grokscope.__all__ and getattr(grokscope, name) is value:
        return [f"``{name}``", f"   See :py:obj:`grokscope.{name}`.", ""]
    if inspect.isclass(value):
        kind = "autoexception" if issubclass(value, BaseException) else "autoclass"
        return [f".. {kind}:: {dotted}", "   :members:", ""]
    if callable(value):
        return [f".. autofunction:: {dotted}", ""]
    members = list(value) if isinstance(value, (Mapping, tuple, list)) else [value]
    return [f".. py:data:: {dotted}", "", f"   {', '.join(f'``{m}``' for m in members)}", ""]


class PublicApi(SphinxDirective):
    """Document every public name of the modules that are named, one a line; `package.*` for all within one."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return what autodoc makes of each name, under the name of its module where there are several."""
        self.env.note_reread()
        wanted = [
            module
            for line in self.content
            for module in (public_modules() if line.endswith("*") else [line.strip()])
            if module.startswith(line.strip().removesuffix("*"))
        ]
        lines: list[str] = []
        for module in wanted:
            found = importlib.import_module(module)
            if len(wanted) > 1:
                lines += [f".. rubric:: {module}", "", *module_lines(found), ""]
            for name in public_names(module):
                lines += autodoc_lines(module, name, getattr(found, name))
        parent = nodes.Element()
        self.state.nested_parse(StringList(lines, "public-api"), self.content_offset, parent)
        return parent.children


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("public-api", PublicApi)
    app.connect("autodoc-process-docstring", process_docstring, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
