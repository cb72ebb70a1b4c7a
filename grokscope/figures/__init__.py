"""Figures of a run: plotly figures drawn from its Dataset and Transitions, and from nothing else.

`figures.progress(ds, transitions)` gives a `plotly.graph_objects.Figure`; `FIGURES` names them all,
`available(ds)` those that a data set can fill, `save` writes one as html, pdf, svg or png.
`SWEEP_FIGURES` are drawn from the Dataset of a sweep, with bands over seeds, and `SNAPSHOT_FIGURES`
from one run at one step. Nothing heavy is imported before the first figure is asked for.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from grokscope.errors import RequestError, nearest

if TYPE_CHECKING:
    import xarray as xr

    from grokscope.figures.captions import caption as caption
    from grokscope.figures.captions import definitions as definitions
    from grokscope.figures.captions import summary as summary
    from grokscope.figures.data import csv_text as csv_text
    from grokscope.figures.data import table as table
    from grokscope.figures.declare import Drawing, SnapshotDrawing, SweepDrawing
    from grokscope.figures.declare import why_not as why_not
    from grokscope.figures.export import save as save
    from grokscope.figures.export import write_images as write_images
    from grokscope.figures.gallery.ablations import ablations as ablations
    from grokscope.figures.gallery.algorithm_measures import (
        algorithm_measures as algorithm_measures,
    )
    from grokscope.figures.gallery.attention import attention as attention
    from grokscope.figures.gallery.circle_forms import circle_forms as circle_forms
    from grokscope.figures.gallery.coset_concentration import (
        coset_concentration as coset_concentration,
    )
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
    from grokscope.figures.gallery.representations import representations as representations
    from grokscope.figures.gallery.restricted_excluded import (
        restricted_excluded as restricted_excluded,
    )
    from grokscope.figures.gallery.timeline import timeline as timeline
    from grokscope.figures.panels import panel as panel
    from grokscope.figures.publishing import companions as companions
    from grokscope.figures.publishing import publish as publish
    from grokscope.figures.sizes import resize as resize
    from grokscope.figures.snapshot_gallery.output_tsne import output_tsne as output_tsne
    from grokscope.figures.sweep_gallery.best_accuracy import best_accuracy as best_accuracy
    from grokscope.figures.sweep_gallery.outliers import outliers as outliers
    from grokscope.figures.sweep_gallery.sharpness_accuracy import (
        sharpness_accuracy as sharpness_accuracy,
    )
    from grokscope.figures.sweep_gallery.steps_to_accuracy import (
        steps_to_accuracy as steps_to_accuracy,
    )
    from grokscope.figures.sweep_gallery.sweep_curves import sweep_curves as sweep_curves
    from grokscope.figures.sweep_numbers.censored import median_steps as median_steps
    from grokscope.figures.sweep_numbers.data_needed import data_needed as data_needed
    from grokscope.figures.sweep_numbers.growth import growth_per_point as growth_per_point
    from grokscope.figures.sweep_numbers.rank_correlation import spearman as spearman

#: Every figure of a run, in the order in which a report shows them.
NAMES = (
    "progress", "timeline", "restricted_excluded", "logit_shares", "representations", "ablations",
    "embedding_spectrum", "final_spectrum", "neuron_clusters", "neuron_activations",
    "coset_concentration", "attention", "norms", "gini", "algorithm_measures", "circle_forms",
    "operation_table",
)  # fmt: skip

#: Every figure of a sweep.
SWEEP_NAMES = (
    "sweep_curves", "steps_to_accuracy", "best_accuracy", "outliers", "sharpness_accuracy",
)  # fmt: skip

#: Every figure of one run at one step.
SNAPSHOT_NAMES = ("output_tsne",)

#: Folder -> what its figures are drawn from, and their names.
_GALLERIES = {
    "gallery": ("an analysed run", NAMES),
    "sweep_gallery": ("a sweep", SWEEP_NAMES),
    "snapshot_gallery": ("a run's checkpoint", SNAPSHOT_NAMES),
}

#: Other public names, and the file each is in.
_HELPERS = {
    "caption": "captions", "definitions": "captions", "summary": "captions", "why_not": "declare",
    "resize": "sizes", "save": "export", "write_images": "export", "publish": "publishing",
    "companions": "publishing", "table": "data", "csv_text": "data",
    "panel": "panels",
    "data_needed": "sweep_numbers.data_needed", "growth_per_point": "sweep_numbers.growth",
    "median_steps": "sweep_numbers.censored", "spearman": "sweep_numbers.rank_correlation",
}  # fmt: skip

__all__ = [
    "FIGURES", "NAMES", "SNAPSHOT_FIGURES", "SNAPSHOT_NAMES", "SWEEP_FIGURES", "SWEEP_NAMES",
    "available", *NAMES, *SWEEP_NAMES, *SNAPSHOT_NAMES, *_HELPERS,
]  # noqa: PLE0604  # fmt: skip


class _Gallery(Mapping[str, Any]):
    """The figures of a folder by name, each imported when it is first asked for."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._names = _GALLERIES[folder][1]

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            others = [of for of, names in _GALLERIES.values() if name in names]
            every = [known for _, names in _GALLERIES.values() for known in names]
            given = f"figure '{name}' is drawn from {others[0]}" if others else ""
            raise RequestError(
                given or f"unknown figure '{name}'",
                ", ".join(self._names),
                "" if others else nearest(str(name), every),
            )
        return getattr(import_module(f"grokscope.figures.{self._folder}.{name}"), name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


#: Name -> figure function; an unknown name raises RequestError with the nearest one.
FIGURES: Mapping[str, "Drawing"] = _Gallery("gallery")
SWEEP_FIGURES: Mapping[str, "SweepDrawing"] = _Gallery("sweep_gallery")
SNAPSHOT_FIGURES: Mapping[str, "SnapshotDrawing"] = _Gallery("snapshot_gallery")


def available(ds: "xr.Dataset") -> list[str]:
    """Return the names of the figures, of a run or of a sweep, that `ds` has the variables for."""
    from grokscope.figures.declare import why_not

    if ds.attrs.get("kind") == "sweep":
        return [name for name in SWEEP_NAMES if not why_not(SWEEP_FIGURES[name], ds)]
    return [name for name in NAMES if not why_not(FIGURES[name], ds)]


def __getattr__(name: str) -> Any:
    for figures in (FIGURES, SWEEP_FIGURES, SNAPSHOT_FIGURES):
        if name in figures:
            return figures[name]
    if name in _HELPERS:
        return getattr(import_module(f"grokscope.figures.{_HELPERS[name]}"), name)
    raise AttributeError(f"module 'grokscope.figures' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
