"""The reference as a site: a page a call, nothing forgotten, and sphinx takes it without a warning."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from vmirom.cli.main import cli
from vmirom.generate.routines import routines
from vmirom.generate.site import page_name, read_answers, site
from vmirom.rom.build import backend_sources
from vmirom.schema.clauses import load_clauses
from vmirom.schema.tree import load_abi, source_tree

TREE = load_abi()
LINE = TREE.resolve("vmi3")
BACKENDS = tuple(TREE.resolve(name) for name in sorted(TREE.backends))
ANSWERS = {
    "xen": {"SetCR3": "translated", "IRET": "translated", "IODelay": "nothing"},
    "native": {"SetCR3": "native"},
}


def test_every_call_has_a_page_with_its_whole_contract() -> None:
    files = site(LINE, answers=ANSWERS, clauses=load_clauses(TREE), backends=BACKENDS)
    assert set(files) == {
        "conf.py",
        "index.md",
        "structures.md",
        "clauses.md",
        *(f"calls/{page_name(call)}.md" for call in LINE.calls),
        *(f"backends/{backend.line.name}.md" for backend in BACKENDS),
    }
    for call in LINE.calls:
        page = files[f"calls/{page_name(call)}.md"]
        assert page.startswith(f"# {call.name}\n\n{call.doc}\n")
        assert f"* Number: {call.number}\n* Since: vmi3 {call.since}\n" in page
        if call.arguments is None:
            assert "without a published contract" in page
            continue
        for part in (*call.arguments, *call.outputs, *((call.result,) if call.result else ())):
            assert f"| `{part.name}` | `{part.type}` | {part.place} |" in page
        assert f"* Clobbers: {' '.join(call.clobbers or ()) or 'nothing'}\n" in page
        assert f"* Segments that must be flat: {' '.join(call.segments or ())}" in page


def test_a_page_says_what_each_backend_does() -> None:
    files = site(LINE, answers=ANSWERS)
    assert "| xen | translated | the ROM does it (CALL_REL) |  |" in files["calls/017-SetCR3.md"]
    assert "| native | native | the guest's own instructions" in files["calls/017-SetCR3.md"]
    assert "| xen | translated | the ROM does it (JUMP_REL) |  |" in files["calls/033-IRET.md"]
    assert "| xen | nothing | nothing need be done" in files["calls/065-IODelay.md"]
    assert "| native | absent | neither" in files["calls/065-IODelay.md"]
    assert "What each backend does" not in site(LINE)["calls/017-SetCR3.md"]


def test_a_page_names_the_routine_s_file() -> None:
    """A routine that is named stands in a file that is there; those that macros make are named nowhere."""
    roms = source_tree("romsrc") / "rom"
    answers = read_answers(roms.parent / "blobs" / "roms.json", "3.1")
    found = routines({name: backend_sources(name).files for name in answers}, roms)
    assert set(found) == set(answers)
    for backend, calls in answers.items():
        named = [name for name, answer in calls.items() if answer == "translated" and name in found[backend]]
        assert 2 * len(named) > sum(answer == "translated" for answer in calls.values()), backend
        for name in named:
            assert f"vmi_{name}" in (roms / found[backend][name]).read_text(), (backend, name)
    page = site(LINE, answers=answers, sources=found)["calls/017-SetCR3.md"]
    assert "| xen | translated | the ROM does it (CALL_REL) | `xen/mmu.c` |" in page


def test_clauses_stand_on_the_pages_of_their_calls() -> None:
    clauses = load_clauses(TREE)
    files = site(LINE, clauses=clauses)
    bound = [call for call in LINE.calls if call.clauses]
    assert bound, "calls name clauses"
    for call in bound:
        page = files[f"calls/{page_name(call)}.md"]
        assert "## Clauses" in page
        assert all(clause in page for clause in call.clauses), call.name


def test_links_lead_to_pages() -> None:
    files = site(LINE, backends=BACKENDS)
    links = re.findall(r"\]\(([^)#]+\.md)\)", files["index.md"])
    assert len(links) == len(LINE.calls) and set(links) <= set(files)
    tree = files["index.md"].split("```{toctree}")[1].split("```")[0].split("\n\n")[1].split()
    assert {f"{name}.md" for name in tree} == set(files) - {"index.md", "conf.py"}


def test_command_writes_once(tmp_path: Path) -> None:
    arguments = ["abi", "docs", "-o", str(tmp_path / "site"), "--json"]
    first = CliRunner().invoke(cli, arguments)
    assert first.exit_code == 0, first.stderr
    facts = json.loads(first.stdout)
    assert facts["written"] == len(facts["pages"]) > 80
    assert (tmp_path / "site/calls/017-SetCR3.md").read_text().count("| xen |") == 1
    assert json.loads(CliRunner().invoke(cli, arguments).stdout)["written"] == 0
    (tmp_path / "file").write_text("")
    bad = CliRunner().invoke(cli, ["abi", "docs", "-o", str(tmp_path / "file")])
    assert bad.exit_code == 2 and bad.stderr.startswith("vmirom: ") and bad.stderr.count("\n") == 1


def test_a_site_without_sphinx_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vmirom.cli.abi_docs.find_spec", lambda name: None)
    told = CliRunner().invoke(cli, ["abi", "docs", "-o", str(tmp_path / "site"), "--site"])
    assert told.exit_code == 2
    assert told.stderr == "vmirom: --site: sphinx is not installed: pip install 'vmirom[docs]'\n"


@pytest.mark.parametrize("line", ["vmi6", "vmi13"])
def test_historic_lines_have_a_site_too(line: str) -> None:
    resolved = TREE.resolve(line)
    files = site(resolved)
    assert len([name for name in files if name.startswith("calls/")]) == len(resolved.calls)


@pytest.mark.slow
def test_sphinx_takes_it_without_a_warning(tmp_path: Path) -> None:
    missing = [name for name in ("sphinx", "myst_parser", "furo") if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} missing: pip install -e .[docs]")
    for name, text in site(LINE, answers=ANSWERS, clauses=load_clauses(TREE), backends=BACKENDS).items():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "sphinx",
            "-W",
            "--keep-going",
            "-q",
            str(tmp_path / "in"),
            str(tmp_path / "out"),
        ],
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    page = (tmp_path / "out/calls/017-SetCR3.html").read_text()
    assert "SetCR3" in page and "furo" in page
