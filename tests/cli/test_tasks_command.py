"""grokscope tasks: what there is, at the sizes of Power et al. 2022, for people and for programs."""

import json

import pytest

from grokscope.cli import main
from grokscope.tasks import TASKS

# name: formula as printed, rows at p = 97 and over S5, commutes, group, order
PUBLISHED = {
    "mod_add": ("a + b", "9,409", "yes", "C97", "97"),
    "mod_sub": ("a - b", "9,409", "no", "C97", "97"),
    "mod_mul": ("a * b", "9,409", "yes", "C96", "96"),
    "mod_div": ("a / b, b not 0, p prime", "9,312", "no", "C96", "96"),
    "mod_div_or_sub": ("a / b if b odd, else a - b, p prime", "9,409", "no", "-", "-"),
    "mod_a2_b2": ("a^2 + b^2", "9,409", "yes", "-", "-"),
    "mod_a2_ab_b2": ("a^2 + ab + b^2", "9,409", "yes", "-", "-"),
    "mod_a2_ab_b2_a": ("a^2 + ab + b^2 + a", "9,409", "no", "-", "-"),
    "mod_a3_ab": ("a^3 + ab", "9,409", "no", "-", "-"),
    "mod_a3_ab2_b": ("a^3 + ab^2 + b", "9,409", "no", "-", "-"),
    "group_mul": ("a . b", "14,400", "no", "S5", "120"),
    "group_conjugate": ("a . b . a^-1", "14,400", "no", "S5", "120"),
    "group_aba": ("a . b . a", "14,400", "no", "S5", "120"),
    "sparse_parity": ("sum of the first k of n bits mod 2", "1,024", "no", "-", "-"),
}


def listed(capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, dict]:
    assert main(["tasks", "--json", *argv]) == 0
    return {row["name"]: row for row in json.loads(capsys.readouterr().out)}


def test_the_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Else an operation is missing, or formula, size, symmetry or group is not the published one."""
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["tasks", "--p", "97"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "p = 97" in lines[0]
    assert "S5" in lines[0]
    cells = [[c.strip() for c in line.split("  ") if c.strip()] for line in lines]
    found = {row[0]: tuple(row[1:]) for row in cells if row and row[0] in TASKS}
    assert found == PUBLISHED
    assert ["task", "formula", "rows", "commutes", "group", "order"] in cells


def test_json(capsys: pytest.CaptureFixture[str]):
    """Else a program reads other numbers than a person."""
    rows = listed(capsys, "--p", "97")
    assert list(rows) == [name for name, operation in TASKS.items() if operation.builtin]
    for name, (_, size, commutes, group, order) in PUBLISHED.items():
        row = rows[name]
        assert f"{row['size']:,}" == size
        assert row["commutative"] == (commutes == "yes")
        assert (row["group_name"] or "-", str(row["group_order"] or "-")) == (group, order)
        assert row["source"]
        assert "2201.02177" in row["source"] or name in ("mod_mul", "sparse_parity")


def test_defaults_are_those_of_a_run(capsys: pytest.CaptureFixture[str]):
    """Else the list is of other tables than `grokscope train` trains when nothing is said."""
    rows = listed(capsys)
    assert (rows["mod_add"]["p"], rows["mod_add"]["size"]) == (113, 113**2)
    assert (rows["group_mul"]["group_name"], rows["group_mul"]["size"]) == ("S5", 14_400)


@pytest.mark.parametrize(
    ("group", "order", "commutes"),
    [("C4xC2", 8, True), ("D59", 118, False), ("A5", 60, False), ("S3", 6, False)],
)
def test_another_group(capsys: pytest.CaptureFixture[str], group, order, commutes):
    """Else --group is not looked at, or an abelian group is said not to commute."""
    rows = listed(capsys, "--group", group)
    for name in ("group_mul", "group_conjugate", "group_aba"):
        assert rows[name]["size"] == order**2
        assert (rows[name]["group_name"], rows[name]["group_order"]) == (group, order)
    assert rows["group_mul"]["commutative"] == commutes


def test_a_modulus_that_is_not_prime(capsys: pytest.CaptureFixture[str]):
    """Else what divides has a size although it has no table, or the whole list is refused."""
    rows = listed(capsys, "--p", "98")
    assert rows["mod_add"]["size"] == 98**2
    for name in ("mod_div", "mod_div_or_sub"):
        assert rows[name]["size"] is None
        assert "97" in rows[name]["why_not"], "the nearest prime"
    assert main(["tasks", "--p", "98"]) == 0
