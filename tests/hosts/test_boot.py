"""A run is an outcome, whatever the guest, the hypervisor or vmirom itself does."""

import pickle
from pathlib import Path

import pytest

from tests.hosts.conftest import Scripting, request_for
from tests.hosts.scripted import broken, ends
from vmirom.hosts.embedded import boot
from vmirom.hosts.outcomes import Outcome, worst
from vmirom.hosts.request import BootRequest
from vmirom.hosts.transcript import LIMIT, Transcript
from vmirom.hypervisors.hypervisor import Ending, EndKind, LoadError
from vmirom.overlays.vmi import ExitStatus
from vmirom.trace.events import CallEvent, RunEnd, RunStart
from vmirom.trace.reader import read_trace


def test_good_boot_leaves_everything(scripted: Scripting) -> None:
    phases: list[str] = []
    result = boot(request_for("xen", command_line="a=1"), lambda phase, tally: phases.append(phase))
    assert (result.outcome, result.reason, result.status) == (
        Outcome.SUCCESS,
        "the guest reports success",
        0x10,
    )
    assert result.transcript == ("hello from the guest", "command line: a=1", "bye")
    assert result.notes == ("took 5 ms",)
    assert result.calls == {"SetCR3": 2, "EnableInterrupts": 1}
    assert result.hypercalls == {"mmu_update": 1, "mmuext_op": 1}
    assert result.refused == {"mmu_update: not pinned": 1}
    assert (result.call_total, result.hypercall_total) == (3, 2)
    assert (result.last_call, result.ending, result.registers) == ("EnableInterrupts", "shutdown", "")
    assert result.seconds > 0
    assert phases == ["load", "run"]
    assert pickle.loads(pickle.dumps(result)) == result


ENDINGS = [
    (EndKind.SHUTDOWN, None, Outcome.SUCCESS, "power off"),
    (EndKind.SHUTDOWN, ExitStatus.SUCCESS, Outcome.SUCCESS, "the guest reports success"),
    (EndKind.SHUTDOWN, ExitStatus.FAILURE, Outcome.FAILURE, "the guest reports failure"),
    (EndKind.SHUTDOWN, ExitStatus.SKIP, Outcome.SKIP, "the guest skipped: it says why in its transcript"),
    (EndKind.SHUTDOWN, ExitStatus.ERROR, Outcome.ERROR, "the guest reports an error of its own"),
    (EndKind.SHUTDOWN, 0xEE, Outcome.ERROR, "the guest ended with unknown status 238"),
    (EndKind.REBOOT, None, Outcome.SUCCESS, "reboot"),
    (EndKind.CRASH, None, Outcome.CRASH, "so it is"),
    (EndKind.BUDGET, None, Outcome.FAILURE, "did not end within 30 s: so it is"),
]


@pytest.mark.parametrize(("kind", "status", "outcome", "reason"), ENDINGS)
def test_each_ending_is_an_outcome(
    scripted: Scripting, kind: EndKind, status: int | None, outcome: Outcome, reason: str
) -> None:
    scripted(native=ends(kind, status=status))
    result = boot(request_for("native"))
    assert (result.outcome, result.reason) == (outcome, reason)
    assert bool(result.registers) == (kind in (EndKind.CRASH, EndKind.BUDGET))


def test_fault_of_our_own_is_an_error_with_its_place(scripted: Scripting) -> None:
    scripted(native=broken)
    result = boot(request_for("native"))
    assert result.outcome is Outcome.ERROR
    assert result.reason.startswith("a fault of vmirom itself: ZeroDivisionError at scripted.py:")
    assert result.reason.endswith(": a fault of ours")


def test_bundle_that_the_boot_protocol_refuses_is_an_error(scripted: Scripting) -> None:
    def refuse(hv: object, deadline_ns: int) -> Ending:
        raise LoadError("PAE_MODE: must be yes")

    scripted(xen=refuse)
    result = boot(request_for("xen"))
    assert (result.outcome, result.reason) == (Outcome.ERROR, "PAE_MODE: must be yes")


def test_what_is_no_bundle_is_an_error() -> None:
    result = boot(BootRequest("xen", b"\x7fELF"))
    assert (result.outcome, result.reason) == (
        Outcome.ERROR,
        "e_ident: file is cut short: 4 bytes, an ELF header has 52",
    )


def test_only_options_that_a_hypervisor_knows_reach_it(scripted: Scripting) -> None:
    seen: list[dict[str, object]] = []

    def look(hv: object, deadline_ns: int) -> Ending:
        seen.append(hv.options)  # type: ignore[attr-defined]
        return Ending(EndKind.SHUTDOWN, "")

    scripted(kvm=look)
    boot(request_for("kvm", memory_mib=32, options={"host_era": "2008", "unheard_of": True}))
    assert seen == [{"host_era": "2008", "memory_mib": 32}]


def test_trace_holds_the_run(scripted: Scripting, tmp_path: Path) -> None:
    path = tmp_path / "t"
    boot(request_for("xen", trace=path))
    with path.open("rb") as lines:
        events = list(read_trace(lines))
    start, *calls, end = events
    assert isinstance(start, RunStart) and (start.backend, start.abi) == ("xen", "3.1")
    assert isinstance(end, RunEnd) and (end.outcome, end.calls, end.hypercalls) == ("success", 3, 2)
    shown = [(c.call, [h.name for h in c.hypercalls]) for c in calls if isinstance(c, CallEvent)]
    assert shown == [("SetCR3", ["mmuext_op"]), ("SetCR3", ["mmu_update"]), ("EnableInterrupts", [])]


def test_outcomes_have_an_order_and_codes() -> None:
    assert [o.exit_code for o in Outcome] == [0, 3, 4, 5, 6]
    assert worst([Outcome.ERROR, Outcome.SKIP, Outcome.CRASH, Outcome.SUCCESS]) is Outcome.CRASH
    assert worst([Outcome.SUCCESS, Outcome.SKIP]) is Outcome.SKIP
    assert worst([]) is Outcome.SKIP


@pytest.mark.parametrize(
    ("text", "lines", "notes"),
    [
        (b"", (), ()),
        (b"a\r\nb", ("a", "b"), ()),
        (b"a\n\n~ n\n~n\n", ("a", "", "~n"), ("n",)),
        (b"\x1b[2Jclear\xff\n", ("\\x1b[2Jclear\\xff",), ()),
    ],
)
def test_console_becomes_lines(text: bytes, lines: tuple[str, ...], notes: tuple[str, ...]) -> None:
    transcript = Transcript()
    for byte in text:
        transcript.write(bytes([byte]))
    assert transcript.lines() == (lines, notes)


def test_endless_console_is_cut_off() -> None:
    transcript = Transcript()
    for _ in range(3):
        transcript.write(b"x" * (LIMIT // 2) + b"\n")
    lines, _ = transcript.lines()
    assert lines[-1] == f"[cut off after {LIMIT} bytes]"
    assert sum(map(len, lines[:-1])) <= LIMIT
