"""What each field of the configuration is, in the words of its own docstring."""

import ast
import functools
import inspect

from grokscope import config


@functools.cache
def field_words() -> dict[str, str]:
    """Return field -> the docstring below it in config.py; {} where the source is not there."""
    try:
        tree = ast.parse(inspect.getsource(config))
    except (OSError, SyntaxError):
        return {}
    found = {}
    for section in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        for line, after in zip(section.body, section.body[1:], strict=False):
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                words = getattr(getattr(after, "value", None), "value", None)
                if isinstance(after, ast.Expr) and isinstance(words, str):
                    found[line.target.id] = " ".join(words.split())
    return found
