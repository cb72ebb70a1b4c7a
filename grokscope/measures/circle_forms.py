"""Clock and pizza forms of the logits, circle by circle."""

import numpy as np

from grokscope.harmonics.circle_forms import FORMS, circle_projection
from grokscope.measures.registry import Output, measure
from grokscope.runs.circles import circle_logits, turns_of
from grokscope.runs.snapshot import Snapshot

_FORM = {
    "clock": "cos w_k(x+y-c)",
    "pizza": "|cos w_k(x-y)/2| cos w_k(x+y-c)",
}


def _outputs() -> dict[str, Output]:
    found = {}
    for form, formula in _FORM.items():
        found[f"circle_{form}_share"] = Output(
            ("freq",),
            f"Share of a circle's logits in {form} form",
            "1",
            f"squared correlation of {formula} with the logits when W_E keeps its mean and frequency k alone, means "
            "over c and over (x, y) taken away; key k only",
        )
        found[f"circle_{form}_explained"] = Output(
            ("freq",),
            f"Variance of a circle's logits explained by the {form} form, as published",
            "1",
            f"2 r - 1, r the correlation of {formula} with the logits, one mean taken away, when W_E keeps its mean "
            "and the two principal components of frequency k; key k only",
        )
    found["circle_profile_share"] = Output(
        ("freq",),
        "Share of a circle's logits along its profile",
        "1",
        "share of the same logits on f(x-y) cos w_k(x+y-c) with any function f, which is the most a form can have; "
        "key k only",
    )
    found["circle_turn"] = Output(
        ("freq",),
        "Turn of the second operand's circle",
        "rad",
        "angle t by which it is ahead of the first one's where both are one circle (alignment of what the operands "
        "bring in at least .9), else 0, and 0 where they share an embedding; the pizza form is |cos (w_k(x-y) - t)/2| "
        "cos w_k(x+y-c); key k only",
    )
    return found


@measure(
    source="Zhong et al. 2023 (arXiv 2306.17844), section 4 and table 1",
    outputs=_outputs(),
    reads=("activations",),
    cost="forward",
    label_free=True,
    causal=False,
    at="final",
    needs=("cyclic",),
    builtin=True,
)
def circle_forms(snap: Snapshot) -> dict[str, np.ndarray]:
    """How much of what each key frequency does alone is a clock, and how much a pizza.

    The two forms are alike: a pure clock has a share of (2/pi)^2 / (1/2) = .81 in pizza form and the other way round,
    so it is their difference that tells. Logits of the whole model do not: the circles of a pizza fill each other's
    gaps. Operands with an embedding each may have turned circles, and a pizza its dead distance elsewhere.
    """
    cyclic = snap.task.cyclic
    assert cyclic is not None
    found = {name: np.full(cyclic.n_freq, np.nan) for name in _outputs()}
    for k, turn in turns_of(snap, snap.key).items():
        circle = circle_projection(circle_logits(snap, k), k)
        published = circle_projection(circle_logits(snap, k, "components"), k)
        for form in FORMS:
            found[f"circle_{form}_share"][k - 1] = circle.shares(form, turn).share
            found[f"circle_{form}_explained"][k - 1] = published.shares(form).published
        found["circle_profile_share"][k - 1] = circle.profile_share()
        found["circle_turn"][k - 1] = turn
    return found
