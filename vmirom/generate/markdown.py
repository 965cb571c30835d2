"""Markdown views: the reference of a line, of a backend, and the table of answers per backend."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from vmirom.generate.clauses import call_clauses
from vmirom.generate.text import BANNER, member_text
from vmirom.schema import (
    AbiError,
    Argument,
    Call,
    EnumRow,
    Hypercall,
    Kind,
    Resolved,
    Result,
    StructRow,
    Version,
    resolve,
)
from vmirom.schema.clauses import NO_CLAUSES, ClauseSet

__all__ = ["answers_page", "backend_page", "line_page", "read_answers", "structs_and_enums"]


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    titles = list(head)
    out = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    for row in rows:
        out.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    return [*out, ""]


def _places(parts: Iterable[Argument | Result]) -> str:
    return ", ".join(f"`{part.name}` {part.place}" for part in parts)


def line_page(line: Resolved, clauses: ClauseSet = NO_CLAUSES) -> str:
    """The reference of a guest's ABI, with what each call is bound by."""
    out = [
        f"<!-- {BANNER} -->",
        f"# {line.line.name}: version {line.version}",
        "",
        line.line.doc,
        "",
        "Arguments are 32-bit words unless their type says otherwise. `stN` is the stack word at ESP+4+4*N",
        "on entry; the caller removes it. A pair is written high:low. ESP and whatever a call neither",
        "clobbers nor returns in survive it.",
        "",
        "## Numbers",
        "",
    ]
    out += _table(
        ["#", "Call", "In", "Out", "Clobbers", "Flat segments", "Since"],
        (_summary(call) for call in line.calls),
    )
    groups = list(dict.fromkeys(call.group for call in line.calls))
    for group in groups:
        out += [f"## Group {group}", ""]
        for call in line.calls:
            if call.group == group:
                out += _call(call, clauses)
    out += structs_and_enums(line)
    return "\n".join(out)


def _summary(call: Call) -> list[str]:
    if call.arguments is None:
        unknown = ["(unpublished)", "(unpublished)", "(unknown)", "(unknown)"]
        return [str(call.number), f"[{call.name}](#{call.name.lower()})", *unknown, str(call.since)]
    results = call.outputs or ((call.result,) if call.result else ())
    return [
        str(call.number),
        f"[{call.name}](#{call.name.lower()})",
        _places(call.arguments) or "-",
        "no return" if call.kind and call.kind.value == "jump" else _places(results) or "-",
        " ".join(call.clobbers or ()) or "nothing",
        " ".join(call.segments or ()),
        str(call.since),
    ]


def _call(call: Call, clauses: ClauseSet) -> list[str]:
    out = [f"### {call.name}", "", f"Number {call.number}, since {call.since}. {call.doc}", ""]
    if call.arguments is None:
        return out
    rows = [["in", f"`{p.name}`", f"`{p.type}`", p.place, " ".join(p.values)] for p in call.arguments]
    results = call.outputs or ((call.result,) if call.result else ())
    rows += [["out", f"`{p.name}`", f"`{p.type}`", p.place, " ".join(p.values)] for p in results]
    if rows:
        out += _table(["", "Name", "Type", "Place", "Values"], rows)
    out += [
        f"* Kind: {call.kind.value if call.kind else 'unknown'}",
        f"* Clobbers: {' '.join(call.clobbers or ()) or 'nothing'}",
        f"* Preserves: {' '.join(call.preserved or ())} ESP",
        f"* Flat segments: {' '.join(call.segments or ())}",
    ]
    out += call_clauses(clauses, call.name)
    return [*out, ""]


def _came_with(line: Resolved) -> dict[str, str]:
    """``struct`` or ``struct.field`` -> the version it came with, for what the oldest version lacks."""
    first: dict[str, str] = {}
    for version in sorted(line.line.versions, key=Version.parse):
        for struct in resolve(line.line, version).structs:
            first.setdefault(struct.name, version)
            for field in struct.fields:
                first.setdefault(f"{struct.name}.{field.name}", version)
    oldest = min(line.line.versions, key=Version.parse)
    return {name: version for name, version in first.items() if version != oldest}


def structs_and_enums(line: Resolved) -> list[str]:
    """Lines on every structure and constant of a line."""
    out: list[str] = []
    if line.structs:
        out += ["## Structures", "", "Packed, little endian; offsets and sizes in bytes.", ""]
        since = _came_with(line)
        for struct in line.structs:
            out += _struct(struct, since)
    if line.enums:
        out += ["## Constants", ""]
        for row in line.enums:
            out += _enum(line, row)
    return out


