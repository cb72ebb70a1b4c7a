"""The registry: what each measure is, what it reads, what it costs, and how a user adds one.

@gs.measure(source="my paper, eq. 3", dims=("freq",))
def my_measure(snap):
    return np.abs(np.fft.rfft(snap.W_E, axis=0)[1:]).mean(1)
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy import ndarray

from grokscope.errors import RequestError, nearest

if TYPE_CHECKING:
    from grokscope.runs.snapshot import Snapshot

Cost = Literal["weights", "forward", "gradient", "sampling"]
At = Literal["every", "final"]
Stacked = Callable[[Sequence["Snapshot"]], Any]
"""Snapshots -> what a measure gives of each, with a leading axis of snapshots."""

AT_ONCE = 4
"""Snapshots that a measure's stacked form is given at a time; larger stacks leave the caches and take longer."""
GROUPS = ("default", "all")
"""Names that stand for several measures: those that are taken without being asked for, and every one."""

DIMENSIONS = (
    "run seed step input token pos head neuron d_model freq irrep class param component "
    "rows draw key rule phase mode example_neuron"
).split()


@dataclass(frozen=True)
class Output:
    """One variable of the dataset that a measure gives.

    Attributes
    ----------
    dims
        Dimensions without `step`, which is added for a measure taken at every step.
    long_name, units, formula
        As they stand in the variable's attributes.
    """

    dims: tuple[str, ...]
    long_name: str
    units: str
    formula: str


