"""The other commands: help with examples, JSON shapes, completion, and no needless imports."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.bundle.images import RomRecipe
from tests.campaign.conftest import hand_made
from tests.cli.conftest import Run, refusal
from vmirom import __version__
from vmirom.bundle.inspect import read_bundle
from vmirom.cli.main import LazyGroup, cli


def commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = dict(commands(cli))


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_has_an_example(run: Run, path: tuple[str, ...]) -> None:
    result = run(*path, "--help")
    assert result.exit_code == 0
    assert "Example" in result.stdout
    assert f"vmirom {' '.join(path)}" in result.stdout.partition("Example")[2]


def test_lines_of_the_main_help_are_those_of_the_commands() -> None:
    assert isinstance(cli, LazyGroup)
    for name, (_, line) in cli.lazy.items():
        assert line.endswith("."), name
        assert ALL[(name,)].get_short_help_str(1000)


@pytest.mark.parametrize("path", [p for p, c in ALL.items() if not isinstance(c, click.Group)], ids=" ".join)
def test_commands_that_print_facts_print_json(path: tuple[str, ...]) -> None:
    names = {option for p in ALL[path].params for option in p.opts}
    writes_a_file = "-o" in names
    assert "--json" in names or writes_a_file or path in (("rom", "build"), ("hosts", "setup"))


def test_main_help_loads_nothing_of_the_project() -> None:
    text = "import sys; from vmirom.cli.main import cli\ntry: cli.main(['--help'])\nexcept SystemExit: pass\n"
    text += "print(sorted(m for m in sys.modules if m.startswith(('vmirom.', 'rich', 'unicorn', 'cffi'))))"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['vmirom.cli', 'vmirom.cli.main']"


def test_version(run: Run) -> None:
    assert run("--version").stdout == f"vmirom {__version__}\n"


def test_no_command_is_help_and_usage(run: Run) -> None:
    result = run()
    assert result.exit_code == 2
    assert "Commands:" in result.output


def test_bash_completion_is_offered() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vmirom"],
        env={"_VMIROM_COMPLETE": "bash_complete", "COMP_WORDS": "vmirom boot --on x", "COMP_CWORD": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["plain,xen"]


def test_hosts(run: Run) -> None:
    found = json.loads(run("hosts", "--json").stdout)
    names = [host["name"] for host in found]
    assert names[0] == "embedded" and names[1:] == sorted(names[1:])
    fields = {"name", "usable", "backends", "found", "missing", "needs", "self_test"}
    assert all(set(host) == fields for host in found)
    assert found[0]["usable"] and found[0]["missing"] == ""
    assert all(host["usable"] != bool(host["missing"]) for host in found)
    assert run("hosts").stdout.startswith("embedded  usable")


def test_compose_and_inspect(run: Run, guest: Path, tmp_path: Path) -> None:
    rom, output = tmp_path / "r", tmp_path / "o"
    rom.write_bytes(RomRecipe("xen").build())
    assert run("compose", guest, "--backend", "xen", "--rom", rom, "-o", output).output == ""
    bundle = read_bundle(output.read_bytes())
    facts = json.loads(run("bundle", "inspect", output, "--json").stdout)
    assert facts["backend"] == "xen" and facts["abi"] == "3.1"
    assert (facts["entry"], facts["guest_entry"]) == (bundle.entry, bundle.guest_entry)
    assert [s["permissions"] for s in facts["segments"]] == ["rw-", "r-x", "r-x", "rw-"]
    assert len(facts["notes"]) == 10
    text = run("bundle", "inspect", output).stdout
    assert text.startswith("bundle for xen, ABI 3.1\n")
    assert 'Xen  type 8   "generic"' in text and "Xen  type 3   0xc0000000" in text


def test_guest_inspect(run: Run, guest: Path) -> None:
    facts = json.loads(run("guest", "inspect", guest, "--json").stdout)
    assert (facts["abi_least"], facts["start"], facts["end"]) == ("3.1", 0x100000, 0x104000)
    assert [s["permissions"] for s in facts["segments"]] == ["r-x", "rw-"]
    assert run("guest", "inspect", guest).stdout.startswith("guest for ABI 3.1 or newer")


def test_abi_list(run: Run) -> None:
    found = {line["name"]: line for line in json.loads(run("abi", "list", "--json").stdout)}
    assert found["vmi3"]["versions"] == ["3.0", "3.1"] and found["vmi3"]["calls"] == 77
    assert {name for name, line in found.items() if line["kind"] == "backend"} == {
        "native",
        "kvm",
        "xen",
        "lguest",
    }
    assert "vmi3     line     3.0, 3.1: 77 calls" in run("abi", "list").stdout


def test_abi_show(run: Run) -> None:
    call = json.loads(run("abi", "show", "SetCR3", "--json").stdout)
    assert (call["number"], call["name"], call["since"]) == (17, "SetCR3", "3.0")
    assert json.loads(run("abi", "show", "17", "--json").stdout) == call
    struct = json.loads(run("abi", "show", "vmi_bundle", "--json").stdout)
    assert [f["name"] for f in struct["fields"]][:2] == ["magic", "size"]
    assert run("abi", "show", "Hypercall", "--line", "xen").stdout.startswith("enum Hypercall")
    whole = json.loads(run("abi", "show", "--abi", "3.0", "--json").stdout)
    assert whole["version"] == "3.0" and len(whole["calls"]) == 74
    assert "17  SetCR3" in run("abi", "show").stdout
    assert "only with Feature.PV_SEND_IPI; returns" in run("abi", "show", "--line", "kvm").stdout


def test_bench(run: Run, guest: Path, scripted: object) -> None:
    result = run("bench", "boot", guest, "--runs", "3", "--on", "xen", "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["runs"] == 3
    (row,) = report["backends"]
    assert row["calls"] == {"min": 3, "max": 3, "exact": True}
    assert 0 < row["seconds"]["min"] <= row["seconds"]["median"] <= row["seconds"]["max"]
    text = run("bench", "boot", guest, "--runs", "1", "--on", "xen").stdout.splitlines()
    assert text[0].split() == ["backend", "min", "median", "max", "calls", "hypercalls"]
    assert text[1].split()[0] == "xen"


def test_bench_campaign(run: Run, guest: Path, scripted: object, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_made(monkeypatch)
    result = run("bench", "campaign", guest, "--seeds", "2", "--json")
    assert result.exit_code == 0, result.output
    row = json.loads(result.stdout)
    assert row["jobs"] == 8 and row["workers"] >= 1
    assert row["ratio"] == pytest.approx(row["campaign_seconds"] / row["plain_seconds"])
    assert row["jobs_a_second"] == pytest.approx(8 / row["campaign_seconds"]) and row["record_ms"] > 0
    text = run("bench", "campaign", guest, "--seeds", "2", "--jobs", "1").stdout
    assert text.startswith("8 jobs, 1 workers: campaign ")


def test_rom_list_and_inspect(run: Run, tmp_path: Path) -> None:
    listed = json.loads(run("rom", "list", "--json").stdout)
    assert listed, "no ROM is shipped"
    for rom in listed:
        assert set(rom) == {"name", "backend", "abi", "size", "sha256", "toolchain", "inputs", "answers"}
        found = run("rom", "inspect", rom["backend"], "--abi", rom["abi"], "--json")
        assert found.exit_code == 0, found.output
        facts = json.loads(found.stdout)
        assert facts["size"] == rom["size"] and all(not check["fault"] for check in facts["checks"])
        assert len(facts["slots"]) >= 74
    assert listed[0]["name"] in run("rom", "list").stdout


def test_rom_inspect_shows_what_is_broken(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "r"
    path.write_bytes(RomRecipe(checksum=1).build())
    result = run("rom", "inspect", path)
    assert result.exit_code == 1
    assert "checksum: the bytes sum to 0x01" in result.stdout


def test_rom_verify(run: Run) -> None:
    result = run("rom", "verify", "--json")
    assert json.loads(result.stdout)["wrong"] == []
    assert result.exit_code == 0
    assert run("rom", "verify").stdout.endswith("ROMs are as the lock says\n")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("rom build vmware", "backend 'vmware' has no sources; there are"),
        ("rom build -o {d}/o", "-o: one backend makes one file; name it"),
        ("rom build --toolchain gnu", "gnu"),
        ("rom inspect {d}/none", "{d}/none: No such file or directory"),
        ("rom inspect xen --abi 9.9", "vmi3-9.9-xen.rom: ABI: no ROM of 9.9 is shipped; there are 3.0, 3.1"),
    ],
)
def test_rom_refusals(run: Run, tmp_path: Path, arguments: str, line: str) -> None:
    result = run(*(a.format(d=tmp_path) for a in arguments.split()))
    assert line.format(d=tmp_path) in refusal(result)
    assert list(tmp_path.iterdir()) == []
