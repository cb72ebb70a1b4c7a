"""If these fail, the null of a set of representations is no null: it holds the very functions, or too many of them."""

import numpy as np
import pytest
from small_groups import TABLES, symmetric

from grokscope.harmonics.group_averages import irrep_projector
from grokscope.harmonics.relabellings import random_relabellings
from grokscope.harmonics.structure import Symmetric, make_irreps

S3 = make_irreps(symmetric(3)[0], Symmetric(symmetric(3)[1]))
S4 = make_irreps(symmetric(4)[0], Symmetric(symmetric(4)[1]))


def span(irreps, names, moved=None):
    whole = irrep_projector(irreps, names)
    return whole if moved is None else whole[np.ix_(moved, moved)]


@pytest.mark.parametrize(
    ("irreps", "names"),
    [(S3, ["sign"]), (S3, ["standard"]), (S4, ["sign", "s4_2d"]), (S4, ["standard", "trivial"])],
)
def test_permutations_that_change_the_span_and_keep_its_dimension(irreps, names):
    """Else a draw is no permutation, or leaves the span as it is, so that the null is no other thing."""
    drawn = random_relabellings(irreps, names, 20, 0)
    assert drawn.shape == (20, irreps.order)
    assert (np.sort(drawn, axis=1) == np.arange(irreps.order)).all()
    own = [name for name in names if name != "trivial"]
    for moved in drawn:
        turned = span(irreps, own, moved)
        np.testing.assert_allclose(turned @ turned, turned, atol=1e-12)
        assert np.trace(turned) == pytest.approx(np.trace(span(irreps, own)))
        assert np.abs(turned - span(irreps, own)).max() > 1e-3


def test_translations_are_what_is_drawn_again():
    """Else it is not true that they turn the span into itself, which is why a draw can be rejected."""
    for g in range(6):
        for moved in (S3.table[g], S3.table[:, g]):
            np.testing.assert_allclose(
                span(S3, ["standard"], moved), span(S3, ["standard"]), atol=1e-12
            )
    # Of 720 permutations of S3, 72 keep {sign}: those that keep or exchange its two cosets.
    drawn = random_relabellings(S3, ["sign"], 200, 1)
    even = S3["sign"].character > 0
    assert all(even[moved][even].sum() not in (0, 3) for moved in drawn)


@pytest.mark.parametrize("names", [[], ["trivial"], ["sign", "standard"]])
def test_nothing_and_everything_have_no_null(names):
    """Else a set that spans no function, or all, has draws that are equal to it."""
    assert random_relabellings(S3, names, 20, 0).shape == (0, 6)


def test_they_repeat_and_differ_with_the_seed():
    """Else an analysis cannot be repeated, or every run has the one null."""
    quaternions = make_irreps(TABLES["Q8"])
    name = quaternions.names[-1]
    first, again, other = (random_relabellings(quaternions, [name], 5, s) for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_an_unknown_name():
    """Else a misspelt representation is left out in silence."""
    with pytest.raises(ValueError, match="standrd"):
        random_relabellings(S4, ["standrd"], 1, 0)
