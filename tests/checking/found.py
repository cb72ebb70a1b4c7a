"""What the tests of checks ask of a report."""

from grokscope.checking import Finding, Report, check


def alarms(report: Report) -> list[Finding]:
    """Return faults and warnings."""
    return [each for each in report if each.level != "note"]


def only_fault(report: Report, file: str, *words: str) -> None:
    """Assert that the report's faults are all of one file, and that one has these words."""
    faults = report.of("fault")
    assert {each.file for each in faults} == {file}, list(report)
    assert any(all(word in each.fault for word in words) for each in faults), faults
    assert all(each.remedy and "\n" not in each.fault + each.remedy for each in faults)
    assert not report.is_sound


def check_again(run) -> Report:
    """Check a run by its path, so that nothing is remembered."""
    return check(run.path)
