"""QEMU's monitor: what it says of a machine that has stopped, and what is made of one that says nonsense."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vmirom.bundle.compose import compose
from vmirom.hosts import qemu, registry
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.qemu_monitor import UNTOLD, Monitor
from vmirom.hosts.qemu_run import QemuMissing, find_qemu
from vmirom.hosts.request import BootRequest
from vmirom.rom.image import load_rom
from vmirom.schema.tree import source_tree

Answers = Callable[[str, dict[str, object]], object]
DUMP = "\r\nCPU#0\r\nEAX=0 HLT=1\r\nFCW=037f\r\n\r\nCPU#1\r\nEAX=1 HLT=0\r\nFCW=037f\r\n"
MEMORY = bytes(range(64))


@contextmanager
def monitored(folder: Path, answers: Answers, first: bytes = b"") -> Iterator[Monitor]:
    """A monitor whose other side sends ``first`` and answers as told, until it is closed."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(folder / "qmp"))
    server.listen(1)

    def serve() -> None:
        line, _ = server.accept()
        with line, line.makefile("rwb") as stream:
            stream.write(b'{"QMP": {}}\n' + first)
            stream.flush()
            for text in stream:
                asked = json.loads(text)
                answer = answers(asked["execute"], asked["arguments"])
                if answer is not None:
                    stream.write(json.dumps({"id": asked["id"], "return": answer}).encode() + b"\n")
                    stream.flush()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    monitor = Monitor(folder)
    try:
        yield monitor
    finally:
        monitor.close()
        thread.join(10)
        server.close()


def ordinary(command: str, arguments: dict[str, object]) -> object:
    if command == "query-status":
        return {"status": "running"}
    if command == "human-monitor-command":
        return DUMP
    if command == "memsave":
        Path(str(arguments["filename"])).write_bytes(MEMORY)
    return {}


def until_stopped(monitor: Monitor) -> str:
    for _ in range(200):
        if why := monitor.stopped():
            return why
        threading.Event().wait(0.05)
    return ""


def test_the_event_says_why_the_machine_stopped(tmp_path: Path) -> None:
    event = b'{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}}\n'
    with monitored(tmp_path, ordinary, b'{"event": "RESUME"}\n' + event) as monitor:
        assert until_stopped(monitor) == "guest-reset"
        assert monitor.stopped() == "guest-reset", "it stays so"


def test_a_machine_that_stopped_before_anyone_listened(tmp_path: Path) -> None:
    def stopped(command: str, arguments: dict[str, object]) -> object:
        return {"status": "shutdown"} if command == "query-status" else ordinary(command, arguments)

    with monitored(tmp_path, stopped) as monitor:
        assert until_stopped(monitor) == UNTOLD


def test_registers_of_processors_that_run_come_first(tmp_path: Path) -> None:
    with monitored(tmp_path, ordinary) as monitor:
        assert monitor.stopped() == ""
        assert monitor.registers() == "CPU#1\nEAX=1 HLT=0\nCPU#0\nEAX=0 HLT=1"


def test_memory_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    with monitored(tmp_path, ordinary) as monitor:
        assert monitor.stopped() == ""
        assert monitor.memory(0xC0100000, len(MEMORY)) == MEMORY
        assert monitor.memory(0xC0100000, len(MEMORY) + 1) == b""


@pytest.mark.parametrize(
    "first", [b"\xff{[\n", b'[1, "x"]\n', b'{"event": "SHUTDOWN", "data": 7}\n', b"x" * 70000]
)
def test_nonsense_is_no_answer(tmp_path: Path, first: bytes) -> None:
    with monitored(tmp_path, lambda command, arguments: 7, first) as monitor:
        until = until_stopped(monitor) if b"SHUTDOWN" in first else monitor.stopped()
        assert until == (UNTOLD if b"SHUTDOWN" in first else "")
        assert monitor.registers() == "" and monitor.memory(0, 16) == b""


def test_without_anybody_there_is_nothing(tmp_path: Path) -> None:
    monitor = Monitor(tmp_path)
    assert (monitor.stopped(), monitor.registers(), monitor.memory(0, 4)) == ("", "", b"")
    monitor.quit()
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    assert Monitor(deep).arguments() == [], "no socket can have that name"


# real machines


@pytest.fixture
def real() -> None:
    try:
        find_qemu(*qemu.PROGRAMS)
    except QemuMissing as missing:
        pytest.skip(str(missing))


def booted(guest: str, **changes: object) -> BootResult:
    image = (source_tree("romsrc") / "blobs" / f"{guest}.elf").read_bytes()
    bundle = compose(image, load_rom("native").data, "native", (3, 1))
    return registry.boot(BootRequest("native", bundle, host="qemu", **changes))  # type: ignore[arg-type]


@pytest.mark.boot
@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "ending", "reason"), [("shutdown", "shutdown", "power off"), ("reset", "reboot", "reboot")]
)
def test_power_off_and_reset_are_told_apart(real: None, way: str, ending: str, reason: str) -> None:
    result = booted("conform-ends", command_line=f"way={way}")
    assert (result.outcome, result.ending, result.reason) == (Outcome.SUCCESS, ending, reason)
    assert result.registers == "" and result.scenes == ()


@pytest.mark.boot
@pytest.mark.slow
def test_a_triple_fault_leaves_registers_and_the_place(real: None) -> None:
    rom, area = bytearray(load_rom("native").data), load_rom("native").private
    assert area is not None
    end = area.slots_offset + area.slot_size * area.slots_count
    for slot in range(area.slots_offset, end, area.slot_size):
        if rom[slot] == 0xE9:
            rom[slot : slot + 5] = b"\x31\xc0\x0f\x22\xd8"  # CR3 = 0: the next fetch is from nowhere
    rom[-1] = (rom[-1] - sum(rom)) & 0xFF
    image = (source_tree("romsrc") / "blobs" / "reference.elf").read_bytes()
    result = qemu.boot(BootRequest("native", compose(image, bytes(rom), "native", (3, 1)), host="qemu"))
    assert (result.outcome, result.reason) == (Outcome.CRASH, "triple fault")
    assert "EIP=" in result.registers and "CR3=00000000" in result.registers
    assert result.last_call and result.scenes[0].sites[0].place.startswith("ROM slot of ")
