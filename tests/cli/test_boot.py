"""``vmirom boot``: what it prints, writes and returns, over hypervisors that follow scripts."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.conftest import Run, Scripting, refusal
from tests.hosts.scripted import broken, dies, ends, other
from vmirom.hypervisors.hypervisor import EndKind
from vmirom.trace.events import RunEnd, RunStart
from vmirom.trace.reader import read_trace

NAMES = ["native", "kvm", "xen", "lguest"]
pytestmark = pytest.mark.usefixtures("scripted")


def test_all_agree(run: Run, guest: Path) -> None:
    result = run("boot", guest)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["backend", "outcome", "calls", "hypercalls", "time"]
    assert {line.split()[0] for line in lines[1:5]} == set(NAMES)
    assert all(line.split()[1:4] == ["success", "3", "2"] for line in lines[1:5])
    assert lines[5] == "native, kvm, xen, lguest agree: 3 lines, all the same"
    assert lines[6:] == []


def test_on_chooses_and_repeats_count_once(run: Run, guest: Path) -> None:
    result = run("boot", guest, "--on", "xen", "--on", "native", "--on", "xen", "--json")
    assert [boot["backend"] for boot in json.loads(result.stdout)["boots"]] == ["xen", "native"]


def test_verbose_shows_what_was_printed(run: Run, guest: Path) -> None:
    result = run("boot", guest, "--on", "xen", "-v", "--append", "quiet x=1")
    assert "--- xen ---\nhello from the guest\ncommand line: quiet x=1\nbye\n~ took 5 ms\n" in result.stdout


def test_difference_is_a_failure_and_is_shown(run: Run, guest: Path, scripted: Scripting) -> None:
    scripted(lguest=other)
    result = run("boot", guest)
    assert result.exit_code == 5
    assert "lguest differs from native in line 3:\n  native | bye\n  lguest | so long\n" in result.stdout


def test_bad_end_shows_what_it_left(run: Run, guest: Path, scripted: Scripting) -> None:
    scripted(kvm=ends(EndKind.CRASH, "triple fault"))
    result = run("boot", guest)
    assert result.exit_code == 6
    assert "kvm: crash: triple fault\n  eip 0xc0100000\n  eax 0x0\n" in result.stdout
    assert "kvm differs from native in line 1:\n" in result.stdout


@pytest.mark.parametrize(
    ("script", "code", "word"),
    [
        (ends(EndKind.SHUTDOWN, status=0x12), 3, "skip"),
        (broken, 4, "error"),
        (dies, 4, "error"),
        (ends(EndKind.BUDGET), 5, "failure"),
        (ends(EndKind.CRASH), 6, "crash"),
    ],
)
def test_exit_code_is_the_worst(
    run: Run, guest: Path, scripted: Scripting, script: object, code: int, word: str
) -> None:
    scripted(xen=script)
    result = run("boot", guest, "--on", "xen", "--json")
    assert result.exit_code == code
    assert json.loads(result.stdout)["outcome"] == word


def test_json_has_the_promised_shape(run: Run, guest: Path, scripted: Scripting) -> None:
    scripted(lguest=other)
    result = run("boot", guest, "--json")
    report = json.loads(result.stdout)
    assert (report["guest"], report["abi"], report["outcome"]) == (str(guest), "3.1", "failure")
    assert report["agreement"] == {
        "agree": False,
        "reference": "native",
        "compared": NAMES,
        "lines": 3,
        "differences": [{"backend": "lguest", "line": 3, "expected": "bye", "printed": "so long"}],
    }
    first = report["boots"][0]
    assert first.pop("seconds") > 0
    assert first == {
        "backend": "native",
        "outcome": "success",
        "reason": "the guest reports success",
        "transcript": ["hello from the guest", "command line: ", "bye"],
        "notes": ["took 5 ms"],
        "calls": {"SetCR3": 2, "EnableInterrupts": 1},
        "hypercalls": {"mmu_update": 1, "mmuext_op": 1},
        "refused": {"mmu_update: not pinned": 1},
        "ending": "shutdown",
        "status": 16,
        "last_call": "EnableInterrupts",
        "registers": "",
        "host": "embedded",
        "road": "",
        "scenes": [],
        "clock": "host",
        "call_total": 3,
        "hypercall_total": 2,
    }


def test_trace_of_all_boots_is_one_file(run: Run, guest: Path, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    assert run("boot", guest, "--trace", path).exit_code == 0
    with path.open("rb") as lines:
        events = list(read_trace(lines))
    assert [e.backend for e in events if isinstance(e, RunStart)] == NAMES
    assert [e.outcome for e in events if isinstance(e, RunEnd)] == ["success"] * 4
    assert sorted(p.name for p in tmp_path.iterdir()) == ["guest.elf", "t.jsonl"]


def test_junit_is_well_formed(run: Run, guest: Path, tmp_path: Path, scripted: Scripting) -> None:
    scripted(kvm=ends(EndKind.CRASH, "bad \x1b byte & <tag>"), xen=ends(EndKind.SHUTDOWN, status=0x12))
    path = tmp_path / "j.xml"
    assert run("boot", guest, "--junit", path).exit_code == 6
    suite = ElementTree.fromstring(path.read_bytes())
    assert {k: suite.get(k) for k in ("tests", "failures", "errors", "skipped")} == {
        "tests": "5",
        "failures": "2",
        "errors": "0",
        "skipped": "1",
    }
    assert [c.get("name") for c in suite.iter("testcase")] == [
        *(f"boot {name}" for name in NAMES),
        "transcripts agree",
    ]


def test_plain_output_has_no_escapes(run: Run, guest: Path) -> None:
    assert "\x1b" not in run("boot", guest, color=True).output


@pytest.mark.parametrize("output", ["--trace", "--junit"])
def test_unwritable_output_is_one_line(run: Run, guest: Path, tmp_path: Path, output: str) -> None:
    result = run("boot", guest, output, tmp_path / "none" / "file", "--json")
    assert refusal(result) == f"{tmp_path}/none/file: can't be written: No such file or directory"


def test_name_that_is_no_text_is_shown_as_bytes(run: Run, guest: Path, tmp_path: Path) -> None:
    odd = tmp_path / os.fsdecode(b"we\xffird")
    guest.rename(odd)
    result = run("boot", odd, "--on", "xen", "--json", "--junit", tmp_path / "j")
    assert json.loads(result.stdout)["guest"] == f"{tmp_path}/we\\xffird"
    assert b"we\\xffird" in (tmp_path / "j").read_bytes()
    assert refusal(run("boot", tmp_path / os.fsdecode(b"\xff"))).startswith(f"{tmp_path}/\\xff: No such")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here (Linux has it)")
@pytest.mark.parametrize("output", ["--trace", "--junit"])
def test_full_disk_is_one_line(run: Run, guest: Path, output: str) -> None:
    result = run("boot", guest, output, "/dev/full", "--json")
    assert refusal(result) == "/dev/full: can't be written: No space left on device"


def in_child(guest: Path, script: str, arguments: str, env: dict[str, str]) -> list[str]:
    """A command that boots with scripted hypervisors in a process of its own."""
    text = (
        "import vmirom.cli.sources as s, vmirom.hosts.embedded as e\n"
        "from tests.bundle.images import RomRecipe\n"
        "from tests.hosts import scripted\n"
        "s.shipped_rom = lambda backend, abi: ('ROM', RomRecipe(backend).build())\n"
        f"e.hypervisor_module = lambda backend: scripted.module(scripted.{script})\n"
        "from vmirom.cli.main import main\n"
        f"import sys; sys.argv = ['vmirom', 'boot', {str(guest)!r}, *{arguments.split()!r}]\n"
        "main()\n"
    )
    return ["env", *(f"{k}={v}" for k, v in env.items()), sys.executable, "-c", text]


def on_a_terminal(command: list[str]) -> str:
    """Run ``command`` on a pseudo-terminal; what it wrote there."""
    master, slave = pty.openpty()
    child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, close_fds=True)
    os.close(slave)
    text = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # Linux: the last writer has gone
            break
        if not piece:
            break
        text += piece
    os.close(master)
    assert child.wait(30) == 0, text
    return text.decode()


def test_terminal_gets_a_live_table(guest: Path) -> None:
    text = on_a_terminal(in_child(guest, "well", "", {"TERM": "xterm", "COLUMNS": "120", "NO_COLOR": ""}))
    assert "\x1b[" in text and "phase" in text
    assert "native, kvm, xen, lguest agree: 3 lines" in text


def test_no_color_gets_plain_lines_on_a_terminal_too(guest: Path) -> None:
    text = on_a_terminal(in_child(guest, "well", "", {"TERM": "xterm", "NO_COLOR": "1"}))
    assert "\x1b" not in text
    assert "native, kvm, xen, lguest agree: 3 lines" in text


@pytest.mark.parametrize(
    ("number", "said", "code"),
    [(signal.SIGINT, b"vmirom: interrupted\n", 130), (signal.SIGTERM, b"", 143)],
)
def test_signals_end_everything_and_leave_nothing(
    guest: Path, tmp_path: Path, number: signal.Signals, said: bytes, code: int
) -> None:
    """Workers hold the pipes, too: that both come to their end shows that the workers have."""
    command = in_child(guest, "stuck", f"--json --trace {tmp_path}/t", {})
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        while len(list(tmp_path.iterdir())) < 2:  # until the trace has been opened
            time.sleep(0.05)
        time.sleep(0.3)
        child.send_signal(number)
        out, err = child.communicate(timeout=30)
    assert (out, err, child.returncode) == (b"", said, code)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["guest.elf"]
