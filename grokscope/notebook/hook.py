"""Tells IPython how to show grokscope's objects: by name, so that nothing is loaded for what is never shown."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from grokscope.errors import GrokscopeError

CARDS = {
    ("grokscope.runs.run", "Run"): "of_run.run_card",
    ("grokscope.runs.snapshot", "Snapshot"): "of_run.snapshot_card",
    ("grokscope.transitions.transition", "Transitions"): "of_transitions.transitions_card",
    ("grokscope.transitions.transition", "Transition"): "of_transitions.transition_card",
    ("grokscope.transitions.algorithm", "Algorithm"): "of_findings.algorithm_card",
    ("grokscope.measures.ablations", "Ablation"): "of_findings.ablation_card",
    ("grokscope.measures.registry", "Measure"): "of_measures.measure_card",
    ("grokscope.measures.registry", "Catalogue"): "of_measures.catalogue_card",
    ("grokscope.sweeps.folder", "Sweep"): "of_sweep.sweep_card",
}
"""Module and name of a type -> file here, and the function in it that makes a card."""


def tell_ipython() -> None:
    """Register how each type is shown with the IPython of this process, if there is one; again does nothing."""
    # Looked up, not imported: a program without IPython is not slowed down.
    ipython = sys.modules.get("IPython")
    shell = (
        ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    )
    if shell is None or getattr(shell, "_grokscope_told", False):
        return
    shell._grokscope_told = True
    html = shell.display_formatter.formatters["text/html"]
    plain = shell.display_formatter.formatters["text/plain"]
    for (module, name), card in CARDS.items():
        html.for_type_by_name(module, name, _html(card))
        plain.for_type_by_name(module, name, _plain(card))


def _made(card: str, thing: Any) -> Any:
    """Return the card of a thing; a file that cannot be read is said in it, and showing a thing ends in no error."""
    from grokscope.notebook.card import Card

    file, function = card.split(".")
    try:
        return getattr(import_module(f"grokscope.notebook.{file}"), function)(thing)
    except (GrokscopeError, OSError) as error:
        return Card(repr(thing), [f"It cannot be shown: {error}"])


def _html(card: str) -> Callable[[Any], str]:
    return lambda thing: _made(card, thing).html()


def _plain(card: str) -> Callable[[Any, Any, bool], None]:
    def show(thing: Any, printer: Any, cycle: bool) -> None:
        # Inside a list or a dictionary one line for each is enough.
        alone = len(getattr(printer, "stack", ())) <= 1
        printer.text(_made(card, thing).text() if alone and not cycle else repr(thing))

    return show
