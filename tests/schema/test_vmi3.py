"""Our VMI 3.0 against the facts gathered from the Linux guest, call by call; and what 3.1 adds."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.schema.lines import TREE
from tests.strategies import arguments_of
from vmirom.generate import slot_rows
from vmirom.schema import Kind
from vmirom.schema.calls import width

FACTS: dict[str, Any] = json.loads((Path(__file__).parent / "data/vmi-3.0.json").read_text(encoding="utf-8"))
OLD = TREE.resolve("vmi3", "3.0")
NEW = TREE.resolve("vmi3", "3.1")
KINDS = {"func": "function", "proc": "procedure", "jump": "jump", None: None}
CALLS = [pytest.param(fact, id=fact["name"]) for fact in FACTS["calls"]]


def test_all_numbers_and_no_other() -> None:
    assert [(call.number, call.name) for call in OLD.calls] == [
        (f["number"], f["name"]) for f in FACTS["calls"]
    ]
    assert [call.number for call in OLD.calls] == list(range(74))


@pytest.mark.parametrize("fact", CALLS)
def test_kind(fact: dict[str, Any]) -> None:
    kind = OLD.call(fact["number"]).kind
    assert (kind.value if kind else None) == KINDS[fact["kind"]]


@pytest.mark.parametrize("fact", CALLS)
def test_arguments(fact: dict[str, Any]) -> None:
    call = OLD.call(fact["number"])
    if fact["args"] is None:
        assert call.arguments is None
        return
    told = [
        (a["name"], a["type"], a["register"] if "register" in a else f"st{a['stack']}") for a in fact["args"]
    ]
    assert [(a.name, a.type, a.place) for a in call.arguments or ()] == told


@pytest.mark.parametrize("fact", CALLS)
def test_results(fact: dict[str, Any]) -> None:
    call = OLD.call(fact["number"])
    returns = fact["returns"]
    ours = call.result and (call.result.type, call.result.place)
    assert ours == (returns and (returns["type"], returns["register"]))
    outputs = [(o["name"], o["register"]) for o in fact.get("outputs") or ()]
    assert [(o.name, o.place) for o in call.outputs] == outputs


@pytest.mark.parametrize("fact", CALLS)
def test_clobbers_and_segments(fact: dict[str, Any]) -> None:
    call = OLD.call(fact["number"])
    assert (None if call.clobbers is None else list(call.clobbers)) == fact["clobbers"]
    assert (None if call.segments is None else list(call.segments)) == fact["segments"]


def test_header_and_structs() -> None:
    header = OLD.struct("vmi_rom_header")
    assert header.size == FACTS["header"]["size"]
    told = [(f["name"], f["offset"], f["size"]) for f in FACTS["header"]["fields"]]
    assert [(f.name, f.offset, f.size) for f in header.fields] == told
    state = FACTS["structs"]["APState"]
    assert OLD.struct("vmi_ap_state").size == state["size"]
    ours = [(f.name, f.offset, f.size) for f in OLD.struct("vmi_ap_state").fields if not f.reserved]
    assert ours == [(f["name"], f["offset"], f["size"]) for f in state["fields"]]


# the facts file's names -> enumeration and member; the rest follow from a prefix
CONSTANTS = {
    "VMI_PAGE_PT": ("PageType", "PT"),
    "VMI_PAGE_PD": ("PageType", "PD"),
    "VMI_PAGE_PDP": ("PageType", "PDP"),
    "VMI_PAGE_PML4": ("PageType", "PML4"),
    "VMI_PAGE_PAE": ("AllocFlag", "PAE"),
    "VMI_PAGE_CLONE": ("AllocFlag", "CLONE"),
    "VMI_PAGE_ZEROED": ("AllocFlag", "ZEROED"),
    "VMI_PAGE_CURRENT_AS": ("PteFlag", "CURRENT_AS"),
    "VMI_PAGE_DEFER": ("PteFlag", "DEFER"),
    "VMI_PAGE_VA_MASK": ("PteMask", "VA"),
    "VMI_FLUSH_TLB": ("FlushTlb", "TLB"),
    "VMI_FLUSH_GLOBAL": ("FlushTlb", "GLOBAL"),
    "VMI_CYCLES_REAL": ("Counter", "REAL"),
    "VMI_CYCLES_AVAILABLE": ("Counter", "AVAILABLE"),
    "VMI_CYCLES_STOLEN": ("Counter", "STOLEN"),
    "VMI_ALARM_COUNTER_MASK": ("Alarm", "COUNTER_MASK"),
    "VMI_ALARM_IS_PERIODIC": ("Alarm", "PERIODIC"),
    "VMI_ALARM_WIRED_LVTT": ("Alarm", "WIRED_LVTT"),
}


def test_constants() -> None:
    for name, value in FACTS["constants"].items():
        if name in ("VMI_ALARM_WIRED_IRQ0", "VMI_ALARM_IS_ONESHOT"):
            assert value == 0  # the absence of a flag, which we have no member for
            continue
        row, member = CONSTANTS[name]
        assert dict(OLD.enum(row).members)[member] == value, name
    relocations = FACTS["dispatch"]["relocation_types"]
    assert dict(OLD.enum("Reloc").members) == relocations
    header = dict(OLD.enum("RomHeader").members)
    assert header["VROM_SIGNATURE"] == int(FACTS["signature"], 16)
    assert header["INIT_OFFSET"] == FACTS["dispatch"]["init_offset"]
    assert header["GET_RELOC_OFFSET"] == FACTS["dispatch"]["get_reloc_offset"]


def test_3_1_only_adds() -> None:
    assert NEW.calls[: len(OLD.calls)] == OLD.calls
    assert [(call.number, call.name) for call in NEW.calls[74:]] == [
        (74, "GetRomInfo"),
        (75, "GetCallInfo"),
        (76, "SetCounters"),
    ]
    assert all(str(call.since) == "3.1" for call in NEW.calls[74:])
    assert NEW.structs[: len(OLD.structs)] == OLD.structs
    assert NEW.enums[1 : len(OLD.enums)] == OLD.enums[1:]


def test_3_1_fits_into_what_3_0_left_reserved() -> None:
    hole = OLD.struct("vmi_rom_header").field("reserved")
    assert NEW.struct("vmi_rom_private").size <= hole.size
    assert not hole.zero, "a 3.1 ROM must not be reported for using it"


def test_every_call_says_what_it_promises() -> None:
    for call in NEW.calls:
        sentences = call.doc.replace("st0", "").split(". ")
        assert 1 <= len(sentences) <= 3, call.name
        assert call.doc.endswith("."), call.name
        assert call.group in ("cpu", "descriptors", "interrupts", "mmu", "io", "time", "smp", "system")


def test_values_of_arguments_are_declared() -> None:
    names = {row.name for row in NEW.enums}
    for call in NEW.calls:
        results = (call.result,) if call.result else ()
        for part in (*(call.arguments or ()), *call.outputs, *results):
            assert set(part.values) <= names, f"{call.name}.{part.name}"


def test_preserved_registers() -> None:
    assert OLD.call("SetCR3").preserved == ("EBX", "EBP", "ESI", "EDI")
    assert OLD.call("EnableInterrupts").preserved == ("EAX", "ECX", "EDX", "EBX", "EBP", "ESI", "EDI")
    assert OLD.call("GetInterruptMask").preserved == ("ECX", "EDX", "EBX", "EBP", "ESI", "EDI")
    assert OLD.call("CPUID").preserved == ("EBP", "ESI", "EDI")
    assert OLD.call("INSB").preserved == ("EAX", "EDX", "EBX", "EBP", "ESI")
    assert OLD.call("SetCallbacks").preserved is None


def test_stack_bytes() -> None:
    told = {"SetAlarm": 8, "AllocatePage": 8, "WriteGDTEntry": 4, "SetPxELong": 4, "SetCR3": 0, "IRET": 36}
    assert {name: OLD.call(name).stack_bytes for name in told} == told


def test_slot_rows() -> None:
    rows = slot_rows()
    assert rows == slot_rows("3.1")
    assert [number for number, _, _ in rows] == list(range(77))
    assert rows[33] == (33, "IRET", "jump") and rows[42] == (42, "MachineToPhysical", "unpublished")
    assert rows[29][2] == "procedure" and rows[31][2] == "function"
    assert len(slot_rows("3.0")) == 74
    assert {kind for _, _, kind in rows} == {*(kind.value for kind in Kind), "unpublished"}


def test_groups_are_files() -> None:
    folder = TREE.folder / "vmi3"
    groups = {call.group for call in NEW.calls}
    assert groups == {file.stem for file in folder.glob("*.py")} - {"__init__", "constants", "structs"}


@given(data=st.data())
@pytest.mark.parametrize("name", ["SetPxELong", "SetAlarm", "FlushTLB", "SetLDT"])
def test_drawn_arguments_fit_their_types(name: str, data: st.DataObject) -> None:
    call = NEW.call(name)
    values = data.draw(arguments_of(call))
    for argument in call.arguments or ():
        bits = width(argument.type)
        low = -(1 << (bits - 1)) if argument.ctype.startswith("s") else 0
        assert low <= values[argument.name] < 1 << bits
