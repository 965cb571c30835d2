"""What became of the promises: clauses that came, went, or say something else.

The direction is told by who owes a clause. One more promise of the ROM, or one duty less of the guest, makes
the ABI stronger for guests; the reverse weakens it. Where a text changed, words that hedge decide (``may``,
``need not``), and conditions that were added or lifted; where neither tells, somebody must read it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from vmirom.compat.emit import found
from vmirom.compat.findings import Breaks, Finding, Severity
from vmirom.compat.matching import Matching, Pair
from vmirom.compat.model import Call, Clause

__all__ = ["binding_findings", "clause_findings"]

_HEDGES = re.compile(
    r"\b(may|might|can be absent|could|need not|needn't|should|usually|normally|where supported|"
    r"if supported|optional(?:ly)?|best effort|or does nothing|or nothing|not guaranteed|"
    r"undefined|unspecified|implementation[- ]defined|eventually|sometimes)\b",
    re.IGNORECASE,
)
_FORCE = re.compile(
    r"\b(must|shall|always|never|exactly|guaranteed|immediately|before it returns|every|all|"
    r"atomic(?:ally)?|in one step)\b",
    re.IGNORECASE,
)


def clause_findings(old: Sequence[Clause], new: Sequence[Clause], matching: Matching) -> Iterator[Finding]:
    """Findings about what clauses say. ``matching`` tells which calls are new."""
    olds, news = {each.id: each for each in old}, {each.id: each for each in new}
    if olds == news:
        return
    chapters = _chapters(old), _chapters(new)
    of_new_calls = _only_of(matching.added, [pair.new for pair in matching.pairs])
    for identity in sorted(olds.keys() | news.keys()):
        before, after = olds.get(identity), news.get(identity)
        if before is not None and after is not None:
            if _said(before) != _said(after):
                yield _changed(before, after)
            elif (
                before.revision.isdecimal()
                and after.revision.isdecimal()
                and before.revision != after.revision
            ):
                why = "its words are the same, but whoever wrote it counts another revision"
                revisions = (f"revision {before.revision}", f"revision {after.revision}")
                yield found("semantics-changed", f"clause/{identity}", *revisions, why=why)
        elif after is not None:
            yield _added(after, chapters, identity in of_new_calls)
        elif before is not None:
            rule = "semantics-strengthened" if _is_duty(before) else "semantics-weakened"
            why = "a duty of the guest was lifted" if _is_duty(before) else "a promise was taken back"
            yield found(rule, f"clause/{identity}", before.text, None, why=why)


def binding_findings(
    old: Sequence[Clause], new: Sequence[Clause], pairs: Sequence[Pair]
) -> Iterator[Finding]:
    """Findings about which calls are bound by clauses that both sides have."""
    both = {each.id for each in old} & {each.id for each in new}
    for pair in pairs:
        before, after = pair.old.clauses, pair.new.clauses
        if before is None or after is None or before == after:
            continue
        place = f"call/{pair.old.name}/clause"
        for identity in sorted((after - before) & both):
            yield found("clause-attached", f"{place}/{identity}", None, identity)
        for identity in sorted((before - after) & both):
            yield found("clause-detached", f"{place}/{identity}", identity, None)


def _chapter(clause: Clause) -> str:
    return clause.id.rpartition("-")[0] or clause.id


def _chapters(clauses: Sequence[Clause]) -> dict[str, bool]:
    """Chapters of a contract, and whether the ROM promises anything in them."""
    told: dict[str, bool] = {}
    for each in clauses:
        told[_chapter(each)] = told.get(_chapter(each), False) or not _is_duty(each)
    return told


def _only_of(calls: Sequence[Call], others: Sequence[Call]) -> set[str]:
    """Clauses that bind some of ``calls`` and none of the others."""
    bound = {identity for call in calls for identity in call.clauses or ()}
    return bound - {identity for call in others for identity in call.clauses or ()}


def _added(clause: Clause, chapters: tuple[dict[str, bool], dict[str, bool]], of_new_calls: bool) -> Finding:
    place = f"clause/{clause.id}"
    if not _is_duty(clause):
        return found("semantics-strengthened", place, None, clause.text, why="a promise was added")
    before, after = chapters
    new_chapter = _chapter(clause) not in before and after[_chapter(clause)]
    if of_new_calls or new_chapter:
        why = "a duty of those who use what is new; guests in the field don't"
        mild = Severity.COMPATIBLE
        return found(
            "semantics-weakened", place, None, clause.text, severity=mild, breaks=Breaks.NONE, why=why
        )
    return found("semantics-weakened", place, None, clause.text, why="a duty of the guest was added")


def _is_duty(clause: Clause) -> bool:
    return clause.who.lower() == "guest"


def _said(clause: Clause) -> tuple[str, str, str]:
    """What a clause says, but for case, spaces and punctuation."""
    return _words(clause.text), clause.who.lower(), _words(clause.when)


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _changed(old: Clause, new: Clause) -> Finding:
    place = f"clause/{new.id}"
    direction, why = _direction(old, new)
    if old.text == new.text:
        shown = (f"{old.who}: {old.when or 'always'}", f"{new.who}: {new.when or 'always'}")
    else:
        shown = (old.text, new.text)
    if direction == 0:
        return found("semantics-changed", place, *shown, why=why)
    return found("semantics-strengthened" if direction > 0 else "semantics-weakened", place, *shown, why=why)


def _direction(old: Clause, new: Clause) -> tuple[int, str]:
    """1 where the ROM promises more (or the guest owes less), -1 where less, 0 where it can't be told."""
    if _is_duty(old) != _is_duty(new):
        if _is_duty(new):
            return -1, "what the ROM promised is now the guest's duty"
        return 1, "what was the guest's duty is now promised"
    sign = -1 if _is_duty(new) else 1
    signs = []
    if _words(old.when) != _words(new.when):
        before, after = _conditions(old.when), _conditions(new.when)
        if before < after:
            signs.append((-sign, "it applies in fewer cases"))
        elif after < before:
            signs.append((sign, "it applies in more cases"))
        else:
            signs.append((0, "it applies in other cases"))
    if _words(old.text) != _words(new.text):
        force = _force(new.text) - _force(old.text)
        if force:
            words = "its words bind more" if force > 0 else "its words bind less"
            signs.append((sign if force > 0 else -sign, words))
        else:
            signs.append((0, "its words changed, and none of them tells in which direction"))
    total = {each for each, _ in signs}
    why = " and ".join(words for _, words in signs)
    return (signs[0][0] if len(total) == 1 else 0), why


def _conditions(when: str) -> set[str]:
    return {_words(part) for part in when.split(",") if part.strip()}


def _force(text: str) -> int:
    return len(_FORCE.findall(text)) - len(_HEDGES.findall(text))
