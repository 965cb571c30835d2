"""``vmirom conform`` on the shipped guest and ROMs."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from vmirom.cli.main import cli


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, ["conform", *arguments], prog_name="vmirom")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.mark.boot
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_all_backends_keep_every_promise_that_is_checked(tmp_path: Path) -> None:
    result = run("--json", "--junit", str(tmp_path / "j.xml"))
    data = json.loads(result.stdout)
    bad = [
        (row["id"], name, state["reason"])
        for row in data["clauses"]
        for name, state in row["states"].items()
        if state["state"] in ("skip", "error", "failure", "crash")
    ]
    assert bad == [] and result.exit_code == 0 and data["outcome"] == "success"
    assert [boot["backend"] for boot in data["boots"]] == ["native", "kvm", "xen", "lguest"]
    least = {boot["backend"]: boot["counts"]["success"] for boot in data["boots"]}
    assert all(count >= 130 for count in least.values()), least
    suites = ElementTree.parse(tmp_path / "j.xml").getroot().findall("testsuite")
    assert len(suites) == 4 and all(suite.attrib["failures"] == "0" for suite in suites)


FORMATS = ("html", "markdown", "junit")


@pytest.fixture(scope="module")
def interrupts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """A run of one backend and one area, and the folder of its reports, each by its format."""
    folder = tmp_path_factory.mktemp("reports")
    options = [part for name in FORMATS for part in (f"--{name}", str(folder / name))]
    return run("--on", "native", "--select", "IRQ", *options), folder


@pytest.mark.boot
def test_one_backend_and_one_area(interrupts: tuple[Result, Path]) -> None:
    result, _ = interrupts
    assert result.exit_code == 0
    assert "native  12 success, 2 not applicable" in result.stdout


@pytest.mark.boot
def test_nothing_checked_is_a_skip() -> None:
    result = run("--on", "lguest", "--select", "VMI-AP-0*")
    assert result.exit_code == 3 and "3 no check, with reason" in result.stdout


def test_list() -> None:
    assert "174 clauses of VMI 3.0" in run("--list", "--abi", "3.0").stdout
    lines = run("--list").stdout.splitlines()
    assert any(line.startswith("VMI-IRQ-01 ") for line in lines)
    assert any(line.split()[:2] == ["SetCR3", "8"] for line in lines)
    assert json.loads(run("--list", "--json", "--select", "SetCR3").stdout)["boots"] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--select", "Foo"], "--select: 'Foo' is neither a clause, an area nor a call that VMI 3.1 has"),
        (["--abi", "3.0"], "--abi: the reference guest needs 3.1"),
        (["--list", "--on", "xen"], "--list: boots nothing"),
        (["--list", "--abi", "9.9"], "9.9"),
    ],
)
def test_refusals_are_one_line(arguments: list[str], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2 and words in result.stderr and result.stderr.count("\n") == 1
    assert result.stdout == ""


@pytest.mark.boot
def test_reports_are_files_of_the_same_run(interrupts: tuple[Result, Path]) -> None:
    result, folder = interrupts
    assert result.exit_code == 0 and "reference on native: success" in result.stdout
    page = (folder / "html").read_text()
    assert page.startswith("<!DOCTYPE html>") and page.count('<tr role="row" data-id="VMI-IRQ-') == 16
    assert (folder / "markdown").read_text().startswith("# VMI 3.1 conformance\n")
    assert ElementTree.parse(folder / "junit").getroot().find("testsuite") is not None
    assert {path.name for path in folder.iterdir()} == set(FORMATS)


def test_a_list_can_be_a_page(tmp_path: Path) -> None:
    result = run("--list", "--select", "IRQ", "--html", str(tmp_path / "l.html"))
    assert result.exit_code == 0
    assert "<title>list: VMI 3.1 conformance</title>" in (tmp_path / "l.html").read_text()


def test_places_are_backends_on_hosts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A host that boots nothing here is a skip in every cell of its column, with the reason in the page."""
    monkeypatch.setenv("VMIROM_QEMU", "no-such-program")
    page = tmp_path / "r.html"
    result = run("--host", "qemu", "--on", "kvm", "--select", "IRQ", "--html", str(page))
    assert result.exit_code == 3
    assert "VMIROM_QEMU names no program: no-such-program" in page.read_text()
    assert '"places":[{"label":"kvm@qemu","backend":"kvm","host":"qemu"}]' in page.read_text()
