"""Loading an ABI tree: the project's own, a draft of a user's, and everything that can be wrong with one."""

import subprocess
import sys
from pathlib import Path

import pytest

import vmirom
from vmirom.schema import AbiError, SchemaError, Version, places, resolve
from vmirom.schema import tree as tree_module
from vmirom.schema.tree import load_abi, load_own, source_tree

GOOD = """
from vmirom.schema import Line, procedure, struct, u8
LINE = Line("mine", "mine", ("1.0",), "Mine.", calls=(procedure(0, "A", since="1.0", doc="Does."),),
            structs={"1.0": (struct("mine_s", "a" / u8, doc="One."),)})
"""


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def test_own_tree_is_found_and_loaded_once() -> None:
    assert source_tree("abi").is_dir() and source_tree("romsrc").is_dir()
    tree = load_abi()
    assert tree is load_abi()
    assert "vmi3" in tree.lines
    assert {"native", "kvm", "xen", "lguest"} <= set(tree.backends)
    assert tree.families[0].family == "vmi"


def test_wheel_layout_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "vmirom"
    write(tmp_path, {"vmirom/_abi/x.py": "", "abi/x.py": "", "romsrc/x": ""})
    monkeypatch.setattr(places, "PACKAGE", package)
    assert source_tree("abi") == package / "_abi"
    assert source_tree("romsrc") == tmp_path / "romsrc"


def test_tree_that_is_nowhere_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "PACKAGE", tmp_path / "vmirom")
    with pytest.raises(AbiError, match="abi/: found neither in the installed package nor beside it"):
        source_tree("abi")


def test_a_draft_may_stand_beside_the_own_tree(tmp_path: Path) -> None:
    draft = load_abi(write(tmp_path, {"mine.py": GOOD, "backends/there.py": GOOD.replace("mine", "there")}))
    assert (list(draft.lines), list(draft.backends)) == (["mine"], ["there"])
    assert draft.resolve("mine").struct("mine_s").size == 1
    assert "vmi3" in load_abi().lines


def test_a_line_may_be_a_package_with_relative_imports(tmp_path: Path) -> None:
    files = {"mine/__init__.py": "from .line import LINE as LINE\n", "mine/line.py": GOOD}
    tree = load_abi(write(tmp_path, files))
    assert list(tree.lines) == ["mine"]


def test_a_backend_may_be_a_package_too(tmp_path: Path) -> None:
    there = GOOD.replace("mine", "there")
    files = {"mine.py": GOOD, "backends/there/__init__.py": "from .b import LINE as LINE\n"}
    tree = load_abi(write(tmp_path, {**files, "backends/there/b.py": there, "backends/words.py": "X = 1\n"}))
    assert (list(tree.lines), list(tree.backends)) == (["mine"], ["there"])


def test_modules_without_a_line_are_let_be(tmp_path: Path) -> None:
    tree = load_abi(write(tmp_path, {"mine.py": GOOD, "words.py": "X = 1\n", "clauses/a.py": "oops("}))
    assert list(tree.lines) == ["mine"]


def test_a_draft_leaves_nothing_behind_and_is_read_anew(tmp_path: Path) -> None:
    """Edited within the same second, to the same length: what counts is the text."""
    before = set(sys.modules)
    assert load_abi(write(tmp_path, {"mine.py": GOOD})).resolve("mine").calls[0].name == "A"
    again = load_abi(write(tmp_path, {"mine.py": GOOD.replace('0, "A"', '0, "B"')}))
    assert again.resolve("mine").calls[0].name == "B"
    assert set(sys.modules) == before
    assert [file.name for file in tmp_path.iterdir()] == ["mine.py"]


def test_two_trees_do_not_mix(tmp_path: Path) -> None:
    other = GOOD.replace("u8", "u16")
    first = load_abi(write(tmp_path / "one", {"mine.py": GOOD}))
    second = load_abi(write(tmp_path / "two", {"mine.py": other}))
    assert (first.resolve("mine").struct("mine_s").size, second.resolve("mine").struct("mine_s").size) == (
        1,
        2,
    )


