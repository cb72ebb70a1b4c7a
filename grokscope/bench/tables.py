"""From measured numbers to lines: every quantity of every contender, and how many times ours it is."""

from collections.abc import Callable, Mapping, Sequence

from grokscope.bench.case import Contender, Line, Measured
from grokscope.bench.spread import ratio, spread


def compared(
    contenders: Sequence[Contender], quantities: Mapping[str, tuple[str, str]]
) -> Callable[[Measured], list[Line]]:
    """Return what makes a case's lines: for each quantity (suffix of the label, unit), each contender beside the first.

    A contender is beside the first in the quantities that both have.
    """

    def lines(measured: Measured) -> list[Line]:
        found = []
        ours = measured.samples.get(contenders[0].name, {})
        for name, (suffix, unit) in quantities.items():
            for contender in contenders:
                values = measured.samples.get(contender.name, {}).get(name)
                if values is None:
                    continue
                beside = contender is not contenders[0] and name in ours
                found.append(
                    Line(
                        contender.label + suffix,
                        unit,
                        spread(values),
                        ratio(values, ours[name]) if beside else None,
                    )
                )
        return found

    return lines