@dataclass(frozen=True)
class Measure:
    """A registered measure.

    Attributes
    ----------
    name
        The function's name; `analyze --measures NAME`.
    function
        Snapshot -> array, or {variable: array} where there are several outputs.
    outputs
        Variable -> Output.
    source
        Paper, section or equation.
    reads
        weights, activations, gradients, training rows, test labels.
    cost
        weights < forward < gradient < sampling.
    label_free
        Whether it uses no test labels: only then can it be an early warning.
    causal
        Whether its value at a step uses nothing later (false where it uses the final key frequencies).
    at
        Taken at every step, or at the final one only.
    needs
        What a run must have for it: of "cyclic", "product", "irreps" (a product in a group that is not cyclic),
        "subgroups", "pairs", "split", "neurons", "attention", "shared embedding", "run".
    version
        Raised when the definition changes.
    default
        Whether it is taken without being asked for; false for what takes very long.
    instead_of
        The measure that it stands in for on groups that are not cyclic, "" for none. It may give the same variables.
    stacked
        Snapshots -> array, or {variable: array}, with a leading axis of snapshots: the same values, in one pass over
        the weights of many steps; None for none.
    """

    name: str
    function: Callable[["Snapshot"], Any]
    outputs: Mapping[str, Output]
    source: str
    reads: tuple[str, ...]
    cost: Cost
    label_free: bool
    causal: bool
    at: At
    needs: tuple[str, ...]
    version: int
    default: bool
    builtin: bool
    instead_of: str = ""
    stacked: Stacked | None = None

    def __repr__(self) -> str:
        return f"Measure({self.name!r}: {self.summary})"

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (inspect.getdoc(self.function) or self.name).split("\n")[0]

    def why_not(self, snapshot: "Snapshot") -> str:
        """Return why `snapshot` cannot be measured, "" where it can."""
        from grokscope.runs.products import irreps_of, product_form_of  # noqa: PLC0415
        from grokscope.runs.subgroups import proper_subgroups  # noqa: PLC0415

        has: dict[str, Callable[[], bool]] = {
            "cyclic": lambda: snapshot.task.cyclic is not None,
            "product": lambda: product_form_of(snapshot) is not None,
            "irreps": lambda: irreps_of(snapshot) is not None,
            "subgroups": lambda: bool(proper_subgroups(snapshot)),
            "pairs": lambda: snapshot.task.is_binary,
            "split": lambda: snapshot.split is not None,
            "neurons": lambda: snapshot.has_neurons,
            "attention": lambda: snapshot.config.has_attention,
            "shared embedding": lambda: "embed.W_E" in snapshot.weights,
            "run": lambda: snapshot.run is not None,
        }
        words = {
            "cyclic": "the task has no cyclic group",
            "product": "the answer is no product in a group",
            "irreps": "the answer is no product in a group that is not cyclic",
            "subgroups": "the group has no subgroups between itself and the trivial one, or too many",
            "pairs": "the task is no table of pairs (a, b)",
            "split": "the split is not known",
            "neurons": "the model has no neurons",
            "attention": "the model has no attention",
            "shared embedding": "the operands do not share an embedding",
            "run": "there is no run behind it",
        }
        return "; ".join(words[need] for need in self.needs if not has[need]())

    def __call__(self, snapshot: "Snapshot") -> dict[str, ndarray]:
        """Return {variable: array}, each checked against its dimensions."""
        return self._checked(self.function(snapshot), 0)

    def over(self, snapshots: Sequence["Snapshot"]) -> dict[str, ndarray]:
        """Return {variable: array} with a leading axis of snapshots: what each by itself gives, in one pass if it can.

        Raises
        ------
        RequestError
            For no snapshots, or values of another shape than declared.
        """
        if not snapshots:
            raise RequestError(f"measure '{self.name}' over no snapshots", "one or more")
        if self.stacked is None:
            each = [self(snapshot) for snapshot in snapshots]
            return {name: np.stack([found[name] for found in each]) for name in self.outputs}
        parts = [snapshots[i : i + AT_ONCE] for i in range(0, len(snapshots), AT_ONCE)]
        found = [self._checked(self.stacked(part), 1, len(part)) for part in parts]
        return {name: np.concatenate([each[name] for each in found]) for name in self.outputs}

    def _checked(self, value: Any, leading: int, steps: int = 1) -> dict[str, ndarray]:
        """Return `value` as {variable: array} with as many dimensions as declared, after `leading` axes of `steps`."""
        if not isinstance(value, dict):
            if len(self.outputs) != 1:
                raise RequestError(
                    f"measure '{self.name}' gave one value",
                    f"a dict with {', '.join(self.outputs)}",
                )
            value = {next(iter(self.outputs)): value}
        found = {}
        for name, output in self.outputs.items():
            if name not in value:
                raise RequestError(
                    f"measure '{self.name}' gave no '{name}'", ", ".join(self.outputs)
                )
            array = _as_array(value[name])
            before = (steps,) * leading
            if array.ndim != leading + len(output.dims) or array.shape[:leading] != before:
                dims = (*(f"{steps} steps" for _ in before), *output.dims)
                raise RequestError(
                    f"measure '{self.name}' gave '{name}' of shape {array.shape}",
                    f"dimensions ({', '.join(dims)})",
                    "name its dimensions with dims=(...)",
                )
            found[name] = array
        return found


class Catalogue(list[Measure]):
    """Measures in order, by position or by name."""

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return super().__getitem__(key)
        found = {m.name: m for m in self}
        if key not in found:
            raise RequestError(f"no measure '{key}'", ", ".join(found), nearest(key, found))
        return found[key]

    def __repr__(self) -> str:
        return f"Catalogue({len(self)} measures, {sum(not m.builtin for m in self)} of your own)"


_REGISTRY: dict[str, Measure] = {}


