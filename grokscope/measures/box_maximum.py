"""The largest value of a function in a box, searched for by L-BFGS-B.

Two things are set before scipy sees the problem, since both decide what it finds in a few iterations:
- variables are in units of the box, z = (x - centre) / half_width in [-1, 1];
- the function is scaled so that its steepest slope at the centre is `SLOPE` per unit of z. The algorithm begins with a
  step of one times the gradient. On the raw loss of a memorised run, slope below 1e-7, ten such steps lead nowhere: a
  sharpness of 206 read 2e-6. Scaled, the first step goes to the corner that a linear function would have its maximum
  in, and a line search walks back from there.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

Vector = Float[ndarray, " n"]
ValueAndGradient = Callable[[Vector], tuple[float, Vector]]

SLOPE = 1e6
"""Steepest slope at the centre, in units of the box; on trained runs 1e6 to 1e15 gave the same within 3 %."""


@dataclass(frozen=True)
class BoxMaximum:
    """The largest value that was found in a box.

    Attributes
    ----------
    value, point
        The value, and where: it lies in the box.
    at_centre
        The value at the centre.
    evaluations
        How often value and gradient were computed.
    """

    value: float
    point: Vector
    at_centre: float
    evaluations: int


def maximise_in_box(
    function: ValueAndGradient, centre: Vector, half_width: Vector, max_iterations: int = 10
) -> BoxMaximum:
    """Search max f(x) over |x_i - centre_i| <= half_width_i, from the centre.

    L-BFGS-B (Byrd et al. 1995) with scipy, stopped by the number of iterations only. What is returned is the best of
    all evaluated points, so the value is never below that at the centre, and never above the true maximum: exact for a
    linear function, a lower bound in general. Where the gradient at the centre is exactly 0 the search does not begin.

    Parameters
    ----------
    function
        x -> (f(x), gradient), float64.
    centre, half_width
        Shape [n]. The box; half widths above 0.
    max_iterations
        Each takes one evaluation, and more where a line search needs them.
    """
    from scipy.optimize import Bounds, minimize

    at_centre, slope = function(centre)
    steepest = float(np.abs(slope * half_width).max(initial=0.0))
    best, point, evaluations = at_centre, centre, 1
    if steepest == 0:
        return BoxMaximum(best, point, at_centre, evaluations)
    scale = SLOPE / steepest

    def negative(z: Vector) -> tuple[float, Vector]:
        nonlocal best, point, evaluations
        if not z.any():  # scipy asks for the centre first
            return -scale * at_centre, -scale * slope * half_width
        x = centre + half_width * z
        value, gradient = function(x)
        evaluations += 1
        if value > best:
            best, point = value, x
        return -scale * value, -scale * gradient * half_width

    minimize(
        negative,
        np.zeros_like(centre),
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(-np.ones_like(centre), np.ones_like(centre)),
        options={"maxiter": max_iterations, "ftol": 0.0, "gtol": 0.0},
    )
    return BoxMaximum(best, point, at_centre, evaluations)
