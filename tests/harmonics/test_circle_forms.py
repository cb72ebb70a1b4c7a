"""Shares of the clock and the pizza form, on logits whose form is known."""

import numpy as np
import pytest

from grokscope.harmonics.circle_forms import (
    circle_form,
    circle_turn,
    form_shares,
    profile_share,
)


def direct(n, k, form):
    """Return the form by looping over all operands and answers."""
    w = 2 * np.pi * k / n
    found = np.empty((n, n, n))
    for x in range(n):
        for y in range(n):
            for c in range(n):
                found[x, y, c] = np.cos(w * (x + y - c))
                if form == "pizza":
                    found[x, y, c] *= abs(np.cos(w * (x - y) / 2))
    return found


@pytest.mark.parametrize("form", ["clock", "pizza"])
@pytest.mark.parametrize(("n", "k"), [(7, 1), (7, 3), (10, 4), (10, 5)])
def test_forms_are_as_written(n, k, form):
    """Else the form that logits are held against is another function of x, y and c."""
    np.testing.assert_allclose(circle_form(n, k, form), direct(n, k, form), atol=1e-12)


@pytest.mark.parametrize("form", ["clock", "pizza"])
def test_a_pure_form_is_all_of_itself_and_four_fifths_of_the_other(form):
    """Else a pure clock or pizza is not seen, or the two look more different than they are: (2/pi)^2 / (1/2) = .811."""
    logits = -3.0 * direct(59, 17, form)
    other = {"clock": "pizza", "pizza": "clock"}[form]
    found = form_shares(-logits, 17, form)
    assert found.share == pytest.approx(1, abs=1e-12)
    assert found.published == pytest.approx(1, abs=1e-12)
    assert form_shares(logits, 17, other).share == pytest.approx(8 / np.pi**2, abs=1e-3)
    assert form_shares(logits, 17, form).published == pytest.approx(-3, abs=1e-12)  # r = -1
    assert form_shares(logits, 16, form).share == pytest.approx(0, abs=1e-12)


def test_constants_of_rows_and_of_answers_take_nothing_from_the_share():
    """Else what the softmax does not see, or one preference for all inputs, hides the form."""
    rng = np.random.default_rng(0)
    logits = direct(11, 2, "pizza")
    moved = logits + 5 * rng.standard_normal((11, 11, 1)) + 5 * rng.standard_normal(11)
    assert form_shares(moved, 2, "pizza").share == pytest.approx(1, abs=1e-12)
    assert form_shares(moved, 2, "pizza").published < 0.5


def test_shares_are_squared_correlations():
    """Else noise is counted in, or the published convention is not 2 r - 1."""
    rng = np.random.default_rng(1)
    logits = direct(9, 2, "clock") + rng.standard_normal((9, 9, 9))
    form = direct(9, 2, "clock")
    double = logits - logits.mean(2, keepdims=True)
    double = double - double.mean((0, 1))
    found = form_shares(logits, 2, "clock")
    assert found.share == pytest.approx(np.corrcoef(double.ravel(), form.ravel())[0, 1] ** 2)
    scaled = (form - form.mean()) / form.std() * logits.std()
    left = ((logits - logits.mean() - scaled) ** 2).sum() / ((logits - logits.mean()) ** 2).sum()
    assert found.published == pytest.approx(1 - left)


@pytest.mark.parametrize("turn", [0.7, -2.5])
def test_turned_circles(turn):
    """Else a pizza whose operands have circles of their own is held against the wrong dead distance."""
    n, k = 11, 3
    w = 2 * np.pi * k / n
    rng, x = np.random.default_rng(2), np.arange(n)
    phases, columns = rng.uniform(0, 2 * np.pi, 6), rng.standard_normal(6)
    first = columns * np.cos(w * x[:, None] + phases) + np.cos(2 * np.pi * x[:, None] / n)
    second = 3 * columns * np.cos(w * x[:, None] + turn + phases)
    alignment, angle = circle_turn(first, second, k)
    assert alignment == pytest.approx(1)
    assert angle == pytest.approx(turn)
    # the sum of two turned waves is 2 cos((w (x - y) - turn) / 2) cos(...)
    total = np.cos(w * x[:, None]) + 1j * np.sin(w * x[:, None])
    other = np.cos(w * x + turn) + 1j * np.sin(w * x + turn)
    dead = np.abs(total + other) / 2
    logits = dead[..., None] * np.cos(w * (x[:, None, None] + x[:, None] - x))
    np.testing.assert_allclose(circle_form(n, k, "pizza", turn), logits, atol=1e-12)
    assert form_shares(logits, k, "pizza", turn).share == pytest.approx(1)
    assert form_shares(logits, k, "pizza").share < 0.95
    assert profile_share(logits, k) == pytest.approx(1)
    own = rng.uniform(0, 2 * np.pi, 4000)
    apart = np.cos(w * x[:, None] + own), np.cos(w * x[:, None] + rng.permutation(own))
    assert circle_turn(*apart, k)[0] < 0.1
    assert np.isnan(circle_turn(first, second * 0, k)[0])


def test_the_profile_is_what_a_form_can_have():
    """Else noise beside the profile counts against the one form more than against the other."""
    n, k, rng = 9, 2, np.random.default_rng(3)
    x = np.arange(n)
    waves = np.cos(2 * np.pi * k / n * (x[:, None, None] + x[:, None] - x))
    logits = waves + rng.standard_normal((n, n, n))
    double = logits - logits.mean(2, keepdims=True)
    double = double - double.mean((0, 1))
    design = np.stack([(((x[:, None] - x) % n) == d)[..., None] * waves for d in range(n)])
    design = design.reshape(n, -1).T
    kept = design @ np.linalg.lstsq(design, double.ravel(), rcond=None)[0]
    wanted = (kept**2).sum() / (double**2).sum()
    assert profile_share(logits, k) == pytest.approx(wanted)
    assert np.isnan(profile_share(np.ones((5, 5, 5)), 1))


def test_constant_logits_have_no_form():
    """Else a dead circle divides by zero or is called something."""
    found = form_shares(np.ones((5, 5, 5)), 1, "clock")
    assert np.isnan(found.share)
    assert np.isnan(found.published)


@pytest.mark.parametrize(("n", "k"), [(7, 2), (10, 3), (10, 5), (8, 4)])
@pytest.mark.parametrize("turn", [0.0, 0.7])
@pytest.mark.parametrize("form", ["clock", "pizza"])
def test_shares_by_whole_tables(n, k, turn, form):
    """Else what is taken from sums over answers, at the Nyquist frequency too, is not the correlation with the form."""
    rng = np.random.default_rng(n + k)
    expected = circle_form(n, k, form, turn)
    logits = expected + rng.standard_normal((n, n, n)) + 3 * rng.standard_normal(n) + 2

    def without(values):
        values = values - values.mean(2, keepdims=True)
        return values - values.mean((0, 1))

    both = np.corrcoef(without(logits).ravel(), without(expected).ravel())[0, 1]
    one = np.corrcoef(logits.ravel(), expected.ravel())[0, 1]
    found = form_shares(logits, k, form, turn)
    assert found.share == pytest.approx(both**2, rel=1e-10)
    assert found.published == pytest.approx(2 * one - 1, rel=1e-10)
