"""The historic lines, held against what the published lists count and say."""

from vmirom.schema.tree import load_abi

TREE = load_abi()
SIX = TREE.resolve("vmi6", "6.1")
THIRTEEN = TREE.resolve("vmi13", "13.0")


def test_numbers_run_without_a_gap() -> None:
    assert [call.number for call in SIX.calls] == list(range(4, 100))
    assert [call.number for call in THIRTEEN.calls] == list(range(4, 85))


def test_defects_of_6_1_are_kept() -> None:
    unbound = [call.name for call in SIX.calls for a in call.arguments or () if not a.place]
    assert unbound == ["Reboot", "SetDeferredMode", "OUT_20", "OUT_21", "OUT_a0", "OUT_a1"]
    assert [output.name for output in SIX.call("CPUID").outputs] == ["eax", "b", "c", "c"]


def test_calls_that_differ_between_the_lines() -> None:
    places = [(a.name, a.place) for a in THIRTEEN.call("SetPxE").arguments or ()]
    assert places == [("ptep", "EAX"), ("pte", "EDX")]
    assert [a.name for a in THIRTEEN.call("UpdateKernelStack").arguments or ()] == ["tss", "esp0"]
    assert [a.name for a in SIX.call("UpdateKernelStack").arguments or ()] == ["ss0", "esp0"]
    assert SIX.call("STI").segments == ("CS", "SS")
    assert SIX.call("IRET16").segments == ()
    assert THIRTEEN.call("GetPxELong").kind is None
    assert THIRTEEN.call("INVD").clobbers is None


def test_headers_are_those_of_the_published_lists() -> None:
    six, thirteen = SIX.struct("vmi_rom_header"), THIRTEEN.struct("vmi_rom_header")
    assert (six.size, thirteen.size) == (128, 128)
    assert six.field("data_pages").offset == 14
    assert six.field("elf_header").offset == 64
    assert thirteen.field("reserved0").offset == 14
    assert THIRTEEN.struct("vmi_ap_state").size == 92


def test_history_is_not_built() -> None:
    assert [line.name for line in TREE.families if line.name in ("vmi6", "vmi13")] == []
    assert SIX.line.slots is not None
    assert SIX.line.slots.size == 32
