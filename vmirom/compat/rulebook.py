"""Every rule of the comparison: id, title, usual severity, who breaks, and why it matters in the field."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from vmirom.compat.findings import Breaks, RuleInfo, Severity

__all__ = ["RULES", "rule"]

_BREAKING, _RISKY, _COMPATIBLE = Severity.BREAKING, Severity.RISKY, Severity.COMPATIBLE
_OLD, _NEW, _BOTH, _NONE = Breaks.OLD_GUEST, Breaks.NEW_GUEST, Breaks.BOTH, Breaks.NONE


def rule(rule_id: str) -> RuleInfo:
    """A rule by id. Raises KeyError."""
    return RULES[rule_id]


_CALLS = (
    RuleInfo(
        "call-removed",
        "Call removed",
        _BREAKING,
        _OLD,
        "A guest in the field that makes the call finds nothing behind its number.",
        "call-added",
    ),
    RuleInfo(
        "call-added",
        "Call added",
        _COMPATIBLE,
        _NEW,
        "No guest in the field knows the number. A guest that needs it asks for the minor that has it.",
        "call-removed",
    ),
    RuleInfo(
        "call-renamed",
        "Call renamed in place",
        _COMPATIBLE,
        _NONE,
        "Names don't cross the interface: number and contract are what they were.",
    ),
    RuleInfo(
        "call-renumbered",
        "Call renumbered",
        _BREAKING,
        _BOTH,
        "Guest and ROM made for different versions mean different numbers by the same call.",
    ),
    RuleInfo(
        "call-renamed-and-renumbered",
        "Call renamed and renumbered",
        _BREAKING,
        _BOTH,
        "The same contract under another name and number: to a guest in the field it has moved.",
    ),
    RuleInfo(
        "calls-swapped",
        "Two calls exchanged numbers",
        _BREAKING,
        _BOTH,
        "Silent: both numbers still answer, each with the other call.",
    ),
    RuleInfo(
        "number-reused",
        "Number reused for another call",
        _BREAKING,
        _BOTH,
        "Silent: the number answers, and does something else.",
    ),
    RuleInfo(
        "name-reused",
        "Name reused for another call",
        _BREAKING,
        _BOTH,
        "What is called so now is another function under another number; source for one means the other.",
    ),
    RuleInfo(
        "call-kind-changed",
        "Call comes back, or no longer does",
        _BREAKING,
        _BOTH,
        "A call that returns and one that doesn't are entered differently and leave another stack behind.",
    ),
    RuleInfo(
        "gate-added",
        "Call needs a feature now",
        _BREAKING,
        _OLD,
        "A guest in the field makes the call without asking, and finds nothing where the feature is off.",
        "gate-lifted",
    ),
    RuleInfo(
        "gate-lifted",
        "Call no longer needs a feature",
        _COMPATIBLE,
        _NEW,
        "A guest in the field asks first and is served as before; one that doesn't ask fails on an old side.",
        "gate-added",
    ),
    RuleInfo(
        "gate-changed",
        "Call needs another feature",
        _BREAKING,
        _BOTH,
        "Each side takes another bit for the promise that the call is there.",
    ),
    RuleInfo(
        "contract-published",
        "Contract published",
        _COMPATIBLE,
        _NEW,
        "The number was assigned without a contract, so nobody could rely on one.",
        "contract-withdrawn",
    ),
    RuleInfo(
        "contract-withdrawn",
        "Contract withdrawn",
        _RISKY,
        _OLD,
        "What a guest in the field relies on is no longer stated; nobody promises that it still holds.",
        "contract-published",
    ),
)

_ARGUMENTS = (
    RuleInfo(
        "argument-added",
        "Argument added",
        _BREAKING,
        _BOTH,
        "A guest in the field doesn't set it, and the ROM reads what happens to be there.",
        "argument-dropped",
    ),
    RuleInfo(
        "argument-dropped",
        "Argument dropped",
        _BREAKING,
        _BOTH,
        "What a guest in the field asks for is no longer heard; an old ROM reads what a new guest never set.",
        "argument-added",
    ),
    RuleInfo(
        "argument-moved",
        "Argument moved",
        _BREAKING,
        _BOTH,
        "The other side looks for the value in another register or stack word.",
    ),
    RuleInfo(
        "argument-split",
        "Argument told as two halves",
        _COMPATIBLE,
        _NONE,
        "The same two registers carry the same value.",
        "argument-joined",
    ),
    RuleInfo(
        "argument-joined",
        "Halves told as one argument",
        _COMPATIBLE,
        _NONE,
        "The same two registers carry the same value.",
        "argument-split",
    ),
    RuleInfo(
        "argument-order",
        "Arguments exchanged places",
        _BREAKING,
        _BOTH,
        "Silent: every register still holds something plausible, but each value is taken for another.",
    ),
    RuleInfo(
        "argument-type",
        "Argument's type changed",
        _BREAKING,
        _BOTH,
        "Width, sign, or what an address points to is read differently.",
    ),
    RuleInfo(
        "argument-meaning",
        "Argument's meaning changed",
        _BREAKING,
        _BOTH,
        "Silent: same place, but the value is taken for something else.",
    ),
    RuleInfo(
        "argument-renamed",
        "Argument renamed",
        _COMPATIBLE,
        _NONE,
        "Same place and type; names don't cross the interface.",
    ),
    RuleInfo(
        "argument-values",
        "Argument's values changed",
        _BREAKING,
        _OLD,
        "Values that a guest in the field passes come from an enumeration that no longer applies.",
    ),
    RuleInfo(
        "argument-optional",
        "Argument became optional",
        _COMPATIBLE,
        _NEW,
        "A guest in the field sets it anyway; an old ROM reads what a new guest may leave out.",
        "argument-required",
    ),
    RuleInfo(
        "argument-required",
        "Argument is no longer optional",
        _BREAKING,
        _OLD,
        "A guest in the field that leaves it out is misunderstood: the ROM reads what happens to be there.",
        "argument-optional",
    ),
    RuleInfo(
        "result-added",
        "Result added",
        _COMPATIBLE,
        _NEW,
        "A guest in the field ignores it, provided that its register was not preserved before.",
        "result-dropped",
    ),
    RuleInfo(
        "result-dropped",
        "Result dropped",
        _BREAKING,
        _OLD,
        "A guest in the field takes whatever is in the register for the result.",
        "result-added",
    ),
    RuleInfo(
        "result-moved",
        "Result moved",
        _BREAKING,
        _BOTH,
        "The guest reads the result from a register that no longer carries it.",
    ),
    RuleInfo(
        "result-order",
        "Results exchanged registers",
        _BREAKING,
        _BOTH,
        "Silent: each register carries a value, but not the one that the guest takes it for.",
    ),
    RuleInfo(
        "result-type",
        "Result's type changed",
        _BREAKING,
        _BOTH,
        "Width, sign, or what an address points to is read differently.",
    ),
    RuleInfo(
        "result-meaning",
        "Result's meaning changed",
        _BREAKING,
        _BOTH,
        "Silent: same register, but the value means something else.",
    ),
    RuleInfo(
        "result-renamed",
        "Result renamed",
        _COMPATIBLE,
        _NONE,
        "Same register and type; names don't cross the interface.",
    ),
    RuleInfo(
        "result-values",
        "Result's values changed",
        _RISKY,
        _OLD,
        "A guest in the field may be given values that it has no name for.",
    ),
    RuleInfo(
        "clobbers-grown",
        "More is destroyed",
        _BREAKING,
        _OLD,
        "A guest in the field keeps values there over the call, and loses them.",
        "clobbers-shrunk",
    ),
    RuleInfo(
        "clobbers-shrunk",
        "Less is destroyed",
        _COMPATIBLE,
        _NEW,
        "A guest in the field expects nothing of what is now preserved.",
        "clobbers-grown",
    ),
    RuleInfo(
        "segments-tightened",
        "More segments must be flat",
        _BREAKING,
        _OLD,
        "A guest in the field makes the call with segments that the ROM now uses.",
        "segments-relaxed",
    ),
    RuleInfo(
        "segments-relaxed",
        "Fewer segments must be flat",
        _COMPATIBLE,
        _NEW,
        "A guest in the field provides more than is needed.",
        "segments-tightened",
    ),
)

_MECHANISM = (
    RuleInfo(
        "dispatch-changed",
        "Call mechanism changed",
        _BREAKING,
        _BOTH,
        "Fixed slots against relocation: a guest made for one finds no call in the other.",
    ),
    RuleInfo(
        "slot-layout",
        "Slots laid out differently",
        _BREAKING,
        _BOTH,
        "A guest computes the address of a call from its number; it now jumps beside it.",
    ),
    RuleInfo(
        "slot-capacity",
        "Number of slots changed",
        _RISKY,
        _OLD,
        "What a guest reserved or copied for the table no longer fits it.",
    ),
    RuleInfo(
        "entry-added",
        "Entry point added",
        _COMPATIBLE,
        _NEW,
        "No guest in the field knows it.",
        "entry-removed",
    ),
    RuleInfo(
        "entry-removed",
        "Entry point removed",
        _BREAKING,
        _OLD,
        "A guest in the field enters code that is not there.",
        "entry-added",
    ),
    RuleInfo(
        "entry-moved",
        "Entry point moved",
        _BREAKING,
        _BOTH,
        "A guest in the field enters at the old offset.",
    ),
    RuleInfo(
        "relocation-type-added",
        "Relocation type added",
        _BREAKING,
        _OLD,
        "A guest in the field that is given it can't patch its call: stock clients stop with a BUG.",
        "relocation-type-removed",
    ),
    RuleInfo(
        "relocation-type-removed",
        "Relocation type removed",
        _COMPATIBLE,
        _NEW,
        "A guest in the field is never given it; a new guest on an old ROM may be.",
        "relocation-type-added",
    ),
    RuleInfo(
        "relocation-type-changed",
        "Relocation type changed",
        _BREAKING,
        _BOTH,
        "The guest patches its code by another rule than the ROM meant.",
    ),
)

_HEADER = (
    RuleInfo(
        "header-field-moved",
        "Header field moved",
        _BREAKING,
        _BOTH,
        "A guest in the field reads other bytes in its place.",
    ),
    RuleInfo(
        "header-field-resized",
        "Header field resized",
        _BREAKING,
        _BOTH,
        "A guest in the field reads too much or too little of it.",
    ),
    RuleInfo(
        "header-field-repurposed",
        "Header field repurposed",
        _BREAKING,
        _BOTH,
        "Silent: the same bytes mean something else.",
    ),
    RuleInfo(
        "header-field-from-reserved",
        "Header field taken from reserved",
        _RISKY,
        _NONE,
        "Harmless if every reader in the field ignored the reserved bytes and every writer left them 0: "
        "somebody must look.",
        "header-field-retired",
    ),
    RuleInfo(
        "header-field-retired",
        "Header field given back to reserved",
        _BREAKING,
        _OLD,
        "A guest in the field reads a value that nobody stores any more.",
        "header-field-from-reserved",
    ),
    RuleInfo(
        "header-field-added",
        "Header field added",
        _COMPATIBLE,
        _NEW,
        "It lies behind everything that a guest in the field reads.",
        "header-field-removed",
    ),
    RuleInfo(
        "header-field-removed",
        "Header field removed",
        _BREAKING,
        _OLD,
        "A guest in the field reads bytes that are something else now, or nothing.",
        "header-field-added",
    ),
    RuleInfo(
        "header-field-renamed",
        "Header field renamed",
        _COMPATIBLE,
        _NONE,
        "Same bytes, same meaning.",
    ),
    RuleInfo(
        "header-field-type",
        "Header field's type changed",
        _RISKY,
        _BOTH,
        "The same bytes are read as another type.",
    ),
    RuleInfo(
        "header-field-const",
        "Header field's fixed value changed",
        _BREAKING,
        _BOTH,
        "A guest in the field that tests the value refuses the ROM.",
    ),
    RuleInfo(
        "header-size",
        "Header's size changed",
        _BREAKING,
        _BOTH,
        "What follows the header is elsewhere.",
    ),
)

_STRUCTS = (
    RuleInfo(
        "struct-added", "Struct added", _COMPATIBLE, _NEW, "No side in the field knows it.", "struct-removed"
    ),
    RuleInfo(
        "struct-removed",
        "Struct removed",
        _BREAKING,
        _OLD,
        "Memory that a guest in the field shares is no longer read or written.",
        "struct-added",
    ),
    RuleInfo("struct-renamed", "Struct renamed", _COMPATIBLE, _NONE, "Names don't cross the interface."),
    RuleInfo(
        "struct-size",
        "Struct's size changed",
        _BREAKING,
        _BOTH,
        "The side that allocates it and the one that fills it disagree about its end.",
    ),
    RuleInfo(
        "field-moved", "Field moved", _BREAKING, _BOTH, "The other side finds other bytes at its offset."
    ),
    RuleInfo(
        "fields-swapped",
        "Fields exchanged places",
        _BREAKING,
        _BOTH,
        "Silent: each place still holds a value, but each is taken for the other.",
    ),
    RuleInfo(
        "field-resized",
        "Field resized",
        _BREAKING,
        _BOTH,
        "The other side reads too much or too little, and all that follows is elsewhere.",
    ),
    RuleInfo(
        "field-split",
        "Field told as two halves",
        _COMPATIBLE,
        _NONE,
        "The same bytes, low ones first, carry the same value.",
        "field-joined",
    ),
    RuleInfo(
        "field-joined",
        "Halves told as one field",
        _COMPATIBLE,
        _NONE,
        "The same bytes, low ones first, carry the same value.",
        "field-split",
    ),
    RuleInfo("field-type", "Field's type changed", _RISKY, _BOTH, "The same bytes are read as another type."),
    RuleInfo(
        "field-repurposed",
        "Field repurposed",
        _BREAKING,
        _BOTH,
        "Silent: the same bytes mean something else.",
    ),
    RuleInfo("field-renamed", "Field renamed", _COMPATIBLE, _NONE, "Same bytes, same meaning."),
    RuleInfo(
        "field-from-reserved",
        "Field taken from reserved",
        _RISKY,
        _NONE,
        "Harmless if the reserved bytes were written 0 and ignored by everybody.",
        "field-retired",
    ),
    RuleInfo(
        "field-retired",
        "Field given back to reserved",
        _BREAKING,
        _OLD,
        "A guest in the field uses a value that nobody keeps any more.",
        "field-from-reserved",
    ),
    RuleInfo(
        "field-inserted",
        "Field inserted",
        _BREAKING,
        _BOTH,
        "All that follows is elsewhere.",
        "field-removed",
    ),
    RuleInfo(
        "field-appended",
        "Field appended",
        _BREAKING,
        _BOTH,
        "The struct grows: who allocated the old size is written over, unless the struct tells its size.",
        "field-removed",
    ),
    RuleInfo(
        "field-removed",
        "Field removed",
        _BREAKING,
        _OLD,
        "A guest in the field uses a value that is not there.",
        "field-appended",
    ),
    RuleInfo(
        "field-values", "Field's values changed", _RISKY, _BOTH, "The values come from another enumeration."
    ),
    RuleInfo(
        "field-const",
        "Field's fixed value changed",
        _BREAKING,
        _BOTH,
        "Who tests the value refuses the struct.",
    ),
)

_ENUMS = (
    RuleInfo(
        "enum-added", "Enumeration added", _COMPATIBLE, _NEW, "No side in the field knows it.", "enum-removed"
    ),
    RuleInfo(
        "enum-removed",
        "Enumeration removed",
        _BREAKING,
        _OLD,
        "Values that a guest in the field passes have no meaning any more.",
        "enum-added",
    ),
    RuleInfo("enum-renamed", "Enumeration renamed", _COMPATIBLE, _NONE, "Names don't cross the interface."),
    RuleInfo(
        "enum-regrouped",
        "Enumerations split or joined",
        _COMPATIBLE,
        _NONE,
        "The same names and numbers, grouped otherwise: what crosses the interface is what it was.",
    ),
    RuleInfo(
        "enum-kind",
        "Values became flags, or flags values",
        _BREAKING,
        _BOTH,
        "Values are combined by one side and taken one by one by the other.",
    ),
    RuleInfo(
        "enum-member-added",
        "Value added",
        _COMPATIBLE,
        _NEW,
        "No guest in the field passes it.",
        "enum-member-removed",
    ),
    RuleInfo(
        "enum-member-removed",
        "Value removed",
        _BREAKING,
        _OLD,
        "A guest in the field passes it and is not understood.",
        "enum-member-added",
    ),
    RuleInfo(
        "enum-member-renamed",
        "Value renamed",
        _COMPATIBLE,
        _NONE,
        "The number is what crosses the interface.",
    ),
    RuleInfo(
        "enum-value-changed",
        "Constant got another value",
        _BREAKING,
        _BOTH,
        "Each side means another number by the same name.",
    ),
    RuleInfo(
        "enum-values-swapped",
        "Two constants exchanged values",
        _BREAKING,
        _BOTH,
        "Silent: both values are understood, each as the other.",
    ),
    RuleInfo(
        "enum-value-reused",
        "Value reused for another constant",
        _BREAKING,
        _BOTH,
        "Silent: the value is understood, as something else.",
    ),
    RuleInfo(
        "flag-bit-shared",
        "Flag bit shared",
        _RISKY,
        _NONE,
        "One bit has two meanings in values that meet in one argument.",
        "enum-member-removed",
    ),
)

_SEMANTICS = (
    RuleInfo(
        "semantics-strengthened",
        "ROM promises more",
        _COMPATIBLE,
        _NEW,
        "A guest in the field doesn't rely on it; a new guest on an old ROM would in vain.",
        "semantics-weakened",
    ),
    RuleInfo(
        "semantics-weakened",
        "ROM promises less, or guest must do more",
        _BREAKING,
        _OLD,
        "A guest in the field relies on what is no longer promised, or omits what is now its duty.",
        "semantics-strengthened",
    ),
    RuleInfo(
        "semantics-changed",
        "Clause says something else",
        _RISKY,
        _BOTH,
        "The text says something else, and which way it moved can't be told from it.",
    ),
    RuleInfo(
        "clause-attached",
        "Clause applied to a call",
        _COMPATIBLE,
        _NEW,
        "One more rule is stated for the call.",
        "clause-detached",
    ),
    RuleInfo(
        "clause-detached",
        "Clause no longer applied to a call",
        _RISKY,
        _OLD,
        "A rule that a guest in the field may rely on is no longer stated for the call.",
        "clause-attached",
    ),
)

_IDENTITY = (
    RuleInfo(
        "identity-changed",
        "Identity changed",
        _BREAKING,
        _BOTH,
        "Guests look for signature and licence and refuse a ROM that shows others; vendor and device "
        "draw a warning.",
    ),
    RuleInfo(
        "version-not-bumped",
        "Version doesn't tell",
        _BREAKING,
        _BOTH,
        "A guest accepts a ROM by major and minor; what changed under the same version reaches guests "
        "that can't know.",
    ),
    RuleInfo(
        "version-overbumped",
        "Major raised though nothing breaks",
        _RISKY,
        _OLD,
        "Every guest in the field refuses the ROM and runs natively, though it would have worked.",
    ),
)

RULES: Mapping[str, RuleInfo] = MappingProxyType(
    {
        info.id: info
        for info in (
            *_CALLS,
            *_ARGUMENTS,
            *_MECHANISM,
            *_HEADER,
            *_STRUCTS,
            *_ENUMS,
            *_SEMANTICS,
            *_IDENTITY,
        )
    }
)
"""Rules of the comparison by id, in the order of the reference."""
