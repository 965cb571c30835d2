"""Fidelity of the embedded Xen: its answers as recorded, the written list, the real one where it is here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from vmirom.conform.fidelity import (
    Accepted,
    Answer,
    Unusable,
    accepted_list,
    answers_of,
    compare,
    embedded_answers,
    idle,
    real_answers,
)
from vmirom.hosts import registry

RECORDED = Path(__file__).with_name("data") / "probe-xen.txt"
LEAST_QUESTIONS = 2300
OF_THE_PROCESSOR = Accepted(("cpuid.*",), "the processor that the engine emulates follows its version")


def differing_each_time(
    recorded: Mapping[str, Answer],
    ask: Callable[[], Mapping[str, Answer]],
    accepted: tuple[Accepted, ...],
    qemu: int = 10,
) -> list[str]:
    """Ids that differ in each of three runs: a machine that is busy may be late for one timer, not thrice."""
    left: list[str] = list(recorded)
    for _ in range(3):
        found = {d.identity for d in compare(recorded, ask(), accepted, qemu) if not d.reason}
        left = [identity for identity in left if identity in found]
        if not left:
            break
    return left


def test_lines_that_are_answers() -> None:
    lines = ["a.b-1: what it does = -EINVAL 3", "~ a note: x = y", "Xen 4.17", "a.c: x = y = z"]
    assert answers_of(lines) == {"a.b-1": Answer("what it does", "-EINVAL 3"), "a.c": Answer("x = y", "z")}


def test_differences_have_their_reason() -> None:
    real = {"a": Answer("q", "1"), "b": Answer("q", "1"), "c": Answer("q", "1"), "d": Answer("q", "1")}
    embedded = {"a": Answer("q", "1"), "b": Answer("q", "2"), "c": Answer("q", "2")}
    accepted = (Accepted(("b", "d"), "because"), Accepted(("c",), "an old QEMU", qemu_below=10))
    assert [(d.identity, d.reason) for d in compare(real, embedded, accepted, 10)] == [
        ("b", "because"),
        ("c", ""),
        ("d", ""),
    ], "what is not answered at all is never accepted"
    assert compare(real, embedded, accepted, 7)[1].reason == "an old QEMU"
    newer = (Accepted(("c",), "a new QEMU", qemu_from=10),)
    assert [d.reason for d in compare(real, embedded, newer, 9)] == ["", "", ""]


def test_what_is_accepted_and_no_longer_differs_is_told() -> None:
    real = {"a": Answer("q", "1"), "b": Answer("q", "1"), "c.1": Answer("q", "1"), "c.2": Answer("q", "1")}
    embedded = {**real, "a": Answer("q", "2"), "c.2": Answer("q", "2")}
    accepted = (Accepted(("a", "b"), "because"), Accepted(("c.*", "d"), "because"))
    assert idle(real, embedded, accepted) == ("b",), "not c.*, of which one differs, nor d, which nobody asks"
    assert idle(real, embedded, (Accepted(("b",), "an old QEMU", qemu_below=10),), 10) == ()


def test_an_id_that_comes_twice_is_refused() -> None:
    with pytest.raises(Unusable, match="under one id: a"):
        answers_of(["a: one = 1", "a: two = 2"])


def test_every_entry_of_the_list_has_a_reason_and_names_questions() -> None:
    questions = answers_of(RECORDED.read_text().splitlines())
    for entry in accepted_list("xen"):
        assert len(entry.reason.split()) > 5
        for pattern in entry.ids:
            alone = Accepted((pattern,), entry.reason)
            assert any(alone.covers(identity, 10) for identity in questions), pattern


@pytest.mark.boot
def test_embedded_xen_answers_as_recorded() -> None:
    recorded = answers_of(RECORDED.read_text().splitlines())
    assert len(recorded) >= LEAST_QUESTIONS
    assert differing_each_time(recorded, lambda: embedded_answers("xen", 30), (OF_THE_PROCESSOR,)) == []


POWERS_OFF = frozenset(("off", "old.off", "down", "remote.off"))
STARTS_OVER = frozenset(("reboot", "suspend", "watchdog", "soft", "77", "dog", "keyboard"))
SURVIVES = frozenset(("no-reason", "remote.1", "kernel.null", "nmi"))


@pytest.mark.boot
@pytest.mark.slow
def test_what_may_end_the_domain_ends_it_as_the_real_one_does() -> None:
    asked = embedded_answers("xen", 100, deadly=True)
    ends = {name.removeprefix("die."): found.text for name, found in asked.items() if name.startswith("die.")}
    assert len(ends) == 39
    for names, how in (
        (ends.keys() - POWERS_OFF - STARTS_OVER - SURVIVES, "dies"),
        (POWERS_OFF, "powers off"),
        (STARTS_OVER, "starts over"),
        (SURVIVES, "survives"),
    ):
        assert {name for name, end in ends.items() if end == how} == names


@pytest.mark.boot
@pytest.mark.slow
@pytest.mark.xdist_group("real")
def test_real_xen_answers_alike() -> None:
    host = registry.host_module("xen").probe()
    if not host.usable:
        pytest.skip(f"no real Xen here: {host.found}; {host.missing}")
    recorded = answers_of(RECORDED.read_text().splitlines())
    qemu = real_answers("xen", 30)[1]
    accepted = accepted_list("xen")
    assert differing_each_time(recorded, lambda: real_answers("xen", 30)[0], accepted, qemu) == []
