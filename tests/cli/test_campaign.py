"""``vmirom campaign`` and ``vmirom report``: begun, gone on with, told, replayed, refused."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.bundle.images import GuestRecipe
from tests.campaign.conftest import hand_made, rows
from tests.cli.conftest import Run, Scripting, refusal
from tests.hosts.scripted import Scripted, dies, ends
from vmirom.hypervisors.hypervisor import Ending, EndKind

VMIROM = [sys.executable, "-m", "vmirom"]
JOBS = "SELECT count(*), count(DISTINCT job) FROM result"


@pytest.fixture(autouse=True)
def roms(monkeypatch: pytest.MonkeyPatch, scripted: Scripting) -> None:
    hand_made(monkeypatch)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "c.db"


def moody(hv: Scripted, deadline_ns: int) -> Ending:
    """Prints how much memory it has, if that is odd: a guest that is flaky by seed."""
    memory = hv.options["memory_mib"]
    hv.console(b"steady\n" + (b"odd\n" if memory % 2 else b""))
    return Ending(EndKind.SHUTDOWN, "power off", 0x10)


def test_a_campaign_is_run_told_and_found_done(run: Run, file: Path, guest: Path) -> None:
    options = ("--seeds", "0-2", "--vary", "memory")
    first = run("campaign", "run", file, guest, *options)
    assert first.exit_code == 0, first.output
    assert "12 of 12 jobs, now 12 success" in first.stdout
    assert "guest      ABI  native     kvm        xen        lguest" in first.stdout
    assert "guest.elf  3.1  success 3  success 3  success 3  success 3" in first.stdout
    again = run("campaign", "run", file, guest, *options)
    assert again.exit_code == 0 and "now" not in again.stdout
    assert run("campaign", "resume", file).stdout == again.stdout == run("report", file).stdout
    assert rows(file, JOBS) == [(12, 12)]
    assert sorted(p.name for p in file.parent.iterdir()) == ["c.db", "guest.elf"]


def test_what_ends_badly_is_told_with_its_job(run: Run, file: Path, guest: Path, scripted: Scripting) -> None:
    scripted(xen=ends(EndKind.CRASH, "bad table"), kvm=dies)
    result = run("campaign", "run", file, guest, "--seeds", "0-1", "--vary", "memory")
    assert result.exit_code == 6
    assert "crash: guest.elf on xen, ABI 3.1: 2 x bad table (job 3)" in result.stdout
    assert "error: guest.elf on kvm, ABI 3.1: 2 x the engine's process died: signal SIGKILL" in result.stdout
    assert "8 of 8 jobs: 4 success, 2 error, 2 crash" in result.stdout
    replayed = run("campaign", "replay", file, "3")
    assert replayed.exit_code == 6 and "as in the campaign" in replayed.stdout
    scripted()
    replayed = run("campaign", "replay", file, "3", "-v")
    assert replayed.exit_code == 1
    assert "in the campaign it was crash: bad table" in replayed.stdout
    assert "hello from the guest" in replayed.stdout
    told = json.loads(run("campaign", "replay", file, "3", "--json").stdout)
    assert told["same"] is False and told["before"]["result"]["outcome"] == "crash"
    assert rows(file, "SELECT outcome FROM result WHERE job = 3") == [("crash",)]


def test_flaky_cells_are_marked_and_are_a_failure(
    run: Run, file: Path, guest: Path, scripted: Scripting
) -> None:
    scripted(native=moody)
    result = run("campaign", "run", file, guest, "--on", "native", "--seeds", "0-9", "--vary", "memory")
    assert result.exit_code == 5
    assert "success 10 flaky" in result.stdout
    assert "flaky: guest.elf on native, ABI 3.1:" in result.stdout
    assert "line 2: '(nothing more)' here, 'odd' there" in result.stdout
    told = json.loads(run("report", file, "--json").stdout)
    (cell,) = told["cells"]
    assert cell["flaky"] and len(cell["variants"]) == 2 and told["outcome"] == "failure"
    suite = ElementTree.fromstring(run("report", file, "--format", "junit").stdout)
    assert (suite.get("tests"), suite.get("failures")) == ("11", "1")
    assert suite.find("testcase[@name='native is steady']/failure") is not None


def test_transcripts_that_differ_by_place_are_a_failure(
    run: Run, file: Path, guest: Path, scripted: Scripting
) -> None:
    scripted(xen=moody)
    result = run("campaign", "run", file, guest)
    assert result.exit_code == 5
    assert "differs: guest.elf on xen, ABI 3.1 (job 3), from native (job 1):" in result.stdout


def test_status_and_markdown(run: Run, file: Path, guest: Path, tmp_path: Path) -> None:
    run("campaign", "run", file, guest, "--on", "xen", "--append", "a|b")
    status = run("campaign", "status", file)
    assert status.exit_code == 0 and "1 of 1 job: 1 success" in status.stdout
    told = json.loads(run("campaign", "status", file, "--json").stdout)
    assert (told["done"], told["total"], told["definition"]["append"]) == (1, 1, "a|b")
    out = tmp_path / "c.md"
    assert run("report", file, "--format", "markdown", "-o", out).stdout == ""
    assert "| guest.elf | 3.1 | success 1 |" in out.read_text()
    assert "append: a\\|b" in out.read_text()


def test_the_page_is_whole_in_itself_and_what_a_guest_says_is_text(
    run: Run, file: Path, guest: Path, scripted: Scripting
) -> None:
    scripted(xen=ends(EndKind.CRASH, "<script>alert(1)</script>"), native=moody)
    run("campaign", "run", file, guest, "--seeds", "0-9", "--vary", "memory", "--on", "xen", "--on", "native")
    result = run("report", file, "--format", "html")
    assert result.exit_code == 6
    page = result.stdout
    assert "<script" not in page and "&lt;script&gt;alert(1)" in page
    css = page.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    assert f"default-src &#39;none&#39;; img-src data:; style-src &#39;sha256-{digest}&#39;" in page
    assert "<b>flaky</b>" in page and "1 of 2 cells are flaky" in page
    assert f"vmirom campaign replay {file} 1" in page
    assert not re.search(r"(?:src|href)=.(?!#|data:)", page)
    assert len(page) < 100_000


def test_another_definition_on_the_same_file_is_refused(run: Run, file: Path, guest: Path) -> None:
    run("campaign", "run", file, guest, "--on", "xen", "--seeds", "0-1")
    before = file.read_bytes()
    line = refusal(run("campaign", "run", file, guest, "--on", "xen", "--seeds", "0-2"))
    assert line == f"{file}: holds another campaign: seeds 0-1, not 0-2; resume it, or name another file"
    guest.write_bytes(GuestRecipe(minor=0).build())
    line = refusal(run("campaign", "run", file, guest, "--on", "xen", "--seeds", "0-1"))
    assert line.startswith(f"{file}: holds another campaign: guests guest.elf (")
    assert file.read_bytes() == before


def test_a_guest_that_wants_a_newer_abi_skips_it(run: Run, file: Path, guest: Path) -> None:
    result = run("campaign", "run", file, guest, "--abi", "3.0", "--abi", "3.1", "--on", "xen")
    assert result.exit_code == 3
    assert "skip: guest.elf on xen, ABI 3.0: 1 x note VMI: wants ABI 3.1" in result.stdout
    assert "can't be booted: note VMI: wants ABI 3.1" in refusal(run("campaign", "replay", file, "1"))


def test_a_definition_may_be_a_toml_file(run: Run, file: Path, guest: Path, tmp_path: Path) -> None:
    toml = tmp_path / "nightly.toml"
    toml.write_text('guests = ["guest.elf"]\non = ["xen"]\nseeds = "0-3"\nvary = ["memory"]\nbudget = 5\n')
    assert run("campaign", "run", file, "--definition", toml).exit_code == 0
    options = "--on xen --seeds 0-3 --vary memory --budget 5"
    same = run("campaign", "run", file, guest, *options.split(" "))
    assert same.exit_code == 0 and rows(file, JOBS) == [(4, 4)]


@pytest.mark.parametrize(
    ("toml", "line"),
    [
        ("guests = [", "not TOML: "),
        ("colour = 1", "colour: not a field; there are guests, on, hosts, "),
        ('on = "xen"', "on: Expected `array`, got `str`"),
        ('on = ["vmware"]', "on: backend 'vmware' is unknown; there are native"),
        ('hosts = ["moon"]', "hosts: host 'moon' is unknown"),
        ('seeds = "1-"', "seeds: '1-' is not of the form 0-99 or 1,5,10-19"),
        ("memory = 1", "memory: Expected `int` >= 5"),
        ("budget = -1.0", "budget: Expected `float` >= 0.01"),
        (
            'vary = ["weather"]',
            "vary: 'weather' is not one of memory, layout, era, phase, time, command-line",
        ),
        ('abi = ["3"]', "abi: '3' is not a version such as 3.1"),
        ('guests = ["reference", "reference"]', "guests: two are called reference"),
    ],
)
def test_bad_definitions_are_a_line(run: Run, file: Path, tmp_path: Path, toml: str, line: str) -> None:
    path = tmp_path / "d.toml"
    path.write_text(toml)
    assert refusal(run("campaign", "run", file, "--definition", path)).startswith(f"{path}: {line}")
    assert not file.exists()


def test_a_definition_and_options_beside_it_are_refused(run: Run, file: Path, tmp_path: Path) -> None:
    line = refusal(run("campaign", "run", file, "--definition", tmp_path / "d", "--seeds", "1"))
    assert line == "--definition: says it all; seeds can't be given beside it"


def spawn(*words: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*VMIROM, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


RUN = ("--on", "native", "--seeds", "0-9", "--jobs", "2")


def until(process: subprocess.Popen[str], least: int) -> None:
    """Read what a campaign prints until that many of its ten jobs are done."""
    assert process.stdout is not None
    for line in process.stdout:
        if " of 10 jobs" in line and int(line.split()[0]) >= least:
            return
    raise AssertionError("it ended before")


@pytest.mark.boot
@pytest.mark.slow
def test_killed_at_any_moment_and_started_again_nothing_is_lost_or_counted_twice(file: Path) -> None:
    """SIGKILL of the whole session (parent and workers), then of the parent alone, then to the end."""
    kept: dict[object, object] = {}
    for least in (2, 5):
        with spawn("campaign", "run", file, *RUN) as process:
            until(process, least)
            (os.killpg if least == 2 else os.kill)(process.pid, signal.SIGKILL)
            process.communicate(timeout=60)
        now = dict(rows(file, "SELECT job, ended FROM result"))
        assert len(now) >= least and kept.items() <= now.items()
        kept = now
    done = subprocess.run(
        [*VMIROM, "campaign", "run", str(file), *RUN, "--json"], capture_output=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["counts"]["success"] == 10
    assert rows(file, JOBS) == [(10, 10)]
    assert kept.items() <= dict(rows(file, "SELECT job, ended FROM result")).items()
    assert [p.name for p in file.parent.iterdir()] == ["c.db"]


@pytest.mark.boot
def test_an_interrupt_is_130_and_keeps_results_and_meanwhile_nobody_else_runs(run: Run, file: Path) -> None:
    with spawn("campaign", "run", file, *RUN) as process:
        until(process, 2)
        line = refusal(run("campaign", "resume", file))
        assert line == f"{file}: locked: a campaign is running on it (process {process.pid})"
        assert run("campaign", "status", file).exit_code == 0
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "vmirom: interrupted\n")
    assert rows(file, "SELECT count(*) >= 2 FROM result") == [(1,)]
    assert [p.name for p in file.parent.iterdir()] == ["c.db"]


def test_files_that_are_no_campaign(run: Run, file: Path, tmp_path: Path) -> None:
    for words in (("report", file), ("campaign", "status", file), ("campaign", "resume", file)):
        assert refusal(run(*words)) == f"{file}: can't be opened: No such file or directory"
    assert list(tmp_path.iterdir()) == []
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE mine (x)")
    before = file.read_bytes()
    for words in (
        ("report", file),
        ("campaign", "run", file),
        ("campaign", "resume", file),
        ("campaign", "replay", file, "1"),
    ):
        line = refusal(run(*words))
        assert line == f"{file}: application_id: 0x0 is not 0x564d4943: not a campaign's file"
    assert file.read_bytes() == before


def test_no_such_job(run: Run, file: Path, guest: Path) -> None:
    run("campaign", "run", file, guest, "--on", "xen")
    assert refusal(run("campaign", "replay", file, "9")) == f"{file}: job 9: there are 1 to 1"


def test_a_broken_file_is_not_written_to(run: Run, file: Path, guest: Path) -> None:
    run("campaign", "run", file, guest, "--seeds", "0-9", "--vary", "memory")
    file.write_bytes(file.read_bytes()[:9000])
    for words in (("campaign", "resume", file), ("report", file)):
        assert refusal(run(*words)).startswith(f"{file}: corrupt: ")
    assert file.stat().st_size == 9000
