"""The embedded lguest asked by the probe, and compared: with what the sources of Linux 2.6.35 say, and with
what a real host of Linux 2.6.32.9 has answered (docs/hosts/lguest.md)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

import vmirom.conform.fidelity as fidelity
from vmirom.conform.fidelity import (
    Answer,
    Unusable,
    accepted_list,
    answers_of,
    compare,
    embedded_answers,
    written_answers,
)

pytestmark = pytest.mark.boot

RECORDED = Path(__file__).with_name("data") / "probe-lguest.txt"
OF_A_RELEASE = {"cli"}
OF_A_PROCESSOR = {"init.tsc"}


@cache
def _embedded() -> dict[str, Answer]:
    return embedded_answers("lguest", 100, deadly=True)


def test_the_embedded_one_answers_as_the_sources_say() -> None:
    written = written_answers("lguest", _embedded())
    assert len(written) >= 250
    assert [d for d in compare(written, _embedded(), accepted_list("lguest")) if not d.reason] == []


def test_nothing_is_accepted() -> None:
    assert accepted_list("lguest") == ()


@pytest.mark.slow
def test_the_embedded_one_answers_as_a_real_one_did() -> None:
    recorded = answers_of(RECORDED.read_text().splitlines())
    answers = embedded_answers("lguest", 100, deadly=True, release="2.6.32", stable_tsc=False)
    assert recorded.keys() == answers.keys()
    assert [d for d in compare(recorded, answers, accepted_list("lguest")) if not d.reason] == []


def test_the_sources_of_the_later_release_say_what_the_earlier_one_did() -> None:
    recorded = answers_of(RECORDED.read_text().splitlines())
    differing = compare(recorded, written_answers("lguest", _embedded()), ())
    assert {d.identity for d in differing} == OF_A_RELEASE | OF_A_PROCESSOR


@pytest.mark.parametrize(
    ("identity", "answer"),
    [
        ("kept.flush", "yes"),
        ("vmcall.bytes", "cd 1f 90"),
        ("int.80.interrupt", "no fault 77"),
        ("in.al", "no fault 1234ffff"),
        ("trap.divide.trap.off", "#DE, cs 61, IF 1, irq_enabled 0"),
        ("trap.ud2.trap.off", "#UD, cs 61, IF 0, irq_enabled 0"),
        ("user.1f", "#GP(0xfa), cs 73, IF 0"),
        ("die.before", "dies: hypercall 0 before INIT"),
        ("die.shutdown.restart", "starts over"),
    ],
)
def test_answers_that_the_facts_name(identity: str, answer: str) -> None:
    assert _embedded()[identity].text == answer


def test_every_group_of_answers_names_its_source() -> None:
    text = Path(fidelity.__file__).with_name("expected-lguest.toml").read_text()
    sources = [line for line in text.splitlines() if line.startswith("source = ")]
    assert len(sources) == text.count("[[expected]]") > 20
    assert all(len(source.split()) > 4 for source in sources)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[expected]", "expected-odd.toml"),
        ("[[expected]]\n[expected.answers]\na = 'b'\n", "source"),
        (
            "[[expected]]\nsource = 'x'\nanswers = {a = '1'}\n"
            "[[expected]]\nsource = 'y'\nanswers = {a = '2'}\n",
            "two answers",
        ),
    ],
)
def test_a_file_of_answers_that_is_malformed_is_one_line(
    text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fidelity, "__file__", str(tmp_path / "fidelity.py"))
    (tmp_path / "expected-odd.toml").write_text(text)
    with pytest.raises(Unusable, match=words) as refused:
        written_answers("odd", {})
    assert "\n" not in str(refused.value)
