"""Shares of the clock and the pizza form, on logits whose form is known."""

import numpy as np
import pytest

from grokscope.harmonics.circle_forms import circle_form, form_shares


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


def test_constant_logits_have_no_form():
    """Else a dead circle divides by zero or is called something."""
    found = form_shares(np.ones((5, 5, 5)), 1, "clock")
    assert np.isnan(found.share)
    assert np.isnan(found.published)
