"""Fidelity: what a bare probe is answered by a real hypervisor and by the embedded one of the same name.

A probe prints ``id: question = answer``, a line per question. Differences are expected only where the list
beside this module (``accepted-NAME.toml``) names them with a reason. Nobody packages a real lguest: its
answers are written down from its sources (``expected-lguest.toml``), each with where it comes from.
"""

from __future__ import annotations

import fnmatch
import re
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from vmirom.hosts.backends import hypervisor_module
from vmirom.hosts.cache import SetupFailed
from vmirom.hosts.outcomes import Outcome
from vmirom.hosts.qemu_run import QemuMissing, version
from vmirom.hosts.request import BootRequest
from vmirom.hosts.transcript import Transcript
from vmirom.hypervisors.hypervisor import Ending, EndKind, Hypervisor
from vmirom.machine.engine import Engine
from vmirom.machine.memory import Memory
from vmirom.overlays.vmi import ExitStatus
from vmirom.rom.lock import blobs_folder

__all__ = [
    "Accepted",
    "Answer",
    "Difference",
    "Unusable",
    "accepted_list",
    "answers_of",
    "compare",
    "embedded_answers",
    "idle",
    "real_answers",
    "written_answers",
]

_LINE: Final = re.compile(r"([a-z0-9][a-z0-9.-]*): (.*) = (.*)", re.ASCII)
_DEATH: Final = re.compile(r"death (\d{1,4}) ([a-z0-9][a-z0-9.-]*): (.*)", re.ASCII)
_MEMORY_MIB: Final = 64
_ONE_DEATH: Final = 40.0
"""Seconds for a boot that asks one question."""
_ANY_QEMU: Final = 10
"""Of a real run that does not depend on QEMU's version."""
_ABSENT: Final = "(no answer)"


class Unusable(Exception):
    """A probe can't be run to its end; the text is one line."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of a probe."""

    question: str
    text: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """Differences that are expected: patterns of ids, and why. ``qemu_below`` and ``qemu_from`` limit it to
    real runs under an older or a newer QEMU."""

    ids: tuple[str, ...]
    reason: str
    qemu_below: int | None = None
    qemu_from: int | None = None

    def covers(self, identity: str, qemu: int) -> bool:
        """Whether it speaks of the question, under QEMU of major version ``qemu``."""
        below, since = self.qemu_below, self.qemu_from
        if (below is not None and qemu >= below) or (since is not None and qemu < since):
            return False
        return any(fnmatch.fnmatchcase(identity, pattern) for pattern in self.ids)


@dataclass(frozen=True, slots=True)
class Difference:
    """One question with two answers; ``reason`` is empty where nothing explains it."""

    identity: str
    question: str
    real: str
    embedded: str
    reason: str


