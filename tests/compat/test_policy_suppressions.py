"""Suppressions: what is read is what was written, what is wrong is one line with file, field and rule."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.compat.sheets import finding
from vmirom.compat.errors import CompatError
from vmirom.compat.policy.suppressions import parse_suppressions, read_suppressions
from vmirom.compat.rulebook import RULES

GOOD = '[[suppress]]\nrule = "call-added"\nplace = "call/New"\nreason = "asked"\nexpires = 2027-03-31\n'
PLACES = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="*?"), min_size=1)
REASONS = st.text(min_size=1, max_size=40).filter(str.strip)


def quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are among TOML's, but for DEL and lone surrogates."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@st.composite
def tables(draw: st.DrawFn) -> list[dict[str, object]]:
    rules = st.sampled_from(sorted(set(RULES) - {"version-not-bumped", "version-overbumped"}))
    pairs = draw(st.lists(st.tuples(rules, PLACES), unique=True, max_size=5))
    return [
        {
            "rule": rule,
            "place": place,
            "reason": draw(REASONS),
            "expires": draw(st.dates(date(1000, 1, 1))),
            "line": draw(st.sampled_from(["", "vmi3"])),
        }
        for rule, place in pairs
    ]


@given(tables())
def test_what_is_written_is_read(rows: list[dict[str, object]]) -> None:
    text = ""
    for row in rows:
        text += "[[suppress]]\n"
        text += "".join(
            f"{key} = {quoted(value) if isinstance(value, str) else value}\n"
            for key, value in row.items()
            if value != ""
        )
    read = parse_suppressions(text.encode(), "a.toml")
    assert [
        {
            "rule": each.rule,
            "place": each.place,
            "reason": each.reason,
            "expires": each.expires,
            "line": each.line,
        }
        for each in read
    ] == rows
    assert [each.number for each in read] == list(range(len(rows)))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused_in_one_line(data: bytes) -> None:
    try:
        parse_suppressions(data, "a.toml")
    except CompatError as error:
        assert str(error).startswith("a.toml: ") and "\n" not in str(error)


VALUES = st.recursive(
    st.none().map(lambda _: True) | st.integers() | st.text(max_size=5) | st.booleans(),
    lambda inner: st.lists(inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from(["rule", "place", "reason", "expires", "line", "other"]), VALUES)
def test_a_wrong_type_names_its_field(key: str, value: object) -> None:
    lines = [line for line in GOOD.splitlines() if not line.startswith(key)]
    text = "\n".join([*lines, f"{key} = {json.dumps(value, ensure_ascii=True)}"])
    try:
        parse_suppressions(text.encode(), "a.toml")
    except CompatError as error:
        assert "\n" not in str(error)
        assert f"suppress[0].{key}: " in str(error) or "not TOML" in str(error)
    else:
        assert isinstance(value, str) and value.strip() and key in ("place", "reason", "line")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("suppress = 3", "suppress: write each entry under [[suppress]]"),
        ("[[ignore]]\n", "ignore: unknown"),
        (GOOD.replace('rule = "call-added"\n', ""), "suppress[0].rule: missing"),
        (GOOD.replace("expires = 2027-03-31\n", ""), "suppress[0].expires: missing"),
        (GOOD.replace('reason = "asked"', 'reason = "  "'), "suppress[0].reason: empty"),
        (GOOD.replace("2027-03-31", '"2027-03-31"'), "suppress[0].expires: not a date"),
        (GOOD.replace("2027-03-31", "2027-03-31T10:00:00Z"), "suppress[0].expires: not a date"),
        (GOOD.replace("2027-03-31", "2027-02-30"), "not TOML"),
        (GOOD.replace("call-added", "call-adde"), "suppress[0].rule: 'call-adde' is no rule"),
        (
            GOOD.replace("call-added", "frozen-changed"),
            "suppress[0].rule: frozen-changed is a rule of the gate",
        ),
        (GOOD.replace("call/New", "call/*"), "suppress[0].place: patterns are not taken"),
        (GOOD + GOOD, "suppress[1]: the same as suppress[0]"),
        (GOOD + GOOD + 'line = "vmi3"\n', "suppress[1]: the same as suppress[0]"),
        (GOOD + "owner = 1\n", "suppress[0].owner: unknown"),
    ],
)
def test_refusals(text: str, said: str) -> None:
    with pytest.raises(CompatError) as caught:
        parse_suppressions(text.encode(), "a.toml")
    assert str(caught.value).startswith(f"a.toml: {said}")


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(CompatError, match=str(path)):
            read_suppressions(path)
    large = tmp_path / "large.toml"
    large.write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(CompatError, match="size: more than 1 MiB"):
        read_suppressions(large)


def test_matching_is_exact_and_ends() -> None:
    entry = parse_suppressions(GOOD.encode(), "a.toml")[0]
    assert entry.matches(finding(rule="call-added", place="call/New"), "vmi3")
    assert not entry.matches(finding(rule="call-added", place="call/New2"), "vmi3")
    assert not entry.matches(finding(rule="call-removed", place="call/New"), "vmi3")
    limited = parse_suppressions((GOOD + 'line = "vmi6"\n').encode(), "a.toml")[0]
    assert not limited.matches(finding(rule="call-added", place="call/New"), "vmi3")
    assert not entry.expired(entry.expires) and entry.expired(entry.expires + timedelta(1))
