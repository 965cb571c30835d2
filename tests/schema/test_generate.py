"""The generated files: current, deterministic, frozen where they must be, and read back."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import vmirom
from tests.schema.lines import NEWEST, TREE
from vmirom.generate import all_views, stale
from vmirom.generate.__main__ import main
from vmirom.generate.locks import lock
from vmirom.generate.markdown import answers_page, backend_page, line_page, read_answers
from vmirom.generate.seals import Recorded, content_hash
from vmirom.generate.text import c_comment, docstring
from vmirom.schema import AbiError
from vmirom.schema.rows import upper_snake

ROOT = Path(vmirom.__file__).resolve().parent.parent
CHECKOUT = pytest.mark.skipif(
    not (ROOT / "abi").is_dir(),
    reason="generated files are compared in a checkout, not in an installed package",
)


@CHECKOUT
def test_generated_files_are_current() -> None:
    assert stale(all_views(TREE, ROOT), ROOT) == []


def test_generating_twice_gives_the_same_bytes() -> None:
    assert all_views(TREE, ROOT).files == all_views(TREE, ROOT).files


def test_no_generated_file_is_left_over() -> None:
    files = set(all_views(TREE, ROOT).files)
    for folder, pattern in (("vmirom/overlays", "*.py"), ("abi/locks", "*.json"), ("docs/abi", "**/*.md")):
        for file in (ROOT / folder).glob(pattern):
            assert file.relative_to(ROOT).as_posix() in files


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the declarations only (and what Python has compiled of them)."""
    shutil.copytree(TREE.folder, tmp_path / "abi", ignore=shutil.ignore_patterns("locks"))
    return tmp_path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose files have all been generated; nobody changes it."""
    folder = tmp_path_factory.mktemp("made")
    shutil.copytree(TREE.folder, folder / "abi", ignore=shutil.ignore_patterns("locks"))
    assert main(["--root", str(folder)]) == 0
    return folder


@pytest.fixture
def written(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(made, tmp_path / "written")


def test_command_writes_then_is_current(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(checkout)]) == 0
    written = capsys.readouterr().out.split()
    assert "romsrc/include/xen.h" in written and "abi/locks/vmi3-3.0.json" in written
    assert main(["--root", str(checkout), "--check"]) == 0
    assert main(["--root", str(checkout)]) == 0
    assert capsys.readouterr().out == ""


def test_check_names_each_stale_file(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (written / "docs/abi/vmi3.md").write_text("old", encoding="utf-8")
    (written / "vmirom/overlays/kvm.py").unlink()
    (written / "romsrc/include/xen.h").write_bytes(b"\xff\xfe")
    assert main(["--root", str(written), "--check"]) == 1
    named = [line.split(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert named == ["docs/abi/vmi3.md", "romsrc/include/xen.h", "vmirom/overlays/kvm.py"]


def test_frozen_lock_is_not_written_over(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written / "abi/vmi3/cpu.py"
    text = file.read_text(encoding="utf-8")
    assert '17,\n        "SetCR3"' in text
    file.write_text(text.replace('17,\n        "SetCR3"', '77,\n        "SetCR3"'), encoding="utf-8")
    before = (written / "abi/locks/vmi3-3.0.json").read_bytes()
    assert main(["--root", str(written)]) == 2
    error = capsys.readouterr().err
    assert "vmi3-3.0.json: this version is frozen" in error and error.count("\n") == 1
    assert (written / "abi/locks/vmi3-3.0.json").read_bytes() == before
    assert '"SetCR3"' in (written / "abi/locks/vmi3-3.1.json").read_text(encoding="utf-8")
    assert main(["--root", str(written), "--check"]) == 1


def test_newest_lock_follows_the_declarations(written: Path) -> None:
    file = written / "abi/vmi3/system.py"
    text = file.read_text(encoding="utf-8").replace('"entries", "UINT32"', '"entries", "UINT"')
    file.write_text(text, encoding="utf-8")
    assert main(["--root", str(written)]) == 0
    data = json.loads((written / "abi/locks/vmi3-3.1.json").read_text(encoding="utf-8"))
    assert data["calls"][76]["arguments"][1]["type"] == "UINT"


def test_better_words_do_not_touch_a_lock(written: Path) -> None:
    file = written / "abi/vmi3/cpu.py"
    text = file.read_text(encoding="utf-8").replace("Reads the time-stamp counter.", "Reads the TSC.")
    file.write_text(text, encoding="utf-8")
    before = (written / "abi/locks/vmi3-3.0.json").read_bytes()
    assert main(["--root", str(written)]) == 0
    assert (written / "abi/locks/vmi3-3.0.json").read_bytes() == before
    assert "Reads the TSC." in (written / "docs/abi/vmi3.md").read_text(encoding="utf-8")


def test_wrong_declarations_exit_2(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "abi/backends/kvm.py").write_text("1 +", encoding="utf-8")
    assert main(["--root", str(checkout)]) == 2
    captured = capsys.readouterr()
    assert "kvm.py:1:" in captured.err and captured.err.count("\n") == 1 and captured.out == ""
    assert not (checkout / "docs").exists()


def test_a_place_that_can_not_be_written_exits_2(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "romsrc").write_text("a file", encoding="utf-8")
    assert main(["--root", str(checkout)]) == 2
    assert "romsrc" in capsys.readouterr().err


def test_a_new_backend_is_one_file(checkout: Path) -> None:
    text = (checkout / "abi/backends/kvm.py").read_text(encoding="utf-8")
    text = text.replace('"kvm"', '"mine"').replace('"kvm_', '"mine_').replace('"pvclock_', '"mine_clock_')
    (checkout / "abi/backends/mine.py").write_text(text, encoding="utf-8")
    assert main(["--root", str(checkout)]) == 0
    assert "MINE_HYPERCALL_KICK_CPU 5" in (checkout / "romsrc/include/mine_asm.h").read_text(encoding="utf-8")
    assert (checkout / "docs/abi/backends/mine.md").exists()


def test_module_can_be_run() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vmirom.generate", "--root", "/nonexistent"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "vmirom.generate: /nonexistent/abi: not a folder\n"


# -- answers of the ROMs ----------------------------------------------------------------------------


def test_answers_page() -> None:
    line = TREE.resolve("vmi3")
    text = answers_page(
        line,
        {
            "xen": {"SetCR3": "translated", "IRET": "translated"},
            "kvm": {"IODelay": "nothing", "RDTSC": "native"},
        },
    )
    assert "| # | Call | kvm | xen |" in text
    assert "| 17 | SetCR3 | absent | call |" in text
    assert "| 33 | IRET | absent | jump |" in text
    assert "| 65 | IODelay | nop | absent |" in text
    assert "| 27 | RDTSC | none | absent |" in text
    assert len([row for row in text.splitlines() if row.startswith("| ")]) == 78


def test_answers_without_roms() -> None:
    assert "No ROM has been built." in answers_page(TREE.resolve("vmi3"), {})


def test_answers_of_unknown_calls_are_refused() -> None:
    with pytest.raises(AbiError, match=r"answers\.xen\.SetCR9: vmi3 3\.1 has no such call"):
        answers_page(TREE.resolve("vmi3"), {"xen": {"SetCR9": "translated"}})


def test_answers_are_read_from_the_rom_lock(checkout: Path) -> None:
    file = checkout / "romsrc/blobs/roms.json"
    file.parent.mkdir(parents=True)
    roms = [
        {"backend": "lguest", "abi": "3.1", "answers": {"SetCR3": "translated"}},
        {"backend": "lguest", "abi": "3.0", "answers": {"SetCR3": "native"}},
    ]
    file.write_text(json.dumps({"roms": roms}), encoding="utf-8")
    assert main(["--root", str(checkout)]) == 0
    assert "| 17 | SetCR3 | call |" in (checkout / "docs/abi/answers.md").read_text(encoding="utf-8")


@CHECKOUT
def test_shipped_roms_are_in_the_table() -> None:
    lock_file = ROOT / "romsrc/blobs/roms.json"
    if not lock_file.exists():
        pytest.skip("no ROM has been built: romsrc/blobs/roms.json is missing; run vmirom rom build")
    answers = read_answers(lock_file, "3.1")
    assert set(answers) <= set(TREE.backends)
    for backend, table in answers.items():
        assert table["IRET"] == "translated", f"{backend}: Linux needs a translated IRET"
        assert table["SYSEXIT"] == "translated", f"{backend}: Linux needs a translated SYSEXIT"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{", "not JSON"),
        ("[" * 100000, "not JSON"),
        ("[]", "roms: not a list"),
        ('{"roms": 3}', "roms: not a list"),
        ('{"roms": [3]}', r"roms\[0\]\.backend: missing"),
        ('{"roms": [{"backend": 3}]}', r"roms\[0\]\.backend: missing"),
        ('{"roms": [{"backend": "xen", "abi": "3.1"}]}', r"roms\[0\]\.answers: not a mapping"),
        (
            '{"roms": [{"backend": "xen", "abi": "3.1", "answers": {"SetCR3": []}}]}',
            r"roms\[0\]\.answers\.SetCR3: \[\] is not native, nothing or translated",
        ),
    ],
)
def test_wrong_rom_locks_are_one_line(text: str, rule: str, tmp_path: Path) -> None:
    file = tmp_path / "roms.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(AbiError, match=rule) as caught:
        read_answers(file, "3.1")
    assert str(file) in str(caught.value) and "\n" not in str(caught.value)


def test_rom_lock_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "roms.json").write_bytes(b"\xff")
    with pytest.raises(AbiError, match=r"roms\.json"):
        read_answers(tmp_path / "roms.json", "3.1")
    assert read_answers(tmp_path / "nowhere.json", "3.1") == {}


# -- contents ---------------------------------------------------------------------------------------


def test_reference_has_every_call_and_struct() -> None:
    line = TREE.resolve("vmi3")
    text = line_page(line)
    for call in line.calls:
        assert f"\n### {call.name}\n" in text and call.doc in text
    for row in line.structs:
        assert f"\n### struct {row.name}\n" in text
        for field in row.fields:
            assert f"| {field.offset:#x} | {field.offset} | {field.size} |" in text


def test_lock_is_canonical() -> None:
    for version in ("3.0", "3.1"):
        text = lock(TREE.resolve("vmi3", version))
        data = json.loads(text)
        assert text == json.dumps(data, indent=1, sort_keys=True) + "\n"
        assert [call["number"] for call in data["calls"]] == list(range(len(data["calls"])))
    old = json.loads(lock(TREE.resolve("vmi3", "3.0")))
    new = json.loads(lock(TREE.resolve("vmi3", "3.1")))
    assert new["calls"][:74] == old["calls"]
    assert all(new["structs"][name] == row for name, row in old["structs"].items())


@pytest.mark.parametrize(
    ("name", "snake"),
    [
        ("CallbackType", "CALLBACK_TYPE"),
        ("Mmuext", "MMUEXT"),
        ("Cr0", "CR0"),
        ("PicIcw1", "PIC_ICW1"),
        ("ElfNote", "ELF_NOTE"),
    ],
)
def test_class_names_become_c_names(name: str, snake: str) -> None:
    assert upper_snake(name) == snake


@pytest.mark.parametrize("line", NEWEST, ids=[line.line.family for line in NEWEST])
def test_overlays_need_no_construct(line: object) -> None:
    """Starting is cheap because an overlay is plain enums and one cffi table; schemas stay asleep."""
    family = line.line.family  # type: ignore[attr-defined]
    code = (
        f"import sys, vmirom.overlays.{family}; print(sorted(name for name in sys.modules"
        " if name in ('construct', 'vmirom.schema', 'cffi', 'unicorn', 'pycparser')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )
    assert done.stdout == "[]\n"


def test_docs_can_not_break_out_of_comments() -> None:
    assert c_comment("a */ b /* c\nd") == "/* a * / b / * c d */"
    assert docstring('say """ and \\') == '"""say \'\'\' and /"""'