def accepted_list(name: str) -> tuple[Accepted, ...]:
    """The written list for the hypervisor ``name``; empty without one. Raises Unusable if it is malformed."""
    path = Path(__file__).with_name(f"accepted-{name}.toml")
    if not path.is_file():
        return ()
    try:
        table = tomllib.loads(path.read_text())
        return tuple(
            Accepted(tuple(entry["ids"]), entry["reason"], entry.get("qemu_below"), entry.get("qemu_from"))
            for entry in table["accepted"]
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise Unusable(f"{path.name}: {error}") from None


def answers_of(lines: Sequence[str]) -> dict[str, Answer]:
    """The answers in a transcript, by id, in the order of the questions. Raises Unusable for an id that comes
    twice."""
    answers: dict[str, Answer] = {}
    for line in lines:
        if (match := _LINE.fullmatch(line.rstrip())) is None:
            continue
        if match[1] in answers:
            raise Unusable(f"the probe asks two questions under one id: {match[1]}")
        answers[match[1]] = Answer(match[2], match[3])
    return answers


def compare(
    real: Mapping[str, Answer], embedded: Mapping[str, Answer], accepted: Sequence[Accepted], qemu: int = 10
) -> tuple[Difference, ...]:
    """What differs, in the order of the questions."""
    found = []
    for identity in dict.fromkeys((*real, *embedded)):
        one, other = real.get(identity), embedded.get(identity)
        if one == other:
            continue
        reason = next((entry.reason for entry in accepted if entry.covers(identity, qemu)), "")
        question = (one or other or Answer("", "")).question
        found.append(
            Difference(
                identity,
                question,
                one.text if one else _ABSENT,
                other.text if other else _ABSENT,
                reason if one and other else "",
            )
        )
    return tuple(found)


def idle(
    real: Mapping[str, Answer], embedded: Mapping[str, Answer], accepted: Sequence[Accepted], qemu: int = 10
) -> tuple[str, ...]:
    """Patterns of the list under which questions were asked and all were answered alike: they can go, or the
    machine that was compared with is one that they don't speak of."""
    differing = {found.identity for found in compare(real, embedded, accepted, qemu)}
    patterns = [replace(entry, ids=(pattern,)) for entry in accepted for pattern in entry.ids]
    covered = [(one, [i for i in real if one.covers(i, qemu)]) for one in patterns]
    return tuple(one.ids[0] for one, asked in covered if asked and not differing.intersection(asked))


class _NoTrace:
    def hypercall(self, name: str, arguments: tuple[int, ...], result: int | None, why: str = "") -> None:
        """Nothing is kept."""

    def event(self, kind: str, detail: str) -> None:
        """Nothing is kept."""


def embedded_answers(name: str, budget: float, deadly: bool = False, **options: Any) -> dict[str, Answer]:
    """Run the probe on the embedded hypervisor made with ``options``, within ``budget`` seconds; then, if
    ``deadly``, each question that may end the guest, in a boot of its own. Raises Unusable."""
    end = time.monotonic() + budget
    kernel = (blobs_folder() / f"probe-{name}.elf").read_bytes()
    ending, lines, notes = _embedded_run(name, kernel, "", end, options)
    found = answers_of(lines)
    if ending.status != ExitStatus.SUCCESS:
        raise Unusable(f"embedded {name}: {ending.reason}, after {_last(found)}")
    for number, identity, question in _deaths(notes) if deadly else ():
        until = min(end, time.monotonic() + _ONE_DEATH)
        last, said, _ = _embedded_run(name, kernel, f"die={number}", until, options)
        found[identity] = Answer(question, _last_words(name, last, said))
    return found


def _deaths(notes: Sequence[str]) -> tuple[tuple[str, str, str], ...]:
    """(number, id, question) of each question that a probe asks only in a boot of its own."""
    found = (_DEATH.fullmatch(note) for note in notes)
    return tuple((match[1], match[2], match[3]) for match in found if match is not None)


def _embedded_run(
    name: str, kernel: bytes, line: str, end: float, options: Mapping[str, Any]
) -> tuple[Ending, tuple[str, ...], tuple[str, ...]]:
    """(ending, lines, notes) of one boot that ends at ``end`` on the monotonic clock at the latest."""
    from vmirom.machine.unicorn import UnicornEngine

    console = Transcript()
    engines: list[Engine] = []

    def engine(memory: Memory) -> Engine:
        engines.append(UnicornEngine(memory))
        return engines[-1]

    make: Any = hypervisor_module(name).make
    hypervisor: Hypervisor = make(engine, _MEMORY_MIB, console.write, _NoTrace(), **options)
    try:
        hypervisor.load(kernel, line)
        ending: Ending = hypervisor.run(int(end * 1e9))
    finally:
        for made in engines:
            made.close()
    return ending, *console.lines()


_HOW: Final = {
    EndKind.CRASH: "dies",
    EndKind.REBOOT: "starts over",
    EndKind.SHUTDOWN: "powers off",
    EndKind.BUDGET: "never ends",
}


def _how(kind: EndKind, status: int | None) -> str:
    """How a boot ended, in words that no hypervisor's own enter."""
    if status is None:
        return _HOW[kind]
    return "survives" if status == ExitStatus.SUCCESS else f"ends with status {status:#x}"


_HOST_BUG: Final = "stops at a bug of its own"


def _last_words(name: str, ending: Ending, said: Sequence[str]) -> str:
    """How it ended; of lguest, whose words are its answer, with what the guest could still say before."""
    if name == "lguest" and _HOST_BUG in ending.reason:
        return f"the host's kernel {_HOST_BUG}"
    if name != "lguest" or ending.kind is EndKind.REBOOT or ending.status == ExitStatus.SUCCESS:
        return _how(ending.kind, ending.status)
    return "; ".join((*said, f"dies: {ending.reason.removeprefix('lguest: ')}"))


def written_answers(name: str, asked: Mapping[str, Answer]) -> dict[str, Answer]:
    """What the sources say that the real hypervisor answers, where no real one is at hand: the file
    ``expected-NAME.toml``, with the questions as the probe words them. Raises Unusable if it is malformed."""
    path = Path(__file__).with_name(f"expected-{name}.toml")
    try:
        table = tomllib.loads(path.read_text())
        groups = [(str(group["source"]), dict(group["answers"])) for group in table["expected"]]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise Unusable(f"{path.name}: {error}") from None
    found: dict[str, Answer] = {}
    for _, answers in groups:
        for identity, text in answers.items():
            if identity in found:
                raise Unusable(f"{path.name}: {identity} has two answers")
            found[identity] = Answer(asked.get(identity, Answer("", "")).question, str(text))
    return found


def real_answers(name: str, budget: float, deadly: bool = False) -> tuple[dict[str, Answer], int]:
    """Run the probe on the real hypervisor, and if ``deadly`` a boot for each question that may end the guest
    (of Xen; no other probe that meets a real one has any): the answers, and QEMU's major version. Raises
    Unusable."""
    if name == "kvm":
        return _real_kvm(budget), _ANY_QEMU
    from vmirom.hosts.xen.console import guest_bytes
    from vmirom.hosts.xen.emulator import emulator
    from vmirom.hosts.xen.launch import verdict
    from vmirom.hosts.xen.roads import run_kernel

    kernel = (blobs_folder() / f"probe-{name}.elf").read_bytes()
    try:
        qemu = version(emulator()) or (0,)
        end = run_kernel(kernel, "", _MEMORY_MIB, budget)
    except (QemuMissing, SetupFailed, OSError, ValueError) as error:
        raise Unusable(f"real {name}: {error}") from None
    console = Transcript()
    console.write(guest_bytes(end.console))
    lines, notes = console.lines()
    found = answers_of(lines)
    outcome, reason, _, _ = verdict(end, budget)
    if outcome is not Outcome.SUCCESS:
        raise Unusable(f"real {name}: {reason}, after {_last(found)}")
    for number, identity, question in _deaths(notes) if deadly else ():
        last = run_kernel(kernel, f"die={number}", _MEMORY_MIB, _ONE_DEATH)
        _, reason, ending, status = verdict(last, _ONE_DEATH)
        found[identity] = Answer(question, _how(EndKind(ending), status) if ending else reason)
    return found, qemu[0]


def _real_kvm(budget: float) -> dict[str, Answer]:
    from vmirom.hosts import kvm

    request = BootRequest(
        "kvm", (blobs_folder() / "probe-kvm.elf").read_bytes(), _MEMORY_MIB, budget=budget, host="kvm"
    )
    result = kvm.boot(request)
    found = answers_of(result.transcript)
    if result.outcome is not Outcome.SUCCESS:
        raise Unusable(f"real kvm: {result.reason}, after {_last(found)}")
    return found


def _last(found: Mapping[str, Answer]) -> str:
    return [*found, "no answer"][-2 if found else -1]
