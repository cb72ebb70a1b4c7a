"""The cases by name; each is loaded when it is run."""

from importlib import import_module

from grokscope.bench.case import Case
from grokscope.errors import RequestError, nearest

CASES: dict[str, tuple[str, str]] = {
    "step": ("training_step:nanda2023", "an update of preset nanda2023"),
    "step2": ("training_step:power2022", "an update of preset power2022"),
    "seeds": ("seeds:narrow", "16 seeds of a small model"),
    "seeds59": ("seeds:wide", "16 seeds of a model of the demo's size"),
    "analysis": ("checkpoint_analysis:analysis", "the measures of one checkpoint"),
    "share": ("machine_share:share", "share of the machine's matrix-product speed"),
    "gpu": ("seeds_on_gpu:gpu", "many seeds on a GPU"),
}
"""Name -> (file:function that makes it, what it is)."""

LETTERS: dict[str, tuple[str, ...]] = {
    "a": ("step",),
    "b": ("step2",),
    "c": ("seeds", "seeds59"),
    "d": ("analysis",),
    "e": ("share",),
}
"""Letter -> the cases that it stands for."""


def choose_cases(text: str) -> list[str]:
    """Return the names that `text` gives, separated by commas, in the order of `CASES`; all where it is empty.

    Each is a name, or one of `LETTERS`.

    Raises
    ------
    RequestError
        For an unknown name, with the nearest one.
    """
    given = [word.strip() for word in text.split(",") if word.strip()]
    for word in given:
        if word not in CASES and word not in LETTERS:
            accepted = f"{', '.join(CASES)}, or {', '.join(LETTERS)}"
            raise RequestError(f"unknown case '{word}'", accepted, nearest(word, CASES))
    asked = [name for word in given for name in LETTERS.get(word, (word,))]
    return [name for name in CASES if name in asked or not asked]


def load_case(name: str) -> Case:
    """Return the case `name`."""
    file, function = CASES[name][0].split(":")
    return getattr(import_module(f"grokscope.bench.{file}"), function)()
