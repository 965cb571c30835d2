"""The pytest plugin, as a project that tests a guest of its own sees it."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.guest.installed import HELLO, need
from tests.testing.conftest import Runs
from vmirom.hosts.backends import backend_names

pytestmark = [pytest.mark.boot, pytest.mark.slow]

MINE = """
def test_mine(vmirom_boot):
    assert vmirom_boot(vmirom_boot.reference, on="xen").ok
"""


def test_the_line_that_was_promised(runs: Runs) -> None:
    result = runs(MINE)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*= vmirom =*", "xen@embedded: 1 success"])


def test_a_result_says_what_there_is_to_know(runs: Runs) -> None:
    runs("""
import pytest
from vmirom.testing.boots import Outcome

def test_mine(vmirom_boot, vmirom_host):
    boot = vmirom_boot(vmirom_boot.reference, on="kvm", memory=24, append="quiet", host_era="2008")
    assert boot.ok and boot.outcome is Outcome.SUCCESS
    assert boot.reason == "the guest reports success"
    assert len(boot.transcript) > 60 and not any(line.startswith("~") for line in boot.transcript)
    assert boot.notes and boot.seconds > 0
    assert boot.calls["SetCR3"] > 0 and boot.calls["NoSuchCall"] == 0
    assert boot.hypercalls.total() > 0
    assert (boot.backend, boot.host, boot.host) == ("kvm", "embedded", vmirom_host.name)
    assert boot.replay.endswith("--on kvm -v --memory 24 --append quiet --host-era 2008 --clock virtual")
    assert repr(boot) == "<Boot of reference.elf on kvm: success: the guest reports success>"
""").assert_outcomes(passed=1)


def test_all_backends_at_once(runs: Runs) -> None:
    names = list(backend_names())
    runs(f"""
def test_mine(vmirom_boot):
    boots = vmirom_boot.all(vmirom_boot.reference)
    assert boots.ok and not boots.differences
    assert [boot.backend for boot in boots] == {names}
    assert boots["xen"].calls["SetCR3"] > 0
    assert len(boots) == {len(names)}
""").assert_outcomes(passed=1)


def test_below_a_failed_test_stands_what_the_boot_left_behind(runs: Runs, crashing: str) -> None:
    result = runs(f"def test_mine(vmirom_boot):\n    assert vmirom_boot('{crashing}', on='native').ok\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*assert False*",
            "*where False = <Boot of crashing.elf on native: crash: *>.ok*",
            "*- vmirom boot on native -*",
            "crashing.elf on native: crash: *",
            "*eip*",
            "again: vmirom boot *crashing.elf --on native -v --clock virtual",
        ]
    )


def test_nothing_is_shown_of_a_passed_test_and_nothing_of_a_run_without_boots(runs: Runs) -> None:
    result = runs("def test_mine(): assert True", "-rA")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*vmirom boot*")
    result.stdout.no_fnmatch_line("*= vmirom =*")


def test_unused_the_plugin_loads_nothing_of_ours(runs: Runs) -> None:
    result = runs(
        "import sys\n"
        "def test_mine():\n"
        "    mine = {name for name in sys.modules if name.partition('.')[0] == 'vmirom'}\n"
        "    assert mine <= {'vmirom', 'vmirom.testing', 'vmirom.testing.plugin'}\n"
        "    assert not {'click', 'construct', 'rich', 'unicorn'} & set(sys.modules)\n",
        process=True,
    )
    result.assert_outcomes(passed=1)


def test_the_marker_makes_a_test_a_backend(runs: Runs) -> None:
    source = """
import pytest

@pytest.mark.vmirom_backend("xen", "kvm")
def test_mine(vmirom_boot):
    assert vmirom_boot(vmirom_boot.reference).backend in ("xen", "kvm")

@pytest.mark.vmirom_backend
def test_everywhere(vmirom_backend):
    assert vmirom_backend

def test_by_fixture(vmirom_backend):
    assert vmirom_backend
