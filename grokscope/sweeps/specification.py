"""What a sweep is, as a person writes it: a TOML file or a dictionary of the same form, read and checked."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grokscope.config import SET_BY_TASK, RunConfig, override, section_fields
from grokscope.errors import GrokscopeError, RequestError, nearest
from grokscope.sweeps.seed_words import n_seeds, read_seeds, repeated
from grokscope.sweeps.toml_file import as_toml, load_toml

TOP = ("name", "task", "preset", "seeds", "set", "grid", "case")
POWER_BATCH = "power2022"
"""`batch_size` of this name: min(512, n_train // 2) of each run (Power et al. 2022, appendix A.1.2)."""
_NAME = re.compile(r"[^\W_][\w .,+=-]{0,99}")


@dataclass(frozen=True)
class Case:
    """A named alternative: fields that are set together."""

    name: str
    fields: dict[str, Any]


@dataclass(frozen=True)
class Specification:
    """A sweep as it was written, each field and value checked by itself.

    Attributes
    ----------
    name
        What the sweep is called, and its folder under checkpoints/.
    source
        Where it was read, for messages.
    task, preset
        What every run begins from; None where not given.
    seeds
        The seeds, a list or a range.
    set
        Field -> value of all runs.
    grid
        Field -> its values; their product, the last field changing fastest.
    cases
        Named alternatives, multiplied with the grid.
    data
        The whole as it was read, fit for JSON.
    """

    name: str
    source: str
    task: str | None
    preset: str | None
    seeds: Sequence[int]
    set: dict[str, Any]
    grid: dict[str, tuple[Any, ...]]
    cases: tuple[Case, ...]
    data: dict[str, Any]

    @property
    def n_settings(self) -> int:
        """Number of cells of case x grid, counted without building them."""
        return max(1, len(self.cases)) * math.prod(len(values) for values in self.grid.values())

    @property
    def n_runs(self) -> int:
        """Number of settings times the number of seeds."""
        return self.n_settings * n_seeds(self.seeds)

    @property
    def varied(self) -> tuple[str, ...]:
        """The fields that the cases and the grid set, in the order in which they are written."""
        of_cases = (field for case in self.cases for field in case.fields)
        return tuple(dict.fromkeys((*of_cases, *self.grid)))


def read_specification(
    given: Mapping[str, Any] | str | Path, default_name: str | None = None
) -> Specification:
    """Read a sweep from a TOML file or a dictionary, and check each field and value by itself.

    Parameters
    ----------
    given
        The path of the file, or what it would hold.
    default_name
        Name of a sweep that has none; a file's is its stem.

    Raises
    ------
    RequestError
        For anything that is not as `docs/sweeps.md` says: the line names the file and the field.
    """
    if isinstance(given, Mapping):
        return _specify(dict(given), "the sweep", default_name)
    path = Path(given)
    return _specify(load_toml(path), str(path), path.stem)


def blame(where: str, error: GrokscopeError) -> RequestError:
    """Return the error with the place where the mistake was made before it."""
    return RequestError(f"{where}: {error.given}", error.accepted, error.todo)


def flat_value(config: RunConfig, field: str) -> Any:
    """Return the value of a flat field."""
    section = section_fields()[field]
    return getattr(getattr(config, section) if section else config, field)


def _specify(data: dict[str, Any], source: str, default_name: str | None) -> Specification:
    data = as_toml(data)
    for key in data:
        if key not in TOP:
            todo = f"put it under [set]: {key} = ..." if key in section_fields() else ""
            raise RequestError(
                f"{source}: unknown key or table '{key}'",
                ", ".join(TOP),
                todo or nearest(key, TOP),
            )
    name = data.get("name", default_name)
    if name is None:
        raise RequestError(
            f"{source} has no name", 'a text, as in name = "mine"', "give it a name, or an out"
        )
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise RequestError(
            f"{source}: name = {name!r}",
            "1 to 100 letters, digits, spaces and .,+=_-",
            'write name = "..." at the top',
        )
    for key in ("task", "preset"):
        if not isinstance(data.get(key, ""), str):
            raise RequestError(f"{source}: {key} = {data[key]!r}", "text")
    if data.get("preset") is not None:
        from grokscope.presets import get_preset

        try:
            get_preset(data["preset"])
        except RequestError as error:
            raise blame(source, error) from None
    common = _table(data, "set", source)
    if "task" in data and "task" in common:
        raise RequestError(f"{source}: task stands at the top and in [set]", "one of the two")
    spec = Specification(
        name=name,
        source=source,
        task=data.get("task"),
        preset=data.get("preset"),
        seeds=read_seeds(data.get("seeds", [0]), source),
        set={k: _checked(f"{source}, [set]", k, v) for k, v in common.items()},
        grid=dict(_grid(_table(data, "grid", source), source)),
        cases=tuple(_cases(data.get("case"), source)),
        data=data,
    )
    for case in spec.cases:
        for field in case.fields:
            if field in spec.grid:
                raise RequestError(
                    f"{source}: '{field}' is in [grid] and in the case '{case.name}'",
                    "one of the two",
                )
    return spec


def _table(data: dict[str, Any], key: str, source: str) -> dict[str, Any]:
    table = data.get(key, {})
    if not isinstance(table, dict):
        raise RequestError(f"{source}: {key} is not a table", f"[{key}] with lines field = value")
    return table


def _grid(table: dict[str, Any], source: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for field, values in table.items():
        where = f"{source}, [grid]"
        if not isinstance(values, list):
            _checked(where, field, values)  # an unknown field is the greater mistake
            raise RequestError(f"{where}: {field} = {values!r}", f"a list, as in [{values!r}]")
        if not values:
            raise RequestError(f"{where}: {field} = []", "a list with one value or more")
        checked = tuple(_checked(where, field, value) for value in values)
        twice = repeated(checked)
        if twice is not None:
            raise RequestError(f"{where}: {field} has {twice!r} twice", "each value once")
        yield field, checked


def _cases(cases: Any, source: str) -> Iterator[Case]:
    if cases is None:
        return
    if not isinstance(cases, list) or not cases or not all(isinstance(c, dict) for c in cases):
        raise RequestError(f"{source}: case is not a list of tables", "one [[case]] or more")
    names = []
    for number, case in enumerate(cases, start=1):
        name = case.get("name")
        if not isinstance(name, str) or not name.strip() or "\n" in name or len(name) > 200:
            raise RequestError(
                f"{source}: the name of [[case]] number {number} is {name!r}",
                "a text of 1 to 200 characters in one line",
            )
        names.append(name.strip())
        where = f"{source}, case '{names[-1]}'"
        fields = {k: _checked(where, k, v) for k, v in case.items() if k != "name"}
        yield Case(names[-1], fields)
    twice = repeated(names)
    if twice is not None:
        raise RequestError(f"{source}: two cases are called '{twice}'", "each name once")


def _checked(where: str, field: str, value: Any) -> Any:
    """Return the value as the field's type, or say where what is wrong."""
    if field in SET_BY_TASK:
        raise RequestError(f"{where}: {field} follows from the task", todo="leave it out")
    if field == "preset":
        raise RequestError(f"{where}: preset = {value!r}", "preset = ... at the top")
    if field == "seed":
        raise RequestError(f"{where}: seed = {value!r}", "seeds = [...] at the top")
    if field == "batch_size" and value == POWER_BATCH:
        return value
    if field == "batch_size" and isinstance(value, str):
        raise RequestError(
            f"{where}: batch_size = {value!r}", f"a whole number, or '{POWER_BATCH}'"
        )
    try:
        return flat_value(override(RunConfig(), **{field: value}), field)
    except RequestError as error:
        raise blame(where, error) from None
