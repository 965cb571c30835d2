"""What can be wrong with what a user names: one line, exit code 2, and an end within bounds."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from vmirom.cli.main import cli
from vmirom.compat import CompatError, load
from vmirom.compat.policy.suppressions import read_suppressions
from vmirom.files import read_bounded
from vmirom.schema import AbiError
from vmirom.schema.tree import load_abi, source_tree
from vmirom.schema.trial import try_tree

LOCK = source_tree("abi") / "locks" / "vmi3-3.0.json"
GOOD = """
from vmirom.schema import Line, procedure, struct, u8
LINE = Line("mine", "mine", ("1.0",), "Mine.", executable=False,
            calls=(procedure(0, "A", since="1.0", doc="Does."),))
"""
CYCLE = """
from vmirom.schema import Line, struct, u8
inner = struct("mine_s", "a" / u8, doc="One.")
inner.subcons.append("b" / inner)
LINE = Line("mine", "mine", ("1.0",), "Mine.", structs={"1.0": (inner,)}, executable=False)
"""


def refused(*arguments: str | Path) -> str:
    """The one line that a command gives."""
    result = CliRunner().invoke(cli, [str(each) for each in arguments])
    assert result.exit_code == 2 and result.stdout == "", result.output
    assert result.stderr.startswith("vmirom: ") and result.stderr.count("\n") == 1, result.stderr
    return result.stderr.removeprefix("vmirom: ").rstrip("\n")


# -- files -----------------------------------------------------------------------------------------------


def test_a_pipe_that_nobody_writes_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "neither a lock" in refused("abi", "diff", "vmi3@3.0", pipe)
    assert read_suppressions(pipe) == ()
    locks = tmp_path / "locks"
    locks.mkdir()
    os.mkfifo(locks / "vmi3-3.1.json")
    assert refused("abi", "check", "--locks", locks).startswith(f"{locks / 'vmi3-3.1.json'}: line 1")


def test_a_pipe_whose_writer_says_nothing_is_given_up(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    handle = os.open(pipe, os.O_RDWR)
    try:
        with pytest.raises(TimeoutError, match=r"nothing came for 0\.1 s"):
            read_bounded(pipe, 100, patience=0.1)
    finally:
        os.close(handle)


def test_a_pipe_is_read_as_it_is_written(tmp_path: Path) -> None:
    """What a shell gives for ``<(git show HEAD:abi/locks/...)``."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # so that the writer needn't wait for load
    writer = threading.Thread(target=lambda: pipe.write_bytes(LOCK.read_bytes()))
    opened = os.open(pipe, os.O_WRONLY)
    writer.start()
    try:
        closer = threading.Thread(target=lambda: (writer.join(), os.close(opened)))
        closer.start()
        assert load(str(pipe)).version == "3.0"
        closer.join()
    finally:
        os.close(reader)  # not before: a pipe that nobody reads breaks under its writer
        writer.join()


@pytest.mark.parametrize("limit", [0, 1, 99, 100, 101])
def test_reading_stops_behind_the_limit(limit: int, tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(bytes(100))
    assert len(read_bounded(file, limit)) == min(100, limit + 1)


def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "gone").symlink_to("nowhere")
    assert refused("abi", "diff", "vmi3", tmp_path / "loop").endswith("Too many levels of symbolic links")
    assert refused("abi", "diff", "vmi3", tmp_path / "gone").endswith("No such file or directory")


def test_a_device_without_an_end() -> None:
    if not Path("/dev/zero").exists():
        pytest.skip("no /dev/zero here (Linux has it)")
    assert refused("abi", "diff", "vmi3", "/dev/zero") == "/dev/zero: size: more than 64 MiB"


