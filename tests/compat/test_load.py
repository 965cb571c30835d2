"""Where declarations come from, and the one line that each bad source gets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compat.bases import base
from tests.effort import examples
from vmirom.compat import CompatError, Dispatch, diff, from_bytes, lint, load
from vmirom.schema.tree import source_tree

LOCK = source_tree("abi") / "locks" / "vmi3-3.0.json"
ROM = source_tree("romsrc") / "blobs" / "vmi3-3.1-xen.rom"
GUEST = source_tree("romsrc") / "blobs" / "reference.elf"


def refused(data: bytes) -> str:
    with pytest.raises(CompatError) as caught:
        from_bytes(data, "side")
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith("side: ")
    return text


def edited(edit: Callable[[dict[str, Any]], object]) -> bytes:
    plain = json.loads(LOCK.read_bytes())
    edit(plain)
    return json.dumps(plain).encode()


def test_a_lock_says_what_the_tree_says() -> None:
    assert diff(load("vmi3@3.0"), load(str(LOCK))).findings == ()
    assert diff(load(str(LOCK)), load("vmi3@3.0")).findings == ()


def test_a_line_without_a_version_is_its_newest() -> None:
    assert load("vmi3").version == "3.1"
    assert load("vmi6").mechanism.dispatch is Dispatch.SLOTS


def test_a_rom_is_the_version_that_it_tells() -> None:
    rom = load(str(ROM))
    assert (rom.line, rom.version, rom.source) == ("vmi3", "3.1", str(ROM))
    assert diff(load("vmi3@3.1"), rom).findings == ()


def test_a_rom_with_fewer_slots_lacks_calls() -> None:
    older = load(str(ROM.with_name("vmi3-3.0-xen.rom")))
    removed = {f.place for f in diff(load(str(ROM)), older).findings if f.rule == "call-removed"}
    assert removed == {"call/GetRomInfo", "call/GetCallInfo", "call/SetCounters"}


def test_another_vendor_in_a_rom_is_seen() -> None:
    data = bytearray(ROM.read_bytes())
    at = int.from_bytes(data[24:26], "little") + 4
    data[at] ^= 0x01
    data[6] = (data[6] - sum(data)) & 0xFF  # a byte of the 16-bit entry keeps the checksum
    rom = from_bytes(bytes(data), "side")
    found = [f for f in diff(load(str(ROM)), rom).findings if f.rule == "identity-changed"]
    assert [f.place for f in found] == ["identity/pci_vendor"]


def test_a_licence_that_guests_refuse_is_breaking() -> None:
    data = bytearray(ROM.read_bytes())
    at = data.index(b"GPL", 32)
    data[at : at + 3] = b"ABC"
    data[6] = (data[6] - sum(data)) & 0xFF
    report = diff(load("vmi3@3.1"), from_bytes(bytes(data), "side"))
    found = {f.place: f.severity.value for f in report.findings if f.rule == "identity-changed"}
    assert found == {"identity/licence": "breaking"}


def test_a_guest_is_the_version_that_it_needs() -> None:
    guest = load(str(GUEST))
    assert guest.line == "vmi3"
    assert any("a guest made for" in note for note in guest.notes)


def test_hypercalls_of_a_backend_are_calls() -> None:
    kvm = load("kvm")
    assert kvm.mechanism.dispatch is Dispatch.HYPERCALL
    assert diff(kvm, kvm).findings == ()


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda d: d.pop("line"), "missing required field `line`"),
        (lambda d: d.update(line=7), "line: Expected `str`, got `int`"),
        (lambda d: d.update(more=1), "unknown field `more`"),
        (lambda d: d.update(version="three"), "version: "),
        (lambda d: d["calls"][3].update(number="3"), "calls[3].number: Expected `int`, got `str`"),
        (lambda d: d["calls"][3].update(number=-1), "calls[3].number: "),
        (lambda d: d["calls"][3].update(number=1 << 40), "calls[3].number: "),
        (lambda d: d["calls"][3].update(name=d["calls"][4]["name"]), "name: used twice"),
        (lambda d: d["calls"][3].update(kind="hop"), "kind: 'hop'"),
        (lambda d: d["calls"][3]["arguments"][0].update(place="XAX"), "arguments[0].place: 'XAX'"),
        (lambda d: d["calls"][3]["arguments"][0].update(place="EAX:RDX"), "arguments[0].place: 'EAX:RDX'"),
        (lambda d: d["calls"][3]["arguments"][0].update(place="EAX:EAX"), "arguments[0].place: 'EAX:EAX'"),
        (lambda d: d["calls"][3].update(clobbers=["XMM0"]), "clobbers: 'XMM0'"),
        (lambda d: d["calls"][3].update(segments=["CS", "QS"]), "segments: 'QS'"),
        (lambda d: d["structs"]["vmi_dtr"].update(size=-1), "structs[...].size: "),
        (lambda d: d["structs"]["vmi_dtr"]["fields"][0].update(type="struct vmi_dtr"), "contains itself"),
        (lambda d: d["structs"]["vmi_dtr"]["fields"][0].update(name="base"), "field 'base' is there twice"),
        (lambda d: d["enums"]["Counter"].update(members=[1]), "enums[...].members: Expected `object`"),
        (lambda d: d.update(clauses={"VMI-Q-01": 5}), "clauses.VMI-Q-01: "),
    ],
)
def test_a_lock_that_breaks_a_rule(edit: Callable[[dict[str, Any]], object], words: str) -> None:
    assert words in refused(edited(edit))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "neither a lock"),
        (b"{", "line 1, column 2: not JSON"),
        (b"[]", "Expected `object`, got `array`"),
        (b'{"line": "a", "line": "b"}', "key 'line': occurs twice"),
        (b'{"line": "\xff"}', "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"line": ' + b"9" * 5000 + b"}", "4300 digits"),
        (ROM.read_bytes()[:20], "hold no ROM header"),
        (ROM.read_bytes()[: ROM.stat().st_size // 2], "bytes are announced"),
        (ROM.read_bytes()[:40] + b"\1" + ROM.read_bytes()[41:], "side: "),
        (b"\x55\xaa\x01" + bytes(9) + b"\x07\x63" + bytes(498), "99.7 is of no line that is declared"),
        (GUEST.read_bytes()[:100], "side: "),
        (b"\x7fELF", "side: "),
    ],
    ids=lambda value: value[:12].decode("latin-1") if isinstance(value, bytes) else value[:20],
)
def test_bytes_that_are_no_side(data: bytes, words: str) -> None:
    assert words in refused(data)


def test_more_calls_than_any_abi_has() -> None:
    def many(d: dict[str, Any]) -> None:
        d["calls"] = [{"number": n, "name": f"C{n}"} for n in range(2000)]

    assert "calls: Expected `array` of length <= 1024" in refused(edited(many))


ODD: list[Any] = [
    *(None, True, -1, 0, 1 << 31, 1 << 64, -(1 << 70), 10**400, 1.5, float("nan"), float("inf")),
    *("", "EAX", "EDX:EAX", "st0", "x" * 200, "x" * 9000, "\ud800", "\0", "\n", "struct vmi_rom_header"),
    *([], [[]], [None], ["EAX", "EAX"], {}, {"a": 1}, {"": {}}),
]


@examples(150)
@given(st.data())
def test_a_lock_edited_anywhere_is_read_or_refused_in_a_line(data: st.DataObject) -> None:
    """One value somewhere in a lock is replaced: what is read can be compared and examined."""
    plain = json.loads(LOCK.read_bytes())
    node: Any = plain
    while True:
        keys = sorted(node) if isinstance(node, dict) else list(range(len(node)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(node[key], dict | list) or not node[key] or data.draw(st.integers(0, 9)) == 0:
            break
        node = node[key]
    node[key] = data.draw(st.sampled_from(ODD))
    text = json.dumps(plain)
    if data.draw(st.booleans()):  # and the text itself is damaged
        at, more = (
            data.draw(st.integers(0, len(text))),
            data.draw(st.sampled_from(["", ",", "}", '"', "NaN", "1e999"])),
        )
        text = text[:at] + more + text[at + data.draw(st.integers(0, 2)) :]
    try:
        side = from_bytes(text.encode(), "side")
    except CompatError as error:
        assert "\n" not in str(error) and len(str(error)) < 1000
        return
    diff(base("vmi3@3.1"), side)
    diff(side, base("vmi13@13.0"))
    lint(side)


def test_a_ring_of_structs_is_refused() -> None:
    def ring(d: dict[str, Any]) -> None:
        field = {"name": "x", "offset": 0, "size": 4}
        for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
            d["structs"][f"vmi_{name}"] = {"size": 4, "fields": [{**field, "type": f"struct vmi_{other}"}]}

    assert "contains itself (vmi_a > vmi_b > vmi_c > vmi_a)" in refused(edited(ring))


def test_too_large_a_file_is_not_read(tmp_path: Path) -> None:
    large = tmp_path / "large.json"
    with large.open("wb") as file:
        file.truncate(100 << 20)
    with pytest.raises(CompatError, match="size: more than 64 MiB"):
        load(str(large))


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("nobody", "no line or backend is called 'nobody'"),
        ("vmi3@9.9", "has no version 9.9"),
        ("vmi3@x", "version 'x'"),
        ("vmi3@", "not of the form LINE@VERSION"),
        ("no/such.json", "no such file"),
        ("a\0b", "line"),
    ],
)
def test_names_of_nothing(what: str, words: str) -> None:
    with pytest.raises(CompatError, match=words):
        load(what)


def test_a_folder_is_no_side(tmp_path: Path) -> None:
    with pytest.raises(CompatError, match="a folder"):
        load(str(tmp_path))


def test_a_tree_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from vmirom.schema import Argument, Line, Slots, procedure\n"
        "LINE = Line('mine', 'mine', ('1.0',), 'Mine.', executable=False, slots=Slots(16, 8),\n"
        "  calls=(procedure(1, 'Go', Argument('how', 'UINT32', 'EAX'), doc='Goes.', since='1.0'),))\n"
    )
    mine = load("mine@1.0", tmp_path)
    assert [call.name for call in mine.calls] == ["Go"]
    assert mine.mechanism.slot_size == 16
    assert diff(base(), mine).severity is not None


@pytest.mark.parametrize(
    "text", ["raise RuntimeError('no')", "import sys; sys.exit(3)", "1/0", "LINE = 5", "("]
)
def test_a_declaration_that_raises(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(CompatError, match=r"mine\.py"):
        load("mine", tmp_path)


TABLE = {
    "abi": "VMI",
    "arch": "i386",
    "version": {"major": 13, "minor": 0},
    "signature": "0x696d5663",
    "dispatch": {
        "kind": "slots",
        "slot_size": 32,
        "table_offset": 0,
        "table_slots": 128,
        "reserved_slots": [0, 3],
    },
    "header": {
        "size": 20,
        "fields": [
            {"name": "rom_signature", "offset": 0, "size": 2},
            {"name": "rom_pad0", "offset": 2, "size": 6},
            {"name": "vrom_signature", "offset": 8, "size": 4},
            {"name": "reserved1", "offset": 12, "size": 8},
        ],
    },
    "structs": {},
    "constants": {"VMI_PAGE_PT": 1, "VMI_PAGE_PD": 2, "VMI_FLUSH_TLB": 1},
    "calls": [
        {
            "number": 45,
            "name": "SetPxE",
            "kind": "proc",
            "args": [
                {"name": "ptep", "type": "PTE *", "register": "EAX"},
                {"name": "pte", "type": "PTE", "stack": 0},
            ],
            "returns": None,
            "clobbers": ["EAX", "flags"],
            "segments": ["CS"],
            "notes": "as posted",
        },
        {
            "number": 46,
            "name": "GetPxE",
            "kind": None,
            "args": None,
            "returns": None,
            "clobbers": None,
            "segments": None,
        },
        {
            "number": 5,
            "name": "CPUID",
            "kind": "func",
            "args": [],
            "returns": {"type": "UINT32", "register": "EAX"},
            "clobbers": [],
            "segments": [],
            "outputs": [{"name": "b", "register": "EBX"}],
        },
    ],
}
"""A published call table, in the form in which the lists of history are handed on."""


def table(**changes: object) -> bytes:
    return json.dumps({**TABLE, **changes}).encode()


def test_a_published_table_is_a_side() -> None:
    made = from_bytes(table(), "t.json")
    assert (made.line, made.version, made.mechanism.first_slot) == ("vmi13", "13.0", 4)
    assert made.mechanism.dispatch is Dispatch.SLOTS and made.mechanism.slot_size == 32
    by_name = {call.name: call for call in made.calls}
    places = [(value.name, value.place) for value in by_name["SetPxE"].arguments or ()]
    assert places == [("ptep", "EAX"), ("pte", "st0")]
    assert not by_name["GetPxE"].published
    assert [value.place for value in by_name["CPUID"].results or ()] == ["EAX", "EBX"]
    assert made.header is not None
    assert [field.reserved for field in made.header.fields] == [False, True, False, True]
    assert {each.name: dict(each.members) for each in made.enums if each.name != "RomHeader"} == {
        "PAGE": {"PT": 1, "PD": 2},
        "FLUSH": {"TLB": 1},
    }
    assert made.identity == {"vrom_signature": "0x696d5663"} and made.unstated == frozenset()
    assert "grouped by their names" in made.notes[0]


def test_tables_are_compared_like_anything_else() -> None:
    """13.3's way, from one list to the next: the old call kept, its name given to a new one."""
    new = [
        {**TABLE["calls"][0], "name": "SetPxE0"},  # type: ignore[index]
        *TABLE["calls"][1:],  # type: ignore[index]
        {
            "number": 86,
            "name": "SetPxE",
            "kind": "proc",
            "args": [
                {"name": "pte", "type": "PTE", "register": "EAX"},
                {"name": "ptep", "type": "PTE *", "register": "EDX"},
                {"name": "flags", "type": "UINT32", "register": "ECX"},
            ],
            "returns": None,
            "clobbers": [],
            "segments": [],
        },
    ]
    later = table(version={"major": 13, "minor": 3}, calls=new)
    report = diff(from_bytes(table(), "a"), from_bytes(later, "b"))
    assert {f.rule for f in report.findings} == {"call-renamed", "name-reused"}
    assert report.severity is not None and report.severity.value == "risky"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"version": "13.0"}, "version: Expected `object`, got `str`"),
        ({"calls": [{"number": "x", "name": "A"}]}, "calls[0].number: Expected `int`"),
        ({"calls": [{"number": 1, "name": "A", "kind": "hop"}]}, "calls[0].kind: Invalid enum value 'hop'"),
        ({"calls": [{"number": 1, "name": "A"}] * 2}, "name: used twice"),
        ({"constants": {"VMI_A_B": 1 << 70}}, "a number of 71 bits"),
        ({"signature": "0xzz"}, "signature"),
    ],
)
def test_a_table_that_breaks_a_rule(changes: dict[str, object], words: str) -> None:
    assert words in refused(table(**changes))


def test_what_a_lock_leaves_out_is_not_compared() -> None:
    bare = from_bytes(b'{"line": "vmi3", "version": "3.1"}', "side")
    assert bare.unstated == {"calls", "structs", "enums"}
    report = diff(base(), bare)
    assert report.findings == ()
    assert any("side says nothing of calls and enums and structs" in note for note in report.notes)
    empty = from_bytes(b'{"line": "vmi3", "version": "4.0", "structs": {}}', "side")
    assert {f.rule for f in diff(base(), empty).findings} == {"header-field-removed", "struct-removed"}