def test_reference_says_since_when() -> None:
    text = backend_page(TREE.resolve("xen"))
    row = next(line for line in text.splitlines() if "| first_p2m_pfn |" in line)
    assert "since 4.17" in row
    assert "| 42 | HYPFS_OP |" in text and "since 4.17" in text.split("| 42 | HYPFS_OP |")[1].split("\n")[0]
    assert "68 bytes, since 3.1." in line_page(TREE.resolve("vmi3"))


# -- seals ------------------------------------------------------------------------------------------


def test_lock_frozen_by_hand_stays_frozen_when_edited(
    written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was recorded is carried along; an edit can't thaw a lock, nor can writing the views."""
    file = written / "abi/locks/vmi3-3.1.json"
    line = TREE.resolve("vmi3", "3.1")
    file.write_text(lock(line, Recorded(True, {"a.rom": "0" * 64})), encoding="utf-8")
    assert main(["--root", str(written), "--check"]) == 0
    edited = file.read_text(encoding="utf-8").replace('"SetCR3"', '"SetCR9"')
    file.write_text(edited, encoding="utf-8")
    capsys.readouterr()
    assert main(["--root", str(written)]) == 2
    assert "this version is frozen" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == edited


def test_seal_is_over_everything_but_itself() -> None:
    data = json.loads(lock(TREE.resolve("vmi3", "3.0")))
    assert data["content"] == content_hash(data) == content_hash({**data, "content": "other"})
    assert content_hash({**data, "frozen": True}) != data["content"]
