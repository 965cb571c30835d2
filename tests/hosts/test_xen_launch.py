"""What the end of a run of the real Xen means, and which bytes are the guest's."""

from __future__ import annotations

import pytest

from vmirom.hosts.outcomes import Outcome
from vmirom.hosts.qemu_run import QemuEnd
from vmirom.hosts.xen.console import guest_bytes
from vmirom.hosts.xen.launch import verdict

START = b"(XEN) Xen version\r\n Xen 4.17.5\r\n(XEN) Freed 620kB init memory\r\n"


def end(code: int | None, console: bytes, stopped: str = "") -> QemuEnd:
    return QemuEnd(code, stopped, console, "", 1.0)


@pytest.mark.parametrize(
    ("console", "guest"),
    [
        (START + b"1 ok\r\n2 ok\r\n", b"1 ok\n2 ok\n"),
        (START + b"1 (XEN) d0v0 says\r\nok\r\n(XEN) last", b"1 ok\n"),
        (b"(XEN) Panic\r\n Xen 4.17.5\r\n", b""),
        (START + b"(XEN) Freed 1kB init memory\r\nx", b"x"),
    ],
)
def test_lines_of_xen_are_dropped(console: bytes, guest: bytes) -> None:
    assert guest_bytes(console) == guest


@pytest.mark.parametrize(
    ("run", "outcome", "reason"),
    [
        (end(33, START), Outcome.SUCCESS, "the guest reports success"),
        (end(35, START), Outcome.FAILURE, "the guest reports failure"),
        (
            end(None, START + b"(XEN) Hardware Dom0 halted: halting machine", "last word"),
            Outcome.SUCCESS,
            "power off",
        ),
        (end(0, START + b"x\n(XEN) Hardware Dom0 shutdown: rebooting machine"), Outcome.SUCCESS, "reboot"),
        (
            end(None, START + b"(XEN) Unhandled: vec 6, #UD[0000]\r\n", "last word"),
            Outcome.CRASH,
            "domain crash: Unhandled: vec 6, #UD[0000]",
        ),
        (end(None, START + b"a\nb", "time"), Outcome.FAILURE, "did not end within 5 s"),
        (end(0, b""), Outcome.ERROR, "QEMU ended with 0"),
        (end(1, b""), Outcome.ERROR, "QEMU ended with 1"),
    ],
)
def test_zero_alone_proves_nothing(run: QemuEnd, outcome: Outcome, reason: str) -> None:
    found = verdict(run, 5)
    assert found[0] is outcome
    assert found[1].startswith(reason)
