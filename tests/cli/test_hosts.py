"""``--host`` and ``vmirom hosts``: which host boots what, what is skipped and why."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.cli.conftest import Run, refusal
from vmirom.hosts import registry
from vmirom.hosts.cache import SetupFailed
from vmirom.hosts.doctor import Host
from vmirom.hosts.outcomes import BootResult, Outcome
from vmirom.hosts.request import BootRequest

pytestmark = pytest.mark.usefixtures("scripted")


def boots(request: BootRequest, progress: object = None) -> BootResult:
    lines = ("hello from the guest", "command line: ", "bye")
    return BootResult("kvm", Outcome.SUCCESS, "the guest reports success", lines, host="far")


def no_network(say: Any) -> None:
    say("step one")
    raise SetupFailed("no network; connect, or give a mirror")


FAR = SimpleNamespace(
    NAME="far",
    BACKENDS=("kvm",),
    BUDGET=77.0,
    probe=lambda: Host("far", True, ("kvm",), "/bin/far, version 1", "", "a far machine", "passed"),
    boot=boots,
    self_test=lambda: "it printed nothing",
    setup=no_network,
)
GONE = SimpleNamespace(
    NAME="gone",
    BACKENDS=("native", "xen"),
    probe=lambda: Host("gone", False, ("native", "xen"), "no gone in PATH", "apt install gone"),
    boot=boots,
)


@pytest.fixture(autouse=True)
def two_more_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Besides the embedded one: one that boots kvm, and one that is not there."""
    real = registry.host_module
    more = {"far": FAR, "gone": GONE}
    monkeypatch.setattr(registry, "host_names", lambda: ("embedded", *more))
    monkeypatch.setattr(registry, "host_module", lambda name: more[name] if name in more else real(name))


def rows(result: Any) -> list[tuple[str, str, str]]:
    return [(b["backend"], b["host"], b["outcome"]) for b in json.loads(result.stdout)["boots"]]


def test_named_host_boots_what_it_can(run: Run, guest: Path) -> None:
    result = run("boot", guest, "--host", "far", "--json")
    assert result.exit_code == 0
    assert rows(result) == [("kvm", "far", "success")]


def test_named_host_skips_a_backend_that_it_cant_boot(run: Run, guest: Path) -> None:
    result = run("boot", guest, "--host", "far", "--on", "xen", "--on", "kvm", "--json")
    assert result.exit_code == 3
    assert rows(result) == [("xen", "far", "skip"), ("kvm", "far", "success")]
    assert json.loads(result.stdout)["boots"][0]["reason"] == "host far boots kvm only"


def test_all_hosts_make_a_matrix_with_reasons(run: Run, guest: Path) -> None:
    result = run("boot", guest, "--host", "all")
    assert result.exit_code == 3
    lines = result.stdout.splitlines()
    at = next(n for n, line in enumerate(lines) if line.split() == ["embedded", "far", "gone"])
    assert [line.split() for line in lines[at + 1 : at + 5]] == [
        ["native", "success", "-", "skip"],
        ["kvm", "success", "success", "-"],
        ["xen", "success", "-", "skip"],
        ["lguest", "success", "-", "-"],
    ]
    assert "skipped on gone (native, xen): no gone in PATH; apt install gone" in lines
    assert "native, kvm, xen, lguest, kvm@far agree: 3 lines, all the same" in lines


def test_unknown_host_is_refused_by_name(run: Run, guest: Path) -> None:
    said = refusal(run("boot", guest, "--host", "nowhere"))
    assert "host 'nowhere' is unknown; there are embedded, far, gone, all" in said


def test_host_that_sees_no_calls_writes_no_trace(run: Run, guest: Path, tmp_path: Path) -> None:
    said = refusal(run("boot", guest, "--host", "far", "--trace", tmp_path / "t"))
    assert said == "--trace: host far can't see the calls a guest makes"
    assert not (tmp_path / "t").exists()


def test_hosts_says_what_is_there_and_what_is_missing(run: Run) -> None:
    text = " ".join(run("hosts").stdout.split())
    assert "far usable /bin/far, version 1 backends: kvm needs: a far machine self-test: passed" in text
    assert "gone not usable no gone in PATH backends: native, xen get it: apt install gone" in text


def test_self_tests_are_run_where_there_are_any(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VMIROM_CACHE", str(tmp_path / "cache"))
    result = run("hosts", "test", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "embedded": "passed",
        "far": "failed: it printed nothing",
        "gone": "not tested: no gone in PATH; apt install gone",
    }
    assert run("hosts", "test", "gone").exit_code == 3
    assert "nothing else self-test: passed" in " ".join(run("hosts").stdout.split())


def test_setup_that_fails_is_one_line(run: Run) -> None:
    result = run("hosts", "setup", "far")
    assert result.exit_code == 2
    assert result.stderr == "step one\nvmirom: host far: no network; connect, or give a mirror\n"
    assert run("hosts", "setup", "embedded").stdout == "embedded needs no setup\n"


def test_setup_can_not_bring_what_is_not_its_own(run: Run) -> None:
    assert refusal(run("hosts", "setup", "gone")) == "host gone: no gone in PATH: apt install gone"
