"""Gromov's closed-form weights: right answers, an error of the size that follows from random phases."""

import numpy as np
import pytest
import torch

from grokscope.errors import RequestError
from grokscope.harmonics.fourier import spectrum
from grokscope.models.families import logits_of
from grokscope.models.feedforward.gromov_solution import (
    expected_error,
    frequencies,
    gromov_weights,
)
from grokscope.models.plan import make_plan
from grokscope.runs.snapshot import Snapshot
from grokscope.tasks import make_task


def logits(n: int, width: int, seed: int = 0, **sides) -> torch.Tensor:
    """Return [a, b, class]."""
    config, weights = gromov_weights(n, width, seed, **sides)
    tokens = make_task("mod_add", n, layout="a b").tokens
    return logits_of(weights, config, make_plan(tokens, causal=False)).reshape(n, n, n)


@pytest.mark.parametrize(("n", "width"), [(7, 300), (12, 300), (23, 300), (59, 300)])
def test_a_wide_network_answers_everything(n, width):
    """Else the closed form is none: every pair must be answered, prime modulus or not."""
    sums = (np.arange(n)[:, None] + np.arange(n)) % n
    assert (logits(n, width).argmax(-1).numpy() == sums).all()


def test_the_right_logit_is_one():
    """Else a scale of the forward is wrong, and training only looks as if at another learning rate."""
    n = 11
    table = torch.stack([logits(n, 8 * n, seed) for seed in range(50)]).mean(0).numpy()
    sums = (np.arange(n)[:, None] + np.arange(n)) % n
    one_hot = np.eye(n)[sums]
    deviation = 2 / np.sqrt(8 * n * 50)
    assert np.abs(table - one_hot).max() < 5 * deviation
    assert table[one_hot == 1].mean() == pytest.approx(1, abs=deviation)


def error(n: int, width: int, seed: int) -> float:
    sums = (np.arange(n)[:, None] + np.arange(n)) % n
    return float((logits(n, width, seed) - torch.eye(n)[torch.as_tensor(sums)]).square().mean())


@pytest.mark.parametrize(("n", "width"), [(7, 28), (8, 24), (11, 40), (12, 9), (13, 52)])
def test_mean_squared_error_over_random_phases(n, width):
    """Else the error that is expected of the closed form is another than it has: prime, even, and unequal counts."""
    found = np.array([error(n, width, seed) for seed in range(200)])
    wanted = expected_error(n, width)
    assert abs(found.mean() - wanted) < 4 * found.std() / np.sqrt(len(found))
    assert 4 * found.std() / np.sqrt(len(found)) < 0.2 * wanted, "the test could not fail"


def test_the_error_where_every_frequency_is_as_frequent():
    """Else the general formula does not become 4/N (1 + 1/(16 n))."""
    for n, times in ((7, 1), (23, 4), (97, 3)):
        width = n * times
        assert expected_error(n, width) == pytest.approx(4 / width * (1 + 1 / (16 * n)), rel=1e-12)


def test_other_maps_of_the_operands():
    """Else the second claim of the paper, left(a) + right(b), does not hold: here subtraction, and squares."""
    n, values = 13, np.arange(13)
    found = logits(n, 400, left=values, right=-values % n).argmax(-1).numpy()
    assert (found == (values[:, None] - values) % n).all()
    found = logits(n, 400, left=values**2 % n, right=values**2 % n).argmax(-1).numpy()
    assert (found == (values[:, None] ** 2 + values**2) % n).all()


def test_measures_see_the_construction():
    """Else the spectrum of one-hot weights is that of another axis: each neuron has its one frequency."""
    n, width = 11, 44
    config, weights = gromov_weights(n, width)
    task = make_task("mod_add", n, layout="a b")
    snap = Snapshot(task, None, config, weights)
    assert snap.accuracy.all > 0.9
    assert (
        np.square(spectrum(snap.W_E[:, [3]])).sum(0).argmax() + 1 == frequencies(n, width)[3] == 3
    )
    rows, classes = snap.W_E, snap.W_L
    for k in range(1, 6):
        wave = np.exp(2j * np.pi * k * np.arange(n) / n)
        own = np.isin(frequencies(n, width), (k, n - k))
        assert np.abs(wave @ rows)[~own].max() < 1e-9 * np.abs(wave @ rows)[own].min()
        assert np.abs(classes @ wave)[~own].max() < 1e-9 * np.abs(classes @ wave)[own].min()


@pytest.mark.parametrize(("n", "width"), [(2, 10), (7, 0)])
def test_refused(n, width):
    """Else a mistake is a traceback, or an empty network."""
    with pytest.raises(RequestError, match="accepted"):
        gromov_weights(n, width)
