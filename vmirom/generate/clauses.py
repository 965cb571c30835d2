"""The page of clauses, and the list of them beside each call."""

from __future__ import annotations

from collections.abc import Iterable

from vmirom.generate.text import BANNER
from vmirom.schema.clauses import EXECUTABLE, Clause, ClauseSet, Who

__all__ = ["call_clauses", "clauses_page"]

_PAGE = "clauses.md"


def clauses_page(found: ClauseSet) -> str:
    """Every clause in full, area by area."""
    current = [c for c in found.clauses.values() if any(c.binds(version) for version in EXECUTABLE)]
    out = [
        f"<!-- {BANNER} -->",
        "# Clauses",
        "",
        "What the contract promises, one clause a promise. An id is for ever: a clause that goes is not",
        "replaced under its number. *ROM* owes what a ROM and the hypervisor under it must do, *guest* what",
        "a guest must. A clause *carried* into 3.x was written for an older revision, of a call that has not",
        "changed since. Which checks answer for a clause is told by `vmirom conform --list`.",
        "",
        f"{len(found.clauses)} clauses, of which {len(current)} bind VMI 3.0 or 3.1; the others are history.",
        "",
        "## Conditions",
        "",
    ]
    for feature in found.features.values():
        by = ", ".join([*(f"`{call}`" for call in feature.calls), *feature.backends])
        out.append(f"* **{feature.name}**: {feature.doc} Told by {by or 'nothing that can be asked'}.")
    out.append("")
    for area in found.areas.values():
        clauses = [clause for clause in found.clauses.values() if clause.area == area.name]
        if clauses:
            out += [f"## {area.title} (VMI-{area.name})", ""]
            for clause in clauses:
                out += _clause(clause)
    return "\n".join(out)


def _clause(clause: Clause) -> list[str]:
    out = [f"### {clause.id}", "", clause.sentence, ""]
    facts = [f"Owed by the {clause.who.value}", _revisions(clause)]
    if clause.when.words:
        facts.append(f"applies with: {clause.when.words}")
    facts.append(f"source: {clause.source}")
    out.append(f"* {'; '.join(facts)}.")
    if clause.calls:
        out.append(f"* Binds {_calls(clause)}.")
    if clause.decided:
        out.append(f"* Decided: {clause.decided}")
    return [*out, ""]


def _revisions(clause: Clause) -> str:
    stated = ", ".join(clause.revision.stated)
    if clause.revision.carried:
        return f"stated for {stated}, carried into 3.x"
    return f"stated for {stated}"


def _calls(clause: Clause) -> str:
    if not any(clause.binds(version) for version in EXECUTABLE):
        return ", ".join(clause.calls)
    if len(clause.calls) > 24:
        return f"{len(clause.calls)} calls: {', '.join(clause.calls)}"
    return ", ".join(f"[{name}](vmi3.md#{name.lower()})" for name in clause.calls)


def call_clauses(found: ClauseSet, name: str) -> list[str]:
    """Lines of a call's clauses: its own first, then those that bind many calls as a list of ids."""
    clauses = found.of_call(name)
    own = [clause for clause in clauses if len(clause.calls) <= 24]
    general = [clause for clause in clauses if len(clause.calls) > 24]
    out = [f"* Clauses: {'none of its own' if not own else ''}".rstrip()] if clauses else []
    for clause in own:
        who = "" if clause.who is Who.ROM else " (the guest's)"
        when = f" If there is: {clause.when.words}." if clause.when.words else ""
        out.append(f"  * {_link(clause)}{who}: {clause.sentence}{when}")
    if general:
        out.append(f"  * and of many calls: {_links(general)}")
    return out


def _link(clause: Clause) -> str:
    return f"[{clause.id}]({_PAGE}#{clause.id.lower()})"


def _links(clauses: Iterable[Clause]) -> str:
    return ", ".join(_link(clause) for clause in clauses)