def lock(parts: str) -> str:
    return f'{{"line": "a", "version": "1.0", {parts}}}'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (lock('"calls": [{"number": NaN, "name": "x"}]'), "Expected `int`, got `float`"),
        (lock('"enums": {"E": {"members": {"x": 1e400}}}'), "Expected `int`"),
        (lock(f'"enums": {{"E": {{"members": {{"x": {1 << 64}}}}}}}'), "enums.E.x: a number of 65 bits"),
        (lock(f'"enums": {{"E": {{"members": {{"x": {-(1 << 70)}}}}}}}'), "64 are the most"),
        (lock('"clauses": {"X": ' + "[" * 90000 + "]" * 90000 + "}"), "nested too deeply"),
        (lock('"clauses": {"X": {"text": "\\ud800"}}'), "\\ud800: half of a surrogate pair is no text"),
        (lock('"clauses": {"X": {"text": "\\uDFFF."}}'), "\\udfff: half of a surrogate pair is no text"),
        (lock('"calls": [{"number": 1, "name": "A", "kind": "' + "x" * 9000 + '"}]'), "kind: Expected `str`"),
        (lock(f'"{"x" * 9000}": 1, "{"x" * 9000}": 2'), "occurs twice in one object"),
        ("{" + " " * (8 << 20) + "}", "size: more than 8 MiB, which no lock has"),
        ("\ufeff{}", "neither a lock"),
        ("\0" * 64, "neither a lock"),
    ],
    ids="nan infinite huge negative deep half-low half-high long-word long-key large bom nul".split(),  # noqa: SIM905
)  # fmt: skip
def test_odd_numbers_and_bytes(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "lock.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CompatError) as caught:
        load(str(file))
    assert words in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 500


def test_bytes_that_are_a_half_of_a_pair(tmp_path: Path) -> None:
    file = tmp_path / "lock.json"
    file.write_bytes(b'{"line": "\xed\xa0\x80", "version": "1.0"}')
    with pytest.raises(CompatError, match="byte 10: not UTF-8"):
        load(str(file))


# -- declarations ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("raise RuntimeError('no\\nway')", "mine.py:1: RuntimeError: no way"),
        ("class X(BaseException): pass\nraise X('odd')", "mine.py:2: X: odd"),
        ("import sys; sys.exit(0)", "mine.py:1: SystemExit: 0"),
        ("import os; os._exit(0)", "a declaration ended the process that loaded it"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "a declaration ended the process"),
        ("x = 'a' * (10 ** 11)", "mine.py:1: MemoryError"),
        ("def f(): return f()\nf()", "mine.py:1: RecursionError"),
        (CYCLE, "mine.py: LINE: struct mine_s contains itself"),
        ("import os\nos.fork()", "mine.py:2: a declaration starts no process and no thread"),
        ("import subprocess\nsubprocess.run(['true'])", "mine.py:2: a declaration starts no process"),
        ("import os\nos.system('true')", "mine.py:2: a declaration starts no process"),
        (
            f"import threading, time\nthreading.Thread(target=time.sleep, args=[60]).start()\n{GOOD}",
            "no thread",
        ),
        ("print('noise')\n1 / 0", "mine.py:2: ZeroDivisionError"),
    ],
    ids=lambda value: value.split("(")[0][:20],
)
def test_a_declaration_that_misbehaves(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(text)
    for command in (("diff", "mine", "mine"), ("lint", "mine"), ("list",), ("show",), ("check",)):
        assert words in refused("abi", *command, "--abi-dir", tmp_path)


def test_a_declaration_that_never_ends(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("while True: pass")
    with pytest.raises(AbiError, match=r"not loaded after 0\.3 s; a declaration that never ends\?"):
        try_tree(tmp_path, patience=0.3)


def test_what_a_declaration_prints_is_nobody_s_output(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(f"import sys\nprint('noise')\nprint('noise', file=sys.stderr)\n{GOOD}")
    result = CliRunner().invoke(cli, ["abi", "diff", "mine", "mine", "--abi-dir", str(tmp_path), "--json"])
    assert result.exit_code == 0 and json.loads(result.stdout)["severity"] is None
    assert "noise" not in result.output


def test_a_good_tree_is_tried_and_loaded(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(GOOD)
    try_tree(tmp_path)
    assert load("mine", tmp_path).calls[0].name == "A"


def test_two_lines_of_one_name(tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(GOOD)
    assert refused("abi", "diff", "mine", "mine", "--abi-dir", tmp_path).endswith(
        "b.py: a line called 'mine' exists already"
    )


def test_an_interrupt_is_nobody_s_fault(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_abi(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import os; os._exit(3)", "a declaration ended the process that loaded it"),
        ("raise RuntimeError('no\\nway')", "mine.py:1: RuntimeError: no way"),
        ("while True: pass", "not loaded after 2 s"),
        (GOOD, ""),
    ],
    ids=["ends", "raises", "never ends", "good"],
)
def test_a_process_with_threads_is_not_forked_but_tries_as_well(
    text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(text)
    monkeypatch.delattr(os, "fork")
    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    said = ""
    try:
        try_tree(tmp_path, patience=2.0 if "while" in text else 100.0)
    except AbiError as error:
        said = str(error)
    finally:
        done.set()
        other.join()
    assert words in said and bool(words) == bool(said)