def _struct(struct: StructRow, since: Mapping[str, str]) -> list[str]:
    came = f", since {since[struct.name]}" if struct.name in since else ""
    out = [f"### struct {struct.name}", "", f"{struct.size} bytes{came}. {struct.doc}", ""]
    rows = []
    for field in struct.fields:
        count = "" if field.count is None else f"[{field.count}]"
        note = field.doc or ("reserved" if field.reserved else "")
        if isinstance(field.const, int):
            note = f"{field.const:#x}; {note}" if note else f"{field.const:#x}"
        if field.values:
            note = f"{field.values}; {note}" if note else field.values
        key = f"{struct.name}.{field.name}"
        if not came and key in since:
            note = f"since {since[key]}; {note}" if note else f"since {since[key]}"
        ctype = f"{field.ctype}{count}"
        rows.append([f"{field.offset:#x}", str(field.offset), str(field.size), ctype, field.name, note])
    return [*out, *_table(["Hex", "Offset", "Size", "Type", "Field", "Meaning"], rows)]


def _enum(line: Resolved, row: EnumRow) -> list[str]:
    out = [f"### {row.name}", ""]
    if row.doc:
        out += [row.doc, ""]
    family = line.line.family
    rows = [[name, member_text(row, value), f"`{row.c_name(family, name)}`"] for name, value in row.members]
    return [*out, *_table(["Name", "Value", "C"], rows)]


def backend_page(line: Resolved) -> str:
    """The reference of a hypervisor's ABI."""
    out = [
        f"<!-- {BANNER} -->",
        f"# Backend {line.line.name}: version {line.version}",
        "",
        " ".join(line.line.doc.split()),
        "",
        f"Versions described: {', '.join(line.line.versions)}.",
        "",
    ]
    if line.hypercalls:
        out += ["## Hypercalls", ""]
        out += _table(
            ["#", "Name", "Arguments", "Sub-operations", "Note"],
            (_hypercall(call) for call in line.hypercalls),
        )
    return "\n".join([*out, *structs_and_enums(line)])


def _hypercall(call: Hypercall) -> list[str]:
    note = [f"since {call.since}"] if call.since > Version((0,)) else []
    note += [f"only with {' and '.join(call.when)}"] if call.when else []
    return [
        str(call.number),
        call.name,
        _places(call.arguments) or "-",
        call.subops or "-",
        "; ".join([*note, *([call.doc] if call.doc else [])]),
    ]


def read_answers(file: Path, version: str) -> dict[str, dict[str, str]]:
    """What the shipped ROMs of one ABI version answer: {backend: {call: native, nothing or translated}}.

    ``file`` is the ROMs' lock; without one there are no ROMs. Raises AbiError for a file that is none.
    """
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise AbiError(f"{file}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise AbiError(f"{file}: not JSON: {error}") from None
    roms = data.get("roms") if isinstance(data, dict) else None
    if not isinstance(roms, list):
        raise AbiError(f"{file}: roms: not a list")
    found: dict[str, dict[str, str]] = {}
    for at, rom in enumerate(roms):
        where = f"{file}: roms[{at}]"
        if not isinstance(rom, dict) or not isinstance(rom.get("backend"), str):
            raise AbiError(f"{where}.backend: missing or not text")
        if rom.get("abi") == version:
            found[rom["backend"]] = _answers(where, rom.get("answers"))
    return found


def _answers(where: str, table: object) -> dict[str, str]:
    if not isinstance(table, dict):
        raise AbiError(f"{where}.answers: not a mapping of calls")
    for call, answer in table.items():
        if answer not in ("native", "nothing", "translated"):
            raise AbiError(f"{where}.answers.{call}: {answer!r} is not native, nothing or translated")
    return table


def answers_page(line: Resolved, answers: Mapping[str, Mapping[str, str]]) -> str:
    """What each backend's ROM makes of each call. Raises AbiError for unknown calls."""
    known = {call.name for call in line.calls}
    for backend, table in answers.items():
        for name in table:
            if name not in known:
                raise AbiError(f"answers.{backend}.{name}: {line.line.name} {line.version} has no such call")
    backends = sorted(answers)
    out = [
        f"<!-- {BANNER} -->",
        f"# Answers of the shipped ROMs, {line.line.name} {line.version}",
        "",
        "*call* and *jump* lead into the ROM, *nop* means that nothing need be done, *none* leaves the",
        "guest's native code, and *absent* that there is neither a translation nor native code for it.",
        "",
    ]
    if not backends:
        return "\n".join([*out, "No ROM has been built.", ""])
    rows = []
    for call in line.calls:
        shown = [_shown(call, answers[backend].get(call.name)) for backend in backends]
        rows.append([str(call.number), call.name, *shown])
    return "\n".join([*out, *_table(["#", "Call", *backends], rows)])


def _shown(call: Call, answer: str | None) -> str:
    if answer == "translated":
        return "jump" if call.kind is Kind.JUMP else "call"
    return {"native": "none", "nothing": "nop"}.get(answer or "", "absent")
