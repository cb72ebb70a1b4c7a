"""The thresholds by which an algorithm is named, each with the reason for its place."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Thresholds:
    """What a model must show before its algorithm is named; `identify` publishes each with the value and the margin.

    Attributes
    ----------
    learned
        Accuracy on held-out rows from which a model has the rule.
    memorised
        Accuracy on training rows from which a model has memorised them.
    no_better
        A lookup answers at most this share of the held-out rows.
    alone
        Accuracy that the key functions of x . y must have by themselves. Accuracy and not loss, for a network that was
        trained on squared error has small logits and a high cross-entropy with every answer right.
    without
        Share of the accuracy that may be left on held-out rows without them.
    neurons
        Share of the neurons' energy in the key representations of x, y and x . y.
    irrelevant
        Distance irrelevance from which a clock's answer does not depend on the operands' distance: .80 on average over
        the published clocks, .29 over the pizzas (Zhong et al. 2023, section 5).
    dependent
        Distance irrelevance up to which a pizza's does. It is the weakest of the three witnesses, since several circles
        fill each other's gaps: pizzas by both others were seen up to .63, so that the two ranges overlap.
    asymmetric
        Gradient symmetricity up to which the operands enter by a product: .50 on average over the published clocks.
    symmetric
        Gradient symmetricity from which they enter by their sum: .99 on average over the published pizzas.
    circles
        Share of the circles, weighed by what they carry of the logits, that must have the form.
    """

    learned: float = 0.95
    memorised: float = 0.99
    no_better: float = 0.25
    alone: float = 0.9
    without: float = 0.5
    neurons: float = 0.5
    irrelevant: float = 0.6
    dependent: float = 0.7
    asymmetric: float = 0.75
    symmetric: float = 0.95
    circles: float = 0.7


THRESHOLDS = Thresholds()
