"""The reference as a site: one Markdown page for each call, and what sphinx needs to make HTML of them.

Pages are plain Markdown that any viewer shows; ``conf.py`` is for sphinx with myst-parser and furo
(``pip install vmirom[docs]``, then ``sphinx-build DIR OUT``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from vmirom.generate.clauses import call_clauses, clauses_page
from vmirom.generate.markdown import backend_page, read_answers, structs_and_enums
from vmirom.generate.text import BANNER
from vmirom.schema import Argument, Call, Kind, Resolved, Result
from vmirom.schema.clauses import NO_CLAUSES, ClauseSet

__all__ = ["CONF", "read_answers", "site"]

CONF = f'''"""Sphinx's configuration for the reference of the ABI. {BANNER}"""

project = "VMI ABI"
author = "the vmirom maintainers"
extensions = ["myst_parser"]
source_suffix = {{".md": "markdown"}}
html_theme = "furo"
html_title = "VMI ABI"
myst_heading_anchors = 3
exclude_patterns = ["_build"]
'''

Answers = Mapping[str, Mapping[str, str]]
"""What each backend's ROM makes of each call: translated, nothing, native; absent calls are left out."""

_GROUPS = {"cpu": "CPU", "mmu": "MMU", "io": "I/O", "smp": "SMP"}
"""Groups whose names are no words."""
_MEANING = {
    "translated": "the ROM does it",
    "nothing": "nothing need be done: the guest may leave it out (NOP)",
    "native": "the guest's own instructions are right as they are (NONE)",
}


def site(
    line: Resolved,
    *,
    answers: Answers | None = None,
    clauses: ClauseSet = NO_CLAUSES,
    backends: tuple[Resolved, ...] = (),
    sources: Answers | None = None,
) -> dict[str, str]:
    """Every file of the site by its path below the folder. Deterministic. ``sources``: by backend and call
    the file of the ROM's routine."""
    known = answers or {}
    files = {"conf.py": CONF, "index.md": _index(line, known, clauses, backends)}
    for call in line.calls:
        files[f"calls/{page_name(call)}.md"] = _page(line, call, known, clauses, sources or {})
    files["structures.md"] = "\n".join(
        ["# Structures and constants", "", f"{line.line.name} {line.version}.", "", *structs_and_enums(line)]
    )
    if clauses.clauses:
        files["clauses.md"] = _clauses(line, clauses)
    for backend in backends:
        files[f"backends/{backend.line.name}.md"] = backend_page(backend)
    return files


def page_name(call: Call) -> str:
    """``017-SetCR3``: files in the order of numbers."""
    return f"{call.number:03}-{call.name}"


def _clauses(line: Resolved, clauses: ClauseSet) -> str:
    """The page of clauses, its links to calls leading to their pages."""
    pages = {call.name.lower(): f"calls/{page_name(call)}.md" for call in line.calls}

    def page(match: re.Match[str]) -> str:
        return f"]({pages[match[1]]})" if match[1] in pages else match[0]

    return re.sub(r"\]\([a-z0-9]+\.md#([a-z0-9_]+)\)", page, clauses_page(clauses))


def _index(line: Resolved, answers: Answers, clauses: ClauseSet, backends: tuple[Resolved, ...]) -> str:
    out = [f"# {line.line.name} {line.version}", "", " ".join(line.line.doc.split()), ""]
    for group in dict.fromkeys(call.group for call in line.calls):
        out += [f"## {_GROUPS.get(group) or group.capitalize() or 'Calls'}", ""]
        out += ["| # | Call | Since |" + "".join(f" {name} |" for name in sorted(answers))]
        out += ["|---|---|---|" + "---|" * len(answers)]
        for call in (each for each in line.calls if each.group == group):
            shown = "".join(f" {answers[name].get(call.name, 'absent')} |" for name in sorted(answers))
            link = f"[{call.name}](calls/{page_name(call)}.md)"
            out.append(f"| {call.number} | {link} | {call.since} |{shown}")
        out.append("")
    out += ["```{toctree}", ":hidden:", "", "structures"]
    out += ["clauses"] if clauses.clauses else []
    out += [f"backends/{backend.line.name}" for backend in backends]
    out += [f"calls/{page_name(call)}" for call in line.calls]
    return "\n".join([*out, "```", ""])


def _page(line: Resolved, call: Call, answers: Answers, clauses: ClauseSet, sources: Answers) -> str:
    out = [f"# {call.name}", "", call.doc, "", f"* Number: {call.number}"]
    out += [f"* Since: {line.line.name} {call.since}", f"* Group: {call.group}"]
    if call.arguments is None:
        out += ["", "The number was assigned without a published contract.", ""]
    else:
        out += [f"* Kind: {_kind(call)}", "", *_contract(call)]
    bound = [text.replace("](clauses.md", "](../clauses.md") for text in call_clauses(clauses, call.name)[1:]]
    if bound:
        out += ["## Clauses", "", *(text.removeprefix("  ") for text in bound), ""]
    if answers:
        out += [
            "## What each backend does",
            "",
            "| Backend | Answer | Meaning | Source |",
            "|---|---|---|---|",
        ]
        for name in sorted(answers):
            answer = answers[name].get(call.name, "absent")
            file = sources.get(name, {}).get(call.name, "") if answer == "translated" else ""
            out.append(f"| {name} | {answer} | {_meaning(call, answer)} | {f'`{file}`' if file else ''} |")
        out.append("")
    return "\n".join(out)


def _kind(call: Call) -> str:
    return {
        Kind.FUNCTION: "function, returns a value",
        Kind.PROCEDURE: "procedure, returns nothing",
        Kind.JUMP: "jump, does not come back to its caller",
    }[call.kind or Kind.PROCEDURE]


def _meaning(call: Call, answer: str) -> str:
    if answer == "translated":
        return f"{_MEANING[answer]} ({'JUMP_REL' if call.kind is Kind.JUMP else 'CALL_REL'})"
    return _MEANING.get(answer, "neither a translation nor native code")


def _contract(call: Call) -> list[str]:
    """Registers in and out, what is destroyed and kept, which segments must be flat."""
    results: tuple[Argument | Result, ...] = call.outputs or ((call.result,) if call.result else ())
    rows = [("in", part) for part in call.arguments or ()]
    rows_out: list[tuple[str, Argument | Result]] = [*rows, *(("out", part) for part in results)]
    out = ["## Registers", ""]
    if rows_out:
        out += ["| | Name | Type | Place | Values |", "|---|---|---|---|---|"]
        for way, part in rows_out:
            values = " ".join(part.values)
            out.append(f"| {way} | `{part.name}` | `{part.type}` | {part.place} | {values} |")
    else:
        out.append("None in, none out.")
    out += ["", f"* Clobbers: {' '.join(call.clobbers or ()) or 'nothing'}"]
    out.append(f"* Preserves: {' '.join(call.preserved or ())} ESP")
    out.append(f"* Segments that must be flat: {' '.join(call.segments or ()) or 'none'}")
    if call.stack_bytes:
        out.append(f"* Stack: {call.stack_bytes} bytes, removed by the caller")
    return [*out, ""]
