"""Backends whose hypervisors follow scripts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import vmirom.hosts.embedded
from tests.bundle.images import ABI, GuestRecipe, RomRecipe
from tests.hosts.scripted import Script, module, well
from vmirom.bundle.compose import compose
from vmirom.hosts.request import BootRequest
from vmirom.schema.tree import source_tree

Scripting = Callable[..., None]


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Scripting:
    """``scripted(xen=script)``: which script each backend follows; all others run well."""

    def use(**scripts: Script) -> None:
        found = lambda backend: module(scripts.get(backend, well))  # noqa: E731
        monkeypatch.setattr(vmirom.hosts.embedded, "hypervisor_module", found)

    use()
    return use


def request_for(backend: str, **changes: object) -> BootRequest:
    """A boot of the hand-made guest."""
    bundle = compose(GuestRecipe().build(), RomRecipe(backend).build(), backend, ABI)
    return BootRequest(backend, bundle, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def probe() -> bytes:
    """The probe guest: a kernel that boots natively and uses a ROM as Linux 2.6.35 does."""
    return (source_tree("romsrc") / "blobs" / "probe-option.elf").read_bytes()
