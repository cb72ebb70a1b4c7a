"""The numbers of Zhong et al. 2023 (arXiv 2306.17844) for p = 59."""

from dataclasses import dataclass

#: Name -> file in the folder of published models.
FILES = {"A (pizza)": "pizza/model_p99zdpze5l.pt", "B (clock)": "pizza/model_l8k1hzciux.pt"}

#: Name -> gradient symmetricity, distance irrelevance, circularity as published.
MODELS = {
    "A (pizza)": {"gradient_symmetricity": 0.9937, "distance_irrelevance": 0.17, "circularity": 0.998},
    "B (clock)": {"gradient_symmetricity": 0.3336, "distance_irrelevance": 0.85, "circularity": 0.999},
}  # fmt: skip

#: Circles of model A explained, in percent: (clock form, pizza form). The paper gives no frequencies: each has the one
#: that its weights show.
CIRCLES_OF_A = {17: (75.41, 99.18), 3: (75.62, 99.18), 15: (75.38, 99.28)}

CIRCULAR = 0.995
"""Only runs with a circularity above this enter the published means."""


@dataclass(frozen=True)
class Band:
    """A range of attention rates with the published means over its runs.

    Attributes
    ----------
    words
        The range as the tables call it.
    low, high
        low < rate <= high; low = -1 takes 0 in.
    gradient_symmetricity, distance_irrelevance
        The published means.
    """

    words: str
    low: float
    high: float
    gradient_symmetricity: float
    distance_irrelevance: float

    def holds(self, rate: float) -> bool:
        """Return whether a rate lies in the range."""
        return self.low < rate <= self.high


BANDS = (Band("rate ≤ 0.2", -1.0, 0.2, 0.993, 0.286), Band("rate > 0.8", 0.8, 1.0, 0.500, 0.797))
