"""If these fail, multiplication is not addition in exponents and all its measures are of a scrambled table."""

from math import gcd

import numpy as np
import pytest

from grokscope.harmonics.discrete_log import discrete_log, is_prime, primitive_root, units


def test_primes():
    assert [n for n in range(30) if is_prime(n)] == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]


@pytest.mark.parametrize("n", range(3, 60))
def test_logarithm_exists_exactly_where_the_units_are_cyclic(n):
    orders = []
    for g in units(n).tolist():
        power, order = g, 1
        while power != 1:
            power, order = power * g % n, order + 1
        orders.append(order)
    cyclic = max(orders) == len(orders)
    assert (discrete_log(n) is not None) == cyclic == (primitive_root(n) is not None)


@pytest.mark.parametrize("n", [3, 4, 5, 9, 14, 18, 25, 59, 113])
def test_logarithm_turns_products_into_sums(n):
    log = discrete_log(n)
    assert log is not None
    inside = [x for x in range(n) if gcd(x, n) == 1]
    assert sorted(log[inside]) == list(range(len(inside)))
    assert all(log[x] == -1 for x in range(n) if x not in inside)
    for x in inside:
        for y in inside:
            assert log[x * y % n] == (log[x] + log[y]) % len(inside)
    assert (np.sort(inside) == units(n)).all()
