"""The group of a snapshot's task: its form, what its parts are called, its representations."""

from typing import TYPE_CHECKING

from grokscope.errors import RequestError
from grokscope.harmonics.irreps import Irreps
from grokscope.tasks.product_form import ProductForm
from grokscope.tasks.table import CyclicForm

if TYPE_CHECKING:
    from grokscope.runs.snapshot import Snapshot


def product_form_of(snap: "Snapshot") -> ProductForm | None:
    """Return the task as a product in a group, cyclic or not; None where it is none; kept."""
    return snap.context.product_form


def sum_form(snap: "Snapshot") -> CyclicForm | ProductForm:
    """Return the task in its group's elements: the cyclic form, which has the fast ways, or else the product form.

    Raises
    ------
    RequestError
        For a task that is neither.
    """
    form = snap.task.cyclic or product_form_of(snap)
    if form is None:
        raise RequestError(f"{snap.task.formula} is no product in a group", "a task that is one")
    return form


def irreps_of(snap: "Snapshot") -> Irreps | None:
    """Return the representations of a task that is a product in a group; None for a cyclic one and for any other."""
    form = None if snap.task.cyclic is not None else product_form_of(snap)
    return None if form is None else form.irreps


def key_irreps_of(snap: "Snapshot") -> tuple[str, ...]:
    """Return the names of the run's key representations; on a cyclic group those of its key frequencies."""
    form = product_form_of(snap)
    assert form is not None
    if snap.task.cyclic is None:
        return tuple(form.irreps.names[i] for i in snap.key)
    return tuple("sign" if 2 * k == form.n else f"freq_{k}" for k in snap.key)
