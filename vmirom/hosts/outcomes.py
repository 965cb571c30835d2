"""The five outcomes, and what a boot leaves behind.

An *error* blames the bundle or the surroundings, a *failure* blames what was tried, a *crash* is a guest
that the hypervisor killed. The worst wins. 1 and 2 are left to the Python interpreter and to usage
errors, so that neither is mistaken for a result.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from vmirom.hosts.request import EMBEDDED, label
from vmirom.hosts.scene import Scene
from vmirom.hypervisors.hypervisor import Ending, EndKind
from vmirom.overlays.vmi import ExitStatus

__all__ = ["BootResult", "Outcome", "judge", "own_fault", "worst"]


class Outcome(enum.Enum):
    """One of five results, from best to worst."""

    SUCCESS = "success"
    SKIP = "skip"
    ERROR = "error"
    FAILURE = "failure"
    CRASH = "crash"

    @property
    def exit_code(self) -> int:
        """What a process that ends with this outcome returns."""
        return {"success": 0, "skip": 3, "error": 4, "failure": 5, "crash": 6}[self.value]


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The worst of ``outcomes``; skip where there are none."""
    return max(outcomes, key=list(Outcome).index, default=Outcome.SKIP)


@dataclass(frozen=True, slots=True)
class BootResult:
    """One boot. ``transcript`` is what is compared between backends; ``notes`` are the guest's lines
    that begin with ``~ ``, in which times and addresses may differ. ``calls`` and ``hypercalls`` are hits
    by name, None where the host does not see them; ``refused`` are hypercalls answered with an error, by name
    and why. ``seconds`` is wall time of load and run, ``clock`` the machine's own,
    empty where the host says nothing of it. ``road`` says how a host that has several ways booted
    it, and why so. ``scenes`` show the machine at each failed line and at a bad end, as far as the host can
    tell."""

    backend: str
    outcome: Outcome
    reason: str
    transcript: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    calls: dict[str, int] | None = None
    hypercalls: dict[str, int] | None = None
    refused: dict[str, int] | None = None
    seconds: float = 0.0
    ending: str = ""
    status: int | None = None
    last_call: str = ""
    registers: str = ""
    host: str = EMBEDDED
    road: str = ""
    scenes: tuple[Scene, ...] = ()
    remarks: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] | None = None
    clock: str = ""

    @property
    def label(self) -> str:
        """What this boot is called: its backend, and its host where that is not the usual one."""
        return label(self.backend, self.host)

    @property
    def call_total(self) -> int:
        """All paravirt calls."""
        return sum((self.calls or {}).values())

    @property
    def hypercall_total(self) -> int:
        """All hypercalls."""
        return sum((self.hypercalls or {}).values())


def judge(ending: Ending, budget: float) -> tuple[Outcome, str]:
    """Outcome and reason of a run that ended so; ``budget`` in seconds."""
    if ending.kind is EndKind.CRASH:
        return Outcome.CRASH, ending.reason
    if ending.kind is EndKind.BUDGET:
        return Outcome.FAILURE, f"did not end within {budget:g} s: {ending.reason}"
    if ending.kind is EndKind.REBOOT:
        return Outcome.SUCCESS, "reboot"
    return _STATUS.get(ending.status, (Outcome.ERROR, f"the guest ended with unknown status {ending.status}"))


_STATUS: dict[int | None, tuple[Outcome, str]] = {
    None: (Outcome.SUCCESS, "power off"),
    int(ExitStatus.SUCCESS): (Outcome.SUCCESS, "the guest reports success"),
    int(ExitStatus.FAILURE): (Outcome.FAILURE, "the guest reports failure"),
    int(ExitStatus.SKIP): (Outcome.SKIP, "the guest skipped: it says why in its transcript"),
    int(ExitStatus.ERROR): (Outcome.ERROR, "the guest reports an error of its own"),
}


def own_fault(error: Exception) -> str:
    """One line for a fault of vmirom's own, with the place where it happened."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    where = f"{Path(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}" if last else "an unknown place"
    text = " ".join(str(error).split())
    return f"a fault of vmirom itself: {type(error).__name__} at {where}: {text}"
