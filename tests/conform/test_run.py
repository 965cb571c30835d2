"""Plans: what is booted where, for what was selected."""

from __future__ import annotations

import pytest

from vmirom.conform.run import not_booted, plan
from vmirom.conform.suite import load_suite
from vmirom.hosts.outcomes import Outcome


def guests(words: list[str], *places: tuple[str, str]) -> list[str]:
    return [boot.guest for boot in plan(load_suite("3.1", words), places)]


def test_guests_are_booted_that_check_what_is_selected() -> None:
    assert guests(["VMI-NEG-05"], ("xen", "embedded")) == ["conform-sensitive"]
    assert guests(["VMI-AP-02"], ("xen", "embedded")) == []
    twice = guests(["VMI-NEG-05"], ("xen", "embedded"), ("lguest", "embedded"), ("xen", "embedded"))
    assert len(twice) == 2


def test_each_boot_is_told_apart_and_has_its_command_line_and_ends() -> None:
    boots = plan(load_suite("3.1"), [("kvm", "embedded"), ("native", "embedded"), ("native", "qemu")])
    assert len({boot.key for boot in boots}) == len(boots)
    shutdown = next(boot for boot in boots if boot.guest == "conform-ends/shutdown")
    assert shutdown.request.command_line == "way=shutdown" and shutdown.ends == ("off",)


@pytest.mark.parametrize("host", ["qemu", "embedded"])
def test_a_power_off_is_asked_for_wherever_it_is_told_from_a_crash(host: str) -> None:
    assert "conform-ends/shutdown" in guests(["VMI-IRQ-12"], ("native", host))


def test_an_image_that_breaks_a_rule_is_judged_without_a_boot() -> None:
    suite = load_suite("3.1", ["ROM"])
    assert not_booted(suite, [("xen", "embedded")]).outcome is Outcome.SUCCESS
    suite.images["xen"]["checksum"] = "is wrong"  # type: ignore[index]
    found = not_booted(suite, [("xen", "embedded")])
    assert found.outcome is Outcome.FAILURE
    bad = [v.clause for v in found.judgements[0].verdicts.values() if v.state.outcome is Outcome.FAILURE]
    assert bad == ["VMI-ROM-03"]