"""
    result = runs(source, "-v")
    result.assert_outcomes(passed=2 + 2 * len(backend_names()))
    result.stdout.fnmatch_lines(["*::test_mine[[]xen[]] PASSED*", "*::test_mine[[]kvm[]] PASSED*"])
    runs(source, "--vmirom-on", "native").assert_outcomes(passed=2, skipped=1)


def test_what_options_leave_out_is_skipped_with_the_reason(runs: Runs) -> None:
    result = runs(MINE, "--vmirom-on", "kvm", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*SKIPPED*--vmirom-on leaves out xen"])


def test_a_host_that_is_not_usable_is_a_skip_with_the_reason(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no QEMU in it
    monkeypatch.setenv("VMIROM_CACHE", str(tmp_path))
    result = runs(MINE, "--vmirom-host", "qemu", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*SKIPPED*host qemu: *"])


def test_what_a_host_does_not_boot_is_a_skip(runs: Runs) -> None:
    result = runs(
        "def test_mine(vmirom_boot):\n    vmirom_boot(vmirom_boot.reference, on='lguest', host='qemu')", "-rs"
    )
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*SKIPPED*host qemu boots * only, not lguest"])


def test_several_hosts_run_each_test_on_each(runs: Runs) -> None:
    result = runs(MINE, "--vmirom-host", "embedded", "--vmirom-host", "qemu", "-v")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["*::test_mine[[]embedded[]] PASSED*", "*::test_mine[[]qemu[]] SKIPPED*"])


CLAUSES = """
import pytest

@pytest.mark.vmirom_clause("VMI-IRQ-01", "VMI-IRQ-02")
@pytest.mark.vmirom_backend("native", "xen")
def test_mine(vmirom_boot, vmirom_backend):
    assert vmirom_boot(vmirom_boot.reference).ok and vmirom_backend == "xen"

@pytest.mark.vmirom_clause("VMI-IRQ-02")
def test_other():
    pytest.skip("not today")
