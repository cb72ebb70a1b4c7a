"""Figures of a run: plotly figures drawn from its Dataset and Transitions, and from nothing else.

`figures.progress(ds, transitions)` gives a `plotly.graph_objects.Figure`; `FIGURES` names them all,
`available(ds)` those that a data set can fill, `save` writes one as html, pdf, svg or png.
Nothing heavy is imported before the first figure is asked for.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from grokscope.errors import RequestError, nearest

if TYPE_CHECKING:
    import xarray as xr

    from grokscope.figures.declare import Drawing
    from grokscope.figures.declare import caption as caption
    from grokscope.figures.declare import definitions as definitions
    from grokscope.figures.declare import summary as summary
    from grokscope.figures.declare import why_not as why_not
    from grokscope.figures.export import save as save
    from grokscope.figures.export import write_images as write_images
    from grokscope.figures.gallery.ablations import ablations as ablations
    from grokscope.figures.gallery.algorithm_measures import (
        algorithm_measures as algorithm_measures,
    )
    from grokscope.figures.gallery.attention import attention as attention
    from grokscope.figures.gallery.embedding_spectrum import (
        embedding_spectrum as embedding_spectrum,
    )
    from grokscope.figures.gallery.final_spectrum import final_spectrum as final_spectrum
    from grokscope.figures.gallery.gini import gini as gini
    from grokscope.figures.gallery.logit_shares import logit_shares as logit_shares
    from grokscope.figures.gallery.neuron_activations import (
        neuron_activations as neuron_activations,
    )
    from grokscope.figures.gallery.neuron_clusters import neuron_clusters as neuron_clusters
    from grokscope.figures.gallery.norms import norms as norms
    from grokscope.figures.gallery.operation_table import operation_table as operation_table
    from grokscope.figures.gallery.progress import progress as progress
    from grokscope.figures.gallery.restricted_excluded import (
        restricted_excluded as restricted_excluded,
    )
    from grokscope.figures.gallery.timeline import timeline as timeline
    from grokscope.figures.sizes import resize as resize

#: Every figure, in the order in which a report shows them.
NAMES = (
    "progress", "timeline", "restricted_excluded", "logit_shares", "ablations",
    "embedding_spectrum", "final_spectrum", "neuron_clusters", "neuron_activations", "attention",
    "norms", "gini", "algorithm_measures", "operation_table",
)  # fmt: skip

#: Other public names, and the file each is in.
_HELPERS = {
    "caption": "declare", "definitions": "declare", "summary": "declare", "why_not": "declare",
    "resize": "sizes", "save": "export", "write_images": "export",
}  # fmt: skip

__all__ = ["FIGURES", "NAMES", "available", *NAMES, *_HELPERS]  # noqa: PLE0604


class _Gallery(Mapping[str, "Drawing"]):
    """Figures by name, each imported when it is first asked for."""

    def __getitem__(self, name: str) -> "Drawing":
        if name not in self:
            raise RequestError(
                f"unknown figure '{name}'", ", ".join(NAMES), nearest(str(name), NAMES)
            )
        module = import_module(f"grokscope.figures.gallery.{name}")
        drawing: Drawing = getattr(module, name)
        return drawing

    def __contains__(self, name: object) -> bool:
        return name in NAMES

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


#: Name -> figure function; an unknown name raises RequestError with the nearest one.
FIGURES: Mapping[str, "Drawing"] = _Gallery()


def available(ds: "xr.Dataset") -> list[str]:
    """Return the names of the figures that `ds` has the variables for."""
    from grokscope.figures.declare import why_not

    return [name for name in NAMES if not why_not(FIGURES[name], ds)]


def __getattr__(name: str) -> Any:
    if name in NAMES:
        return FIGURES[name]
    if name in _HELPERS:
        return getattr(import_module(f"grokscope.figures.{_HELPERS[name]}"), name)
    raise AttributeError(f"module 'grokscope.figures' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
