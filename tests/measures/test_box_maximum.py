"""The search for the largest value in a box, on functions whose maximum is known in closed form."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokscope.measures.box_maximum import maximise_in_box

SCALES = (1e-12, 1e-6, 1.0, 1e9)


def box(seed: int, n: int = 40, width: float = 1e-3):
    rng = np.random.default_rng(seed)
    centre = rng.normal(size=n)
    return rng, centre, width * (np.abs(centre) + 1)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("seed", range(3))
def test_linear(seed, scale):
    """Else the maximum of a linear function is not its corner's, sum |g_i| h_i, or depends on the function's scale."""
    rng, centre, half = box(seed)
    g = scale * rng.normal(size=40) * 10.0 ** rng.uniform(-3, 0, size=40)
    found = maximise_in_box(lambda x: (float(g @ (x - centre)), g), centre, half)
    assert found.value == pytest.approx((np.abs(g) * half).sum(), rel=1e-9)
    assert found.at_centre == 0
    np.testing.assert_allclose(found.point, centre + half * np.sign(g), atol=1e-12)
    assert found.evaluations <= 12


def quadratic(curvature, middle, scale=1.0):
    def function(x):
        d = x - middle
        return float(scale * 0.5 * curvature @ (d * d)), scale * curvature * d

    return function


@pytest.mark.parametrize("scale", SCALES)
def test_concave_quadratic_with_its_summit_inside(scale):
    """Else the search overshoots: it must come back from the corner to the summit."""
    rng, centre, half = box(3, n=6)
    middle = centre + half * rng.uniform(-0.8, 0.8, size=6)
    curvature = -rng.uniform(1, 3, size=6)
    function = quadratic(curvature, middle, scale)
    found = maximise_in_box(function, centre, half, max_iterations=60)
    assert found.at_centre == function(centre)[0] < 0
    assert found.value <= 0
    assert found.value > 1e-6 * found.at_centre
    np.testing.assert_allclose(found.point, middle, atol=1e-3 * half.max())


def test_concave_quadratic_with_its_summit_outside():
    """Else a bound is crossed, or one that is reached is never left: the maximum is the summit, clipped to the box."""
    rng, centre, half = box(4, n=6, width=0.5)
    middle = centre + half * np.array([0.3, -5, 2, -0.4, 1.5, 9])
    function = quadratic(-rng.uniform(1, 3, size=6), middle)
    found = maximise_in_box(function, centre, half, max_iterations=60)
    clipped = np.clip(middle, centre - half, centre + half)
    assert found.value == pytest.approx(function(clipped)[0], rel=1e-8)
    np.testing.assert_allclose(found.point, clipped, atol=1e-4)


def test_sides_of_very_different_length():
    """Else the slope is not that in units of the box: a summit inside, with the axes of the hill oblique to the box."""
    rng = np.random.default_rng(7)
    half = 10.0 ** np.arange(-3, 3)
    root = rng.normal(size=(6, 6))
    hill, summit = root @ root.T + np.eye(6), rng.uniform(-0.5, 0.5, size=6)

    def function(x):
        d = x / half - summit
        return float(-d @ hill @ d), -2 * hill @ d / half

    found = maximise_in_box(function, np.zeros(6), half, max_iterations=40)
    np.testing.assert_allclose(found.point / half, summit, atol=1e-4)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("seed", range(3))
def test_convex_quadratic(seed, scale):
    """Else the search goes down to the valley: the maximum is the corner away from it."""
    rng, centre, half = box(seed)
    middle = centre + half * rng.uniform(-2, 2, size=40)
    curvature = rng.uniform(0.5, 3, size=40)
    found = maximise_in_box(quadratic(curvature, middle, scale), centre, half)
    farthest = np.abs(centre - middle) + half
    assert found.value == pytest.approx(scale * 0.5 * curvature @ farthest**2, rel=1e-9)
    np.testing.assert_allclose(found.point, centre + half * np.sign(centre - middle), atol=1e-12)


def test_it_is_the_maximum_and_not_the_minimum():
    """Else the sign is turned: sum exp(x_i) is largest at the upper corner, smallest at the lower one."""
    _, centre, half = box(5, width=0.3)
    found = maximise_in_box(lambda x: (float(np.exp(x).sum()), np.exp(x)), centre, half)
    up, down = np.exp(centre + half).sum(), np.exp(centre - half).sum()
    assert found.value == pytest.approx(up, rel=1e-12)
    assert up - found.at_centre > 1.05 * (found.at_centre - down)


def test_a_line_search_where_the_corner_is_worse_than_the_centre():
    """Else a step that goes down is taken: g x - k x^4 is largest at (g / 4k)^(1/3)."""
    g, k = np.array([1.0, 2.0]), np.array([40.0, 90.0])
    found = maximise_in_box(
        lambda x: (float(g @ x - k @ x**4), g - 4 * k * x**3), np.zeros(2), np.ones(2), 40
    )
    summit = np.cbrt(g / (4 * k))
    assert found.value == pytest.approx(g @ summit - k @ summit**4, rel=1e-6)
    np.testing.assert_allclose(found.point, summit, atol=1e-3)


@given(seed=st.integers(0, 10_000))
def test_any_quadratic_form(seed):
    """Else the value is not that of the point, the point is outside, or the value is above the maximum of the box."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(3, 3))
    matrix, slope = matrix + matrix.T, rng.normal(size=3)

    def function(x):
        return float(slope @ x + 0.5 * x @ matrix @ x), slope + matrix @ x

    half = rng.uniform(0.1, 1, size=3)
    found = maximise_in_box(function, np.zeros(3), half)
    assert found.value == function(found.point)[0] >= found.at_centre == 0
    assert (np.abs(found.point) <= half * (1 + 1e-12)).all()
    n = 21
    grid = np.array(list(itertools.product(*(np.linspace(-h, h, n) for h in half))))
    values = grid @ slope + 0.5 * np.einsum("ni,ij,nj->n", grid, matrix, grid)
    steepest = np.abs(slope) + np.abs(matrix) @ half
    assert found.value <= values.max() + steepest @ (half / (n - 1))
    assert found.value > 0, "there is a slope at the centre, and a way up"


def test_a_centre_without_a_slope_is_returned():
    """Else there is a division by 0: nothing says which way is up."""
    found = maximise_in_box(quadratic(np.ones(3), np.zeros(3)), np.zeros(3), np.ones(3))
    assert (found.value, found.at_centre, found.evaluations) == (0, 0, 1)
    assert (found.point == 0).all()


def test_iterations_are_limited():
    """Else a measurement takes longer than is said: about one evaluation an iteration."""
    _, centre, half = box(6, width=3.0)
    asked = []

    def wavy(x):
        asked.append(x)
        return float(np.sin(7 * x).sum()), 7 * np.cos(7 * x)

    few = maximise_in_box(wavy, centre, half, 2)
    assert few.evaluations == len({x.tobytes() for x in asked}) == len(asked)
    many = maximise_in_box(wavy, centre, half, 40)
    assert many.evaluations > few.evaluations
    assert many.value > few.value > few.at_centre