"""


@pytest.mark.parametrize("spread", [(), ("-n", "2")], ids=["one process", "xdist"])
def test_clauses_reach_the_summary_and_junit(
    runs: Runs, pytester: pytest.Pytester, spread: tuple[str, ...]
) -> None:
    result = runs(CLAUSES, "--junit-xml=out.xml", "-o", "junit_family=xunit2", *spread, process=bool(spread))
    result.assert_outcomes(passed=1, failed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "*- vmirom boot on native -*",
            "*= vmirom =*",
            "VMI-IRQ-01   FAILED  (1 passed, 1 failed on native@embedded, xen@embedded)",
            "VMI-IRQ-02   FAILED  (1 passed, 1 failed, 1 skipped on native@embedded, xen@embedded)",
            "native@embedded: 1 success",
            "xen@embedded: 1 success",
        ]
    )
    cases = ElementTree.parse(pytester.path / "out.xml").iter("testcase")
    told = {
        str(case.get("name")): {(p.get("name"), p.get("value")) for p in case.iter("property")}
        for case in cases
    }
    assert told["test_mine[xen]"] == {
        ("vmirom_clause", "VMI-IRQ-01"),
        ("vmirom_clause", "VMI-IRQ-02"),
        ("vmirom_boot", "xen@embedded: success"),
    }
    assert told["test_other"] == {("vmirom_clause", "VMI-IRQ-02")}


@pytest.mark.parametrize(
    ("marker", "line"),
    [
        ("vmirom_clause('VMI-IRQ-99')", "*test_mine: clause 'VMI-IRQ-99' is not declared; its area has *"),
        ("vmirom_clause('irq')", "*test_mine: clause 'irq' is not declared; 'vmirom conform --list' *"),
        ("vmirom_clause(1)", "*test_mine: vmirom_clause takes names, as texts"),
        ("vmirom_backend('vmware')", "*test_mine: backend 'vmware' is unknown; there are native, *"),
    ],
)
def test_markers_name_what_exists(runs: Runs, marker: str, line: str) -> None:
    result = runs(f"import pytest\n@pytest.mark.{marker}\ndef test_mine():\n    pass\n")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([line])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--vmirom-on", "vmware"), "*--vmirom-on: 'vmware' is unknown; there are native, *"),
        (("--vmirom-host", "moon"), "*--vmirom-host: 'moon' is unknown; there are embedded, *"),
        (("--vmirom-budget", "0"), "*--vmirom-budget: 0.0 is not between 0.01 and 86400 seconds"),
        (("--vmirom-budget", "nan"), "*--vmirom-budget: nan is not between 0.01 and 86400 seconds"),
    ],
)
def test_options_that_cant_be_are_refused_in_a_line(runs: Runs, options: tuple[str, str], line: str) -> None:
    result = runs(MINE, *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([line])


@pytest.mark.parametrize(
    ("call", "line"),
    [
        ("'none.elf', on='xen'", "vmirom_boot: *none.elf: No such file or directory"),
        ("__file__, on='xen'", "vmirom_boot: *test_mine.py: e_ident: not an ELF file"),
        ("'crashing.elf'", "vmirom_boot: say on=..., or mark the test with vmirom_backend"),
        ("'crashing.elf', on='vmware'", "vmirom_boot: backend 'vmware' is unknown; there are *"),
        ("'crashing.elf', on='xen', host='moon'", "vmirom_boot: host 'moon' is unknown; there are *"),
        ("'crashing.elf', on='xen', abi='9.9'", "vmirom_boot: *9.9*"),
        ("'crashing.elf', on='xen', abi='new'", "vmirom_boot: abi: 'new' is not a version such as 3.1"),
    ],
)
def test_a_boot_that_cant_be_is_one_line(runs: Runs, crashing: str, call: str, line: str) -> None:
    result = runs(f"def test_mine(vmirom_boot):\n    vmirom_boot({call})\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([line])
    result.stdout.no_fnmatch_line("*exception*")


def test_the_budget_of_the_options_ends_a_boot(runs: Runs) -> None:
    result = runs(MINE, "--vmirom-budget", "0.01")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["reference.elf on xen: failure: did not end within 0.01 s*"])


def test_a_host_without_eyes_says_so_instead_of_zero(runs: Runs) -> None:
    runs("""
import pytest
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.testing.boots import Boot, NotSeen

def test_mine():
    boot = Boot("g", "", BootResult("kvm", Outcome.SUCCESS, "", host="qemu"))
    with pytest.raises(NotSeen, match="host qemu does not see calls"):
        boot.calls
""").assert_outcomes(passed=1)


@pytest.mark.toolchain
def test_a_guest_from_sources(runs: Runs, pytester: pytest.Pytester) -> None:
    need("zig")
    (pytester.path / "hello.c").write_bytes(HELLO.read_bytes())
    runs("""
def test_mine(vmirom_boot, vmirom_guest):
    hello = vmirom_guest("hello.c")
    assert vmirom_guest("hello.c") == hello and hello.suffix == ".elf"
    boots = vmirom_boot.all(hello)
    assert boots.ok, boots
    assert all(boot.transcript == ("hello, world",) for boot in boots)

def test_text(vmirom_boot, vmirom_guest):
    guest = vmirom_guest(text='''
        #include "vmi_guest.h"
        int guest_main(struct vmi_boot_info *boot) { (void)boot; vmi_print("short\\\\n"); return 5; }
    ''')
    boot = vmirom_boot(guest, on="native")
    assert boot.transcript == ("short",) and not boot.ok
""").assert_outcomes(passed=2)


@pytest.mark.toolchain
def test_sources_that_dont_compile_are_shown_without_a_traceback(runs: Runs) -> None:
    need("zig")
    result = runs("def test_mine(vmirom_guest):\n    vmirom_guest(text='int guest_main(void) { oops }')\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["the guest can't be built: *oops*"])


def test_without_a_toolchain_a_test_is_skipped_with_what_to_install(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "ziglang", None)
    result = runs("def test_mine(vmirom_guest):\n    vmirom_guest(text='int here;')\n", "-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*SKIPPED*no toolchain: *"])