def measure(
    function: Callable[["Snapshot"], Any] | None = None,
    /,
    *,
    source: str = "",
    dims: Sequence[str] = (),
    formula: str = "",
    units: str = "1",
    long_name: str = "",
    outputs: Mapping[str, Output] | None = None,
    reads: Sequence[str] = ("weights",),
    cost: Cost = "forward",
    label_free: bool = False,
    causal: bool = True,
    at: At = "every",
    needs: Sequence[str] = (),
    version: int = 1,
    default: bool = True,
    builtin: bool = False,
    instead_of: str = "",
    stacked: Stacked | None = None,
) -> Any:
    """Register a function of a Snapshot as a measure: it appears in the dataset, the catalogue and the report.

    Parameters
    ----------
    source
        Where the definition comes from.
    dims
        Dimensions of what it returns, without `step`; () for one number.
    formula, units, long_name
        For the variable's attributes; the docstring's first line where not given.
    outputs
        For several variables at once: name -> Output; the function then returns a dict.
    reads, cost, label_free, causal, at, needs, version, default, instead_of, stacked
        See `Measure`.

    Raises
    ------
    RequestError
        For a name that a built-in measure or its variables have already, or an unknown cost.

    Examples
    --------
    >>> import grokscope as gs
    >>> @gs.measure(source="this page", dims=())
    ... def embedding_mean(snap):
    ...     return snap.W_E.mean()
    """

    def register(function: Callable[["Snapshot"], Any]) -> Callable[["Snapshot"], Any]:
        name = function.__name__
        line = (inspect.getdoc(function) or name).split("\n")[0].rstrip(".")
        declared = outputs or {name: Output(tuple(dims), long_name or line, units, formula or line)}
        if cost not in ("weights", "forward", "gradient", "sampling"):
            raise RequestError(f"cost '{cost}'", "weights, forward, gradient, sampling")
        if {name, *declared} & set(GROUPS):
            raise RequestError(f"{' and '.join(GROUPS)} stand for several measures", "another name")
        for other in _REGISTRY.values():
            clash = set(declared) & set(other.outputs)
            if other.builtin and not builtin and (clash or other.name == name):
                raise RequestError(
                    f"'{name}' is a built-in measure or one of its variables", "another name"
                )
        _REGISTRY[name] = Measure(
            name=name,
            function=function,
            outputs=dict(declared),
            source=source or "not given",
            reads=tuple(reads),
            cost=cost,
            label_free=label_free,
            causal=causal,
            at=at,
            needs=tuple(needs),
            version=version,
            default=default,
            builtin=builtin,
            instead_of=instead_of,
            stacked=stacked,
        )
        return function

    return register if function is None else register(function)


def stack_of_one(stacked: Stacked, snapshot: "Snapshot") -> Any:
    """Return what `stacked` gives of one snapshot: the single form of a measure whose formula is the stacked one."""
    found = stacked([snapshot])
    if isinstance(found, dict):
        return {name: values[0] for name, values in found.items()}
    return found[0]


def forget(name: str) -> None:
    """Remove a user's own measure from the registry; RequestError for a built-in or unknown one."""
    if name not in _REGISTRY or _REGISTRY[name].builtin:
        raise RequestError(
            f"'{name}' is not a measure of your own",
            ", ".join(n for n, m in _REGISTRY.items() if not m.builtin) or "none registered",
        )
    del _REGISTRY[name]


def catalogue() -> Catalogue:
    """Return all registered measures, built-in ones first, in the order of their registration; by name too."""
    import grokscope.measures  # noqa: F401, PLC0415  (registers the built-in ones)

    return Catalogue(sorted(_REGISTRY.values(), key=lambda m: not m.builtin))


def choose(names: Sequence[str] | None) -> list[Measure]:
    """Return the measures with these names, those that are taken by default where None.

    A variable's name stands for its measure, a measure's name also for the one that stands in for it on other groups;
    "default" stands for those that are taken by default, "all" for every one.

    Raises
    ------
    RequestError
        For an unknown name, with the nearest one.
    """
    everything = catalogue()
    by_name: dict[str, set[str]] = {}
    for m in everything:
        for name in {*m.outputs, m.name, m.instead_of} - {""}:
            by_name.setdefault(name, set()).add(m.name)
    by_name["default"] = {m.name for m in everything if m.default}
    by_name["all"] = {m.name for m in everything}
    wanted: set[str] = set()
    for name in ("default",) if names is None else names:
        if name not in by_name:
            raise RequestError(
                f"unknown measure '{name}'",
                "a name listed by grokscope measures, default, or all",
                nearest(name, by_name),
            )
        wanted |= by_name[name]
    return [m for m in everything if m.name in wanted]


def _as_array(value: Any) -> ndarray:
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    return np.asarray(value)
