"""Every slot of every ROM called directly, those of GNU tools too: the examinations of `vmirom conform`."""

from __future__ import annotations

import pytest

from tests.rom.builds import TOOLCHAINS, image
from vmirom.bundle.compose import compose
from vmirom.conform.hostside.examiners import EXAMINERS
from vmirom.conform.run import guest_image
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import BootRequest
from vmirom.overlays.vmi import Call

pytestmark = pytest.mark.toolchain

TRANSLATED = {"native": 25, "kvm": 31, "xen": 71, "lguest": 61}
"""Calls that get_reloc names an entry for."""


def examined(name: str, backend: str, toolchain: str, seed: int) -> BootResult:
    bundle = compose(guest_image("player"), image(backend, toolchain), backend, (3, 1))
    request = BootRequest(backend, bundle, budget=120, options={"seed": seed})
    return EXAMINERS[name](request, None)


@pytest.mark.boot
@pytest.mark.parametrize("name", EXAMINERS)
@pytest.mark.parametrize("backend", TRANSLATED)
@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_every_slot_keeps_what_it_must(name: str, backend: str, toolchain: str) -> None:
    """With other draws than conform's own."""
    result = examined(name, backend, toolchain, seed=2)
    wrong = [f"{line}: {result.remarks[line]}" for line in result.transcript if " FAIL " in line]
    assert wrong == [] and result.outcome is Outcome.SUCCESS, result.reason


@pytest.mark.boot
@pytest.mark.parametrize("backend", TRANSLATED)
def test_as_many_calls_are_translated_as_are_known_to_be(backend: str) -> None:
    answers = examined("hostside-beginning", backend, "zig", seed=1).answers or {}
    assert set(answers) <= {call.name for call in Call}
    assert sum(answer == "translated" for answer in answers.values()) == TRANSLATED[backend]
