"""Groups written down from their definitions, as Cayley tables: independent of grokscope's own groups."""

import itertools

import numpy as np


def table_of(elements, product):
    """Return the table of hashable elements under `product`."""
    number = {x: i for i, x in enumerate(elements)}
    return np.array([[number[product(x, y)] for y in elements] for x in elements])


def cyclic(n):
    return (np.arange(n)[:, None] + np.arange(n)) % n


def symmetric(n):
    """Permutations in lexicographic order, x first, then y."""
    points = list(itertools.permutations(range(n)))
    return table_of(points, lambda x, y: tuple(y[i] for i in x)), np.array(points)


def alternating(n):
    points = [
        p
        for p in itertools.permutations(range(n))
        if sum(a > b for a, b in itertools.combinations(p, 2)) % 2 == 0
    ]
    return table_of(points, lambda x, y: tuple(y[i] for i in x)), np.array(points)


def dihedral(n):
    """(k, l) is r^k s^l, s r = r^-1 s; rotations first."""
    elements = [(k, m) for m in (0, 1) for k in range(n)]
    product = lambda x, y: ((x[0] + (-1) ** x[1] * y[0]) % n, (x[1] + y[1]) % 2)  # noqa: E731
    return table_of(elements, product), np.array(elements)


def quaternions():
    """1, -1, i, -i, j, -j, k, -k by Hamilton's product of (a, b, c, d) = a + bi + cj + dk."""
    units = np.eye(4, dtype=int)
    elements = [tuple(int(v) for v in sign * unit) for unit in units for sign in (1, -1)]

    def product(x, y):
        a, b, c, d = x
        e, f, g, h = y
        return (
            a * e - b * f - c * g - d * h,
            a * f + b * e + c * h - d * g,
            a * g - b * h + c * e + d * f,
            a * h + b * g - c * f + d * e,
        )

    return table_of(elements, product)


def dicyclic(n):
    """a^k x^l with a^(2n) = 1, x^2 = a^n, x a = a^-1 x; order 4n."""
    elements = [(k, m) for m in (0, 1) for k in range(2 * n)]

    def product(x, y):
        k = x[0] + (-1) ** x[1] * y[0] + (n if x[1] and y[1] else 0)
        return (k % (2 * n), (x[1] + y[1]) % 2)

    return table_of(elements, product)


def affine(p, factors):
    """x -> a x + b modulo p with a in `factors`, first factor first."""
    elements = [(a, b) for a in factors for b in range(p)]
    return table_of(elements, lambda x, y: (x[0] * y[0] % p, (y[0] * x[1] + y[1]) % p))


def special_linear(p):
    """The 2 x 2 matrices of determinant 1 modulo p."""
    elements = [
        m for m in itertools.product(range(p), repeat=4) if (m[0] * m[3] - m[1] * m[2]) % p == 1 % p
    ]

    def product(x, y):
        a, b, c, d = x
        e, f, g, h = y
        return tuple(v % p for v in (a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h))

    return table_of(elements, product)


def direct_product(first, second):
    """Pairs, the second factor fastest, and the parts [factor, element]."""
    m, n = len(first), len(second)
    i, j = np.divmod(np.arange(m * n), n)
    return first[i[:, None], i] * n + second[j[:, None], j], np.stack([i, j])


def shuffled(table, seed):
    """Return the same group with its elements in another order, and that order: new element i is old order[i]."""
    order = np.random.default_rng(seed).permutation(len(table))
    place = np.argsort(order)
    return place[table[np.ix_(order, order)]], order


def cycle_type(permutation):
    """Return the lengths of the cycles of a permutation, descending."""
    seen, lengths = set(), []
    for start in range(len(permutation)):
        point, length = start, 0
        while point not in seen:
            seen.add(point)
            point, length = permutation[point], length + 1
        if length:
            lengths.append(length)
    return tuple(sorted(lengths, reverse=True))


TABLES = {
    "C1": cyclic(1),
    "C2": cyclic(2),
    "C7": cyclic(7),
    "C12": cyclic(12),
    "C2xC2": direct_product(cyclic(2), cyclic(2))[0],
    "C4xC4": direct_product(cyclic(4), cyclic(4))[0],
    "D4": dihedral(4)[0],
    "D5": dihedral(5)[0],
    "D9": dihedral(9)[0],
    "S3": symmetric(3)[0],
    "S4": symmetric(4)[0],
    "S5": symmetric(5)[0],
    "A4": alternating(4)[0],
    "A5": alternating(5)[0],
    "Q8": quaternions(),
    "Q12": dicyclic(3),
    "Q20": dicyclic(5),
    "F20": affine(5, (1, 2, 3, 4)),
    "F21": affine(7, (1, 2, 4)),
    "SL2(3)": special_linear(3),
    "SL2(5)": special_linear(5),
    "Q8xC3": direct_product(quaternions(), cyclic(3))[0],
    "Q8xQ8": direct_product(quaternions(), quaternions())[0],
}
