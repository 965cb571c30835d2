"""The embedded KVM asked by the probe, and compared with a real one where there is one."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache

import pytest

from vmirom.conform.fidelity import Answer, accepted_list, compare, embedded_answers, real_answers
from vmirom.hosts import kvm

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.xdist_group("real")]


@cache
def _embedded() -> dict[str, Answer]:
    return embedded_answers("kvm", 60)


def test_the_probe_asks_two_hundred_questions_and_more() -> None:
    assert len(_embedded()) >= 250


@pytest.mark.parametrize(
    ("identity", "answer"),
    [
        ("call.999", "-1000, no fault"),
        ("call.1", "0, no fault"),
        ("call.10.none", "0, no fault"),
        ("call.9.type", "-95, no fault"),
        ("user.call", "-1, no fault"),
        ("user.foreign", "#GP(0x0)"),
        ("foreign.code", "yes"),
        ("kept", "1f, no fault"),
        ("msr.03.2", "#GP(0x0)"),
        ("msr.dead", "#GP(0x0)"),
        ("wall.odd", "10"),
        ("wall.again", "4"),
    ],
)
def test_answers_that_a_real_kvm_gave(identity: str, answer: str) -> None:
    assert _embedded()[identity].text == answer


def test_what_is_accepted_are_questions_that_the_probe_asks() -> None:
    for entry in accepted_list("kvm"):
        assert entry.reason
        for pattern in entry.ids:
            assert any(fnmatchcase(identity, pattern) for identity in _embedded()), pattern


def test_a_real_kvm_answers_the_same_but_for_what_is_accepted() -> None:
    found = kvm.probe()
    if not found.usable:
        pytest.skip(f"no real KVM: {found.found}; {found.missing}")
    real, qemu = real_answers("kvm", 60)
    differences = compare(real, _embedded(), accepted_list("kvm"), qemu)
    assert [d for d in differences if not d.reason] == []
