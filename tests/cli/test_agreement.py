"""Which transcript is the reference, and where the others differ first."""

from hypothesis import given
from hypothesis import strategies as st

from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.report.agreement import Agreement, Difference, compare, overall
from vmirom.report.text import agreement_lines


def printed(backend: str, *lines: str, outcome: Outcome = Outcome.SUCCESS) -> BootResult:
    return BootResult(backend, outcome, "", transcript=lines)


def test_all_the_same() -> None:
    found = compare([printed("a", "x"), printed("b", "x")])
    assert found == Agreement("a", ("a", "b"), 1, ())
    assert list(agreement_lines(found)) == ["a, b agree: 1 line, all the same"]


def test_majority_is_the_reference() -> None:
    found = compare([printed("a", "y"), printed("b", "x"), printed("c", "x")])
    assert found.reference == "b"
    assert found.differences == (Difference("a", 1, "x", "y"),)


def test_among_equals_the_first() -> None:
    found = compare([printed("a", "1", "y"), printed("b", "1", "x")])
    assert (found.reference, found.differences) == ("a", (Difference("b", 2, "y", "x"),))


def test_success_counts_before_number() -> None:
    bad = [printed(name, "1", "y", outcome=Outcome.FAILURE) for name in "ab"]
    found = compare([*bad, printed("c", "1", "x")])
    assert found.reference == "c"
    assert [d.backend for d in found.differences] == ["a", "b"]
    assert compare(bad).agree


def test_more_and_less_are_differences() -> None:
    found = compare([printed("a", "1"), printed("b", "1"), printed("c", "1", "2"), printed("d")])
    assert found.differences == (Difference("c", 2, None, "2"), Difference("d", 1, "1", None))
    assert "  d | (nothing more)" in list(agreement_lines(found))


def test_silence_is_the_reference_only_where_nobody_spoke() -> None:
    assert compare([printed("a"), printed("b"), printed("c", "x")]).reference == "c"
    silent = compare([printed("a"), printed("b")])
    assert silent.agree
    assert list(agreement_lines(silent)) == ["a, b printed nothing"]


def test_skips_are_left_out() -> None:
    found = compare([printed("a", "x"), printed("b", "no", outcome=Outcome.SKIP)])
    assert (found.agree, found.compared) == (True, ("a",))
    assert list(agreement_lines(found)) == ["a printed 1 line"]
    nothing = compare([printed("b", "no", outcome=Outcome.SKIP)])
    assert (nothing.reference, nothing.agree) == (None, True)
    assert list(agreement_lines(nothing)) == ["nothing to compare: every boot was skipped"]


def test_overall_is_the_worst() -> None:
    same = [printed("a", "x"), printed("b", "x")]
    assert overall(same, compare(same)) is Outcome.SUCCESS
    differ = [printed("a", "x"), printed("b", "y")]
    assert overall(differ, compare(differ)) is Outcome.FAILURE
    crashed = [printed("a", "x"), printed("b", "y", outcome=Outcome.CRASH)]
    assert overall(crashed, compare(crashed)) is Outcome.CRASH


@given(st.lists(st.lists(st.sampled_from("xyz"), max_size=3), min_size=1, max_size=5))
def test_agree_means_equal_and_a_difference_is_one(transcripts: list[list[str]]) -> None:
    results = [printed(str(n), *lines) for n, lines in enumerate(transcripts)]
    found = compare(results)
    assert found.agree == (len({tuple(t) for t in transcripts}) == 1)
    reference = next(r for r in results if r.backend == found.reference)
    for difference in found.differences:
        one = next(r for r in results if r.backend == difference.backend).transcript
        same = difference.line - 1
        assert one[:same] == reference.transcript[:same]
        assert one[same : same + 1] != reference.transcript[same : same + 1]
