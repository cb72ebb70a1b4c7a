"""Which algorithm a model runs, with the evidence for it: named only where all of it holds, never guessed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grokscope.transitions.circle_verdicts import Circle, circles_of, weight_of
from grokscope.transitions.evidence import Evidence, Reader
from grokscope.transitions.facts import Facts
from grokscope.transitions.thresholds import THRESHOLDS, Thresholds

if TYPE_CHECKING:
    import xarray

CLOCK = "clock"
PIZZA = "pizza"
REPRESENTATIONS = "cosets / representations"
LOOKUP = "lookup"
NONE = "not one of these"
ALGORITHMS = (CLOCK, PIZZA, REPRESENTATIONS, LOOKUP, NONE)
HELD_OUT = ("test_twin_free", "test", "all")


@dataclass(frozen=True)
class Algorithm:
    """What `identify` found.

    Attributes
    ----------
    name
        One of `ALGORITHMS`.
    sentence
        Why, in words.
    evidence
        All of it: for what was named and for what was not.
    circles
        The form of each key frequency of a cyclic task.
    """

    name: str
    sentence: str
    evidence: tuple[Evidence, ...]
    circles: tuple[Circle, ...] = ()

    def __repr__(self) -> str:
        return f"Algorithm({self.name!r}: {self.sentence})"

    def to_json(self) -> dict[str, Any]:
        """As it stands in the verdict."""
        return {
            "name": self.name,
            "sentence": self.sentence,
            "evidence": [piece.to_json() for piece in self.evidence],
            "circles": [circle.to_json() for circle in self.circles],
        }


def identify(ds: "xarray.Dataset", thresholds: Thresholds = THRESHOLDS) -> Algorithm:
    """Name the algorithm at a dataset's last step: clock, pizza, cosets / representations, lookup, or not one of these.

    - lookup: it answers the rows it was trained on, next to none of the others, and no circuit forms.
    - cosets / representations: it answers rows it was not trained on; the key representations' functions of x . y
      suffice for that, without them the accuracy is gone, and the neurons lie in these representations. This is what
      Chughtai et al. 2023 and Stander et al. 2024 have in common.
    - clock, pizza: the same on a cyclic group, and the circles one by one, the gradient symmetricity and the distance
      irrelevance all say the same of the two.
    - not one of these: anything else.

    Source: Zhong et al. 2023 (arXiv 2306.17844), Chughtai et al. 2023 (arXiv 2302.03025), Stander et al. 2024 (arXiv
    2312.06581); the thresholds are grokscope's own.

    Parameters
    ----------
    ds
        A run's dataset, with the default measures.
    thresholds
        Where to draw the lines.
    """
    reader, facts = Reader(ds), Facts.of(ds)
    rows, learned = _held_out_accuracy(reader, thresholds)
    if not learned.holds:
        return _not_learned(reader, facts, learned, rows, thresholds)
    needed = _representations(reader, rows, thresholds)
    circles = circles_of(reader)
    clock, pizza = _clock(reader, circles, thresholds), _pizza(reader, circles, thresholds)
    evidence = (learned, *needed, *clock, *pizza, *_context(reader))
    failed = [piece for piece in needed if not piece.holds]
    if failed:
        said = f"It answers {learned.value:.2%} of {_words(rows)}, but not by these means ({_why(failed[0])})."
        return Algorithm(NONE, said, evidence, circles)
    for name, pieces in ((CLOCK, clock), (PIZZA, pizza)):
        if _all_hold(pieces):
            return Algorithm(name, _sentence(name, pieces, circles), evidence, circles)
    return Algorithm(REPRESENTATIONS, _between(ds, clock, pizza, circles), evidence, circles)


def _held_out_accuracy(reader: Reader, limits: Thresholds) -> tuple[str, Evidence]:
    """Return the set of rows that did not train, or all where that is not known, and the accuracy on it."""
    for rows in HELD_OUT:
        value = reader.value("accuracy", rows=rows)
        if value is not None:
            note = "which rows trained is not known" if rows == "all" else ""
            return rows, Evidence(
                f"accuracy, {_words(rows)}",
                value,
                limits.learned,
                None,
                "the rule is learned",
                note,
            )
    missing = Evidence(
        "accuracy", None, limits.learned, None, "the rule is learned", "not measured"
    )
    return "all", missing


def _not_learned(
    reader: Reader, facts: Facts, learned: Evidence, rows: str, limits: Thresholds
) -> Algorithm:
    if learned.value is None:
        return Algorithm(NONE, "No accuracy was measured.", (learned,))
    if rows == "all":
        said = f"It answers {learned.value:.2%} of all inputs; which rows trained is not known, so it may be a lookup."
        return Algorithm(NONE, said, (learned,))
    train = reader.value("accuracy", rows="train")
    memorised = Evidence("accuracy, training rows", train, limits.memorised, None, LOOKUP)
    others = Evidence(f"accuracy, {_words(rows)}", learned.value, None, limits.no_better, LOOKUP)
    evidence = (learned, memorised, others, *_no_circuit(reader, facts))
    if _all_hold(evidence[1:]):
        said = f"It answers {train:.2%} of its training rows and {learned.value:.2%} of {_words(rows)}: no rule."
        return Algorithm(LOOKUP, said, evidence)
    share = f"{learned.value:.2%} of {_words(rows)}"
    if not memorised.holds:
        had = "an unknown share" if train is None else f"{train:.2%}"
        said = f"It answers {had} of its training rows and {share}: neither memorised nor learned."
    elif not others.holds:
        said = f"It memorised and answers {share}: more than a lookup, less than a rule."
    else:
        said = f"It memorised and answers {share}, but a circuit is forming."
    return Algorithm(NONE, said, evidence)


def _no_circuit(reader: Reader, facts: Facts) -> tuple[Evidence, ...]:
    """Return the evidence that no circuit forms, () where none was measured: held-out restricted loss at chance."""
    loss = reader.value("restricted_loss_held_out")
    error = reader.value("restricted_loss_held_out_se") or 0.0
    if loss is None or facts.chance_loss is None:
        return ()
    level = facts.chance_loss - 5 * error
    return (Evidence("restricted_loss_held_out", loss, level, None, LOOKUP, "chance less 5 s.e."),)


def _representations(reader: Reader, rows: str, limits: Thresholds) -> tuple[Evidence, ...]:
    """Return the evidence that the key representations are necessary and sufficient."""
    key = next((reader.ds[n] for n in ("key_frequency", "key_irrep") if n in reader.ds), None)
    why = "" if key is not None else "the task is no product in a group"
    count = None if key is None else float(key.size)
    pieces = [Evidence("key representations", count, 1.0, None, REPRESENTATIONS, why)]
    if not count:
        return tuple(pieces)
    why = reader.why_missing("key_functions")
    name, alone = "accuracy_of_key_held_out", reader.value("accuracy_of_key_held_out")
    if alone is None:
        name, alone = f"accuracy_of_key, {_words(rows)}", reader.value("accuracy_of_key", rows=rows)
    note = why if alone is None else ""
    pieces.append(Evidence(name, alone, limits.alone, None, REPRESENTATIONS, note))
    left = reader.value("accuracy_without_key", rows=rows)
    note = why if left is None else ""
    pieces.append(
        Evidence(f"accuracy_without_key, {_words(rows)}", left, None, limits.without,
                 REPRESENTATIONS, note)
    )  # fmt: skip
    if "neurons" not in reader.why_missing("irrep_neuron_shares"):
        share = reader.value("neuron_share_key")
        pieces.append(Evidence("neuron_share_key", share, limits.neurons, None, REPRESENTATIONS))
    return tuple(pieces)


def _clock(reader: Reader, circles: tuple[Circle, ...], limits: Thresholds) -> tuple[Evidence, ...]:
    if not circles:
        return ()
    name, symmetricity, note = _symmetricity(reader)
    return (
        Evidence("circles in clock form, by weight", weight_of(circles, CLOCK),
                 limits.circles, None, CLOCK),
        Evidence(name, symmetricity, None, limits.asymmetric, CLOCK, note),
        Evidence("distance_irrelevance", reader.value("distance_irrelevance"),
                 limits.irrelevant, None, CLOCK),
    )  # fmt: skip


def _pizza(reader: Reader, circles: tuple[Circle, ...], limits: Thresholds) -> tuple[Evidence, ...]:
    if not circles:
        return ()
    name, symmetricity, note = _symmetricity(reader)
    return (
        Evidence("circles in pizza form, by weight", weight_of(circles, PIZZA),
                 limits.circles, None, PIZZA),
        Evidence(name, symmetricity, limits.symmetric, None, PIZZA, note),
        Evidence("distance_irrelevance", reader.value("distance_irrelevance"),
                 None, limits.dependent, PIZZA),
    )  # fmt: skip


def _symmetricity(reader: Reader) -> tuple[str, float | None, str]:
    """Return (variable, value, note): as published, or on the circles where the operands share no embedding."""
    value = reader.value("gradient_symmetricity")
    if value is not None:
        return "gradient_symmetricity", value, ""
    why = reader.why_missing("gradient_symmetricity")
    return (
        "circle_symmetricity",
        reader.value("circle_symmetricity"),
        f"for gradient_symmetricity: {why}",
    )


def _context(reader: Reader) -> tuple[Evidence, ...]:
    """Return what the literature looks at too and no verdict rests on."""
    value = reader.value("circularity")
    if value is None:
        return ()
    words = "not needed: above it Zhong et al. call an embedding circular"
    return (Evidence("circularity", value, 0.995, None, "circular embedding", words),)


def _all_hold(pieces: tuple[Evidence, ...]) -> bool:
    return bool(pieces) and all(piece.holds for piece in pieces)


def _sentence(name: str, pieces: tuple[Evidence, ...], circles: tuple[Circle, ...]) -> str:
    told = ", ".join(f"{p.quantity.replace('_', ' ')} {p.value:.3g}" for p in pieces)
    return f"A {name} on {_frequencies(circles)}: {told}."


def _between(
    ds: "xarray.Dataset",
    clock: tuple[Evidence, ...],
    pizza: tuple[Evidence, ...],
    circles: tuple[Circle, ...],
) -> str:
    if not circles:
        names = ", ".join(str(name) for name in ds["key_irrep"].values) if "key_irrep" in ds else ""
        return f"It composes in the representations {names}: they suffice, and without them the accuracy is gone."
    against = [f"no {name} ({_why(next(p for p in pieces if not p.holds))})"
               for name, pieces in ((CLOCK, clock), (PIZZA, pizza))]  # fmt: skip
    return f"It composes in {_frequencies(circles)}; {'; '.join(against)}."


def _frequencies(circles: tuple[Circle, ...]) -> str:
    if len(circles) > 8:
        return f"{len(circles)} frequencies"
    return "the frequencies " + ", ".join(str(circle.freq) for circle in circles)


def _why(piece: Evidence) -> str:
    name = piece.quantity.replace("_", " ")
    if piece.value is None:
        return (
            f"{name} was not measured ({piece.note})" if piece.note else f"{name} was not measured"
        )
    return f"{name}: {piece.value:.3g}, needed {piece.wanted}"


def _words(rows: str) -> str:
    return {"test_twin_free": "twin-free test rows", "test": "test rows", "all": "all inputs"}[rows]
