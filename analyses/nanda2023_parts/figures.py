"""The seven figures of the paper, by name, and how each compares with the paper's own."""

from collections.abc import Callable

import plotly.graph_objects as go

from nanda2023_parts.drawing import Scene
from nanda2023_parts.figure_1 import figure_1
from nanda2023_parts.figure_2 import figure_2
from nanda2023_parts.figure_3 import figure_3
from nanda2023_parts.figure_4 import figure_4
from nanda2023_parts.figure_5 import figure_5
from nanda2023_parts.figure_6 import figure_6
from nanda2023_parts.figure_7 import figure_7

#: Figures that need key frequencies: a network that has none has no circle, no cluster and nothing restricted.
NEED_KEY = ("figure-1", "figure-5", "figure-6")
FIGURES: dict[str, Callable[[Scene], go.Figure]] = {
    "figure-1": figure_1,
    "figure-2": figure_2,
    "figure-3": figure_3,
    "figure-4": figure_4,
    "figure-5": figure_5,
    "figure-6": figure_6,
    "figure-7": figure_7,
}

#: What the paper's figure shows, and how this one stands to it.
BESIDE = {
    "figure-1": "The paper draws the algorithm as a diagram. Here each of its arrows is measured: the circle "
    "of the embedding, the sum on a circle in the neurons, the waves in the logits.",
    "figure-2": "The paper: accuracy and loss of five seeds, train and test. Here: the run, and the study's seeds. "
    "The same picture: train accuracy is 1 within 200 steps, test accuracy rises thousands of steps later.",
    "figure-3": "The paper: norms of W_E and W_L along their Fourier components. The same: few frequencies stand out, "
    "cosine and sine alike, and the same ones in both; W_E has some more that W_L does not use.",
    "figure-4": "The paper: attention of head 0, neuron 0, and the logits' norm in the 2D Fourier basis. The same: "
    "both are periodic, and each key frequency is one block of two by two on the diagonal. Which head and neuron "
    "has which frequency differs.",
    "figure-5": "The paper: histogram of the fraction of each neuron that one frequency explains, and W_L for the "
    "neurons of frequency 14. The same: most neurons near 1, and two rows alone in W_L.",
    "figure-6": "The paper: loss without each frequency, and of the key ones alone. The same: removing a key "
    "frequency costs orders of magnitude, any other nothing, and the key ones alone do better than the whole network.",
    "figure-7": "The paper: excluded and restricted loss, Gini coefficients, squared weights, three phases by hand. "
    "The same order of events; the phases here are located with intervals. The paper's axis goes on to step 40,000.",
}


def figures(scene: Scene) -> dict[str, go.Figure]:
    """Return the figures that can be drawn of a network, by name."""
    return {
        name: draw(scene)
        for name, draw in FIGURES.items()
        if scene.model.key or name not in NEED_KEY
    }