WRONG = {
    "syntax": ("x = (\n", r"mine\.py:1: "),
    "null byte": ("x = 1\0", r"mine\.py.*null"),
    "exception": ("\nraise RuntimeError('no\\nway')\n", r"mine\.py:2: RuntimeError: no way"),
    "exit": ("import sys\nsys.exit(3)\n", r"mine\.py:2: SystemExit: 3"),
    "import": ("import nowhere_to_be_found\n", r"mine\.py:1: ModuleNotFoundError"),
    "not a line": ("LINE = 3\n", r"mine\.py: LINE is not a vmirom\.schema\.Line"),
    "bad call": (
        'from vmirom.schema import procedure\nprocedure(0, "A", doc="")\n',
        r"mine\.py:2: call A: no doc says what is promised",
    ),
    "bad struct": (
        GOOD.replace('"a" / u8', '"a" / u8, "a" / u8'),
        r"mine\.py: struct mine_s: name 'a' is used",
    ),
    "bad prefix": (GOOD.replace('"mine_s"', '"other_s"'), r"mine\.py: .*other_s does not begin with mine_"),
    "bad version": (GOOD.replace('("1.0",)', '("one",)'), r"mine\.py: version 'one' is not"),
    "bad struct version": (
        GOOD.replace('structs={"1.0"', 'structs={"one"'),
        r"mine\.py: version 'one' is not",
    ),
    "not a construct": (GOOD.replace('struct("mine_s", "a" / u8, doc="One.")', "5"), r"mine\.py: "),
    "no versions": (GOOD.replace('("1.0",)', "()"), r"mine\.py: line mine: no versions"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_trees_are_one_line(case: str, tmp_path: Path) -> None:
    text, rule = WRONG[case]
    with pytest.raises(AbiError, match=rule) as caught:
        load_abi(write(tmp_path, {"mine.py": text}))
    assert "\n" not in str(caught.value)


def test_the_file_of_a_package_is_named(tmp_path: Path) -> None:
    files = {
        "mine/__init__.py": GOOD.replace('struct("mine_s", "a" / u8, doc="One.")', "mine_s").replace(
            "LINE =", "from .structs import mine_s\nLINE ="
        ),
        "mine/structs.py": "from vmirom.schema import struct, u8\n"
        'mine_s = struct("mine_s", "int" / u8, doc="One.")\n',
    }
    with pytest.raises(
        AbiError, match=r"mine/structs\.py: struct mine_s, field int: name 'int' is a C keyword"
    ):
        load_abi(write(tmp_path, files))


def test_the_same_line_twice(tmp_path: Path) -> None:
    with pytest.raises(AbiError, match=r"other\.py: a line called 'mine' exists already"):
        load_abi(write(tmp_path, {"mine.py": GOOD, "other.py": GOOD}))


def test_two_lines_of_one_family(tmp_path: Path) -> None:
    twin = GOOD.replace('"mine", "mine"', '"twin", "mine"')
    with pytest.raises(AbiError, match=r"twin\.py: family 'mine' is that of line mine already"):
        load_abi(write(tmp_path, {"mine.py": GOOD, "twin.py": twin}))


def test_a_historic_line_may_share_a_family(tmp_path: Path) -> None:
    old = GOOD.replace('"mine", "mine"', '"old", "mine"').replace('"Mine.",', '"Mine.", executable=False,')
    tree = load_abi(write(tmp_path, {"mine.py": GOOD, "old.py": old}))
    assert [line.name for line in tree.families] == ["mine"]


def test_empty_and_missing_trees(tmp_path: Path) -> None:
    with pytest.raises(AbiError, match="no module in it declares a LINE"):
        load_abi(tmp_path)
    with pytest.raises(AbiError, match="not a folder"):
        load_abi(tmp_path / "nowhere")


def test_unknown_names_are_one_line() -> None:
    with pytest.raises(AbiError, match="no line or backend is called 'vmi4'"):
        load_abi().resolve("vmi4")
    with pytest.raises(AbiError, match=r"line vmi3 has no version 9\.9 \(it has 3\.0, 3\.1\)"):
        load_abi().resolve("vmi3", "9.9")
    with pytest.raises(AbiError, match="version 'new' is not of the form"):
        load_abi().resolve("vmi3", "new")


def test_lookups_in_a_resolved_line() -> None:
    line = load_abi().resolve("vmi3")
    assert line.call(33) is line.call("IRET")
    assert line.struct("vmi_dtr").field("base").offset == 2
    for look in (line.call, line.struct, line.enum):
        with pytest.raises(KeyError, match=r"vmi3 3\.1 has no"):
            look("X")
    with pytest.raises(KeyError, match="struct vmi_dtr has no field x"):
        line.struct("vmi_dtr").field("x")


def test_resolve_takes_a_version_too() -> None:
    line = load_abi().line("vmi3")
    assert resolve(line, Version.parse("3.0")).version == Version.parse("3.0")
    assert resolve(line).version == line.newest
    with pytest.raises(SchemaError, match="has no version"):
        resolve(line, Version.parse("2.0"))


def test_declarations_import_the_schema_only() -> None:
    """abi/ is data: nothing but vmirom.schema, its own files, and the standard enum and mapping."""
    import ast

    for file in source_tree("abi").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert [alias.name for alias in node.names] == ["enum"], file
            elif isinstance(node, ast.ImportFrom) and not node.level:
                assert node.module in (
                    "vmirom.schema",
                    "vmirom.schema.clauses",
                    "collections.abc",
                    "__future__",
                ), file


def test_overlays_import_without_construct() -> None:
    code = "import sys, vmirom.overlays.xen, vmirom.overlays.vmi; print('construct' in sys.modules)"
    root = Path(vmirom.__file__).parent.parent
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, timeout=60, check=True
    )
    assert done.stdout.strip() == "False"


def test_a_part_of_the_project_s_own_tree_is_as_in_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """What commands load that must answer quickly: the guests' lines, or one backend."""
    whole = load_abi()
    monkeypatch.setattr(tree_module, "_default", None)
    for name in (*whole.lines, *whole.backends):
        part = load_own(name)
        assert set(part.lines) == (set(whole.lines) if name in whole.lines else set())
        assert set(part.backends) <= {name}
        for version in (None, *part.line(name).versions):
            one, other = part.resolve(name, version), whole.resolve(name, version)
            assert (one.calls, one.hypercalls, one.structs, one.enums) == (
                other.calls, other.hypercalls, other.structs, other.enums,
            )  # fmt: skip
    monkeypatch.setattr(tree_module, "_default", whole)
    with pytest.raises(AbiError, match="no line or backend is called 'vmi4'"):
        load_own("vmi4").line("vmi4")
