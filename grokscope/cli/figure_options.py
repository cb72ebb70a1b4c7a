"""Options of a figure from the command line, KEY=VALUE, checked against the figure's own signature."""

import inspect
import json
from collections.abc import Callable, Sequence
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from grokscope.errors import RequestError, nearest


def figure_options(drawing: Callable[..., Any], given: Sequence[str]) -> dict[str, Any]:
    """Return the keyword arguments that the texts `given` ("log_steps=true") are for a figure.

    A value is read as JSON where that is what the figure takes, else as text.

    Raises
    ------
    RequestError
        For an option that the figure does not have, or a value of another type.
    """
    hints = option_hints(drawing)
    found: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or key not in hints:
            raise RequestError(
                f"--option {text}" if equals else f"--option {text} without '='",
                ", ".join(f"{name}=..." for name in hints) or "nothing: the figure has no options",
                nearest(key, hints),
            )
        found[key] = _value(key, value, hints[key])
    return found


def option_hints(drawing: Callable[..., Any]) -> dict[str, Any]:
    """Return the types of a figure's own options, its keyword-only parameters."""
    function = inspect.unwrap(drawing)
    hints = get_type_hints(function)
    return {
        p.name: hints.get(p.name, Any)
        for p in inspect.signature(function).parameters.values()
        if p.kind is inspect.Parameter.KEYWORD_ONLY
    }


def _value(key: str, text: str, hint: Any) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    if not _fits(value, hint):
        if not _fits(text, hint):
            raise RequestError(f"--option {key}={text}", _words(hint))
        return text
    return _cast(value, hint)


def _cast(value: Any, hint: Any) -> Any:
    """Return lists as tuples, and whole numbers as fractions where only these are taken."""
    if isinstance(value, list):
        return tuple(_cast(item, hint) for item in value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if whole and float in _leaves(hint) and int not in _leaves(hint) else value


def _leaves(hint: Any) -> set[Any]:
    """Return the types that a hint is made of."""
    return {leaf for other in get_args(hint) for leaf in _leaves(other)} or {hint}


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value read from JSON is of a type; types that JSON has no form of are fitted by nothing."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, UnionType):
        return any(_fits(value, other) for other in args)
    if origin is Literal:
        return value in args
    if origin in (tuple, list, Sequence):
        if not isinstance(value, list):
            return False
        each = args if origin is tuple and Ellipsis not in args else args[:1] * len(value)
        return len(each) == len(value) and all(map(_fits, value, each))
    if hint in (int, float):
        return isinstance(value, int if hint is int else (int, float)) and not isinstance(
            value, bool
        )
    return (
        isinstance(hint, type) and hint in (str, bool, object, NoneType) and isinstance(value, hint)
    )


def _words(hint: Any) -> str:
    """Return what is accepted, in words."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        told = [_words(other) for other in args if other is not NoneType]
        return " or ".join(word for word in told if word) or "null"
    if origin is Literal:
        return ", ".join(map(str, args))
    if origin in (tuple, list, Sequence):
        many = origin is not tuple or Ellipsis in args
        each = _words(args[0]) if many else ", ".join(map(_words, args))
        return f"a JSON list of {each}"
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    return names.get(hint, "a value that Python code gives")
