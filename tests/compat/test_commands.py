"""``vmirom abi diff`` and ``vmirom abi lint``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.compat.bases import LINES, base
from vmirom.cli.main import cli
from vmirom.compat import diff
from vmirom.compat.variants import variants
from vmirom.schema.tree import source_tree

FINDINGS = 83
"""In 48 comparisons of the benchmark, whatever the machine."""


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["abi", *arguments])
    return result.exit_code, result.output


def test_diff_inside_the_line() -> None:
    code, text = run("diff", "vmi3@3.0", "vmi3@3.1")
    assert code == 0
    assert "call-added" in text
    assert "call/GetRomInfo" in text


def test_diff_across_lines_says_so() -> None:
    code, text = run("diff", "vmi13@13.0", "vmi3@3.0", "--json")
    told = json.loads(text)["comparisons"][0]
    assert code == 4
    assert any("across lines" in note for note in told["notes"])
    places = {finding["place"] for finding in told["findings"] if finding["rule"] == "argument-order"}
    assert places == {"call/SetPxE/argument/pte+ptep"}


def test_sides_of_all_kinds() -> None:
    blobs = source_tree("romsrc") / "blobs"
    lock = source_tree("abi") / "locks" / "vmi3-3.0.json"
    assert run("diff", str(lock), str(blobs / "vmi3-3.0-kvm.rom"))[0] == 0
    assert run("diff", str(lock), str(blobs / "reference.elf"))[0] == 0


def test_lint_finds_what_is_wrong_with_6_1() -> None:
    code, text = run("lint", "vmi6", "--json")
    rules = [f["rule"] for f in json.loads(text)["comparisons"][0]["findings"] if f["severity"] == "breaking"]
    assert code == 4
    assert sorted(rules) == ["argument-unbound"] * 6 + ["result-bound-twice"]
    assert run("lint", "vmi3@3.1")[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [("diff", "vmi3", "nobody"), ("diff", "vmi3@3.0", "README.nothing/x"), ("lint", "vmi3@7.7"), ("lint",)],
)
def test_bad_input_is_a_line_and_2(arguments: tuple[str, ...]) -> None:
    code, text = run(*arguments)
    assert code == 2
    assert "Traceback" not in text


def test_a_tree_that_is_not_there(tmp_path: Path) -> None:
    assert run("diff", "a", "b", "--abi-dir", str(tmp_path / "none"))[0] == 2


def test_bench_counts_the_same_everywhere() -> None:
    result = CliRunner().invoke(cli, ["bench", "abi", "--runs", "1", "--diffs", "48", "--json"])
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert (facts["campaign"]["diffs"], facts["campaign"]["findings"]) == (48, FINDINGS)
    assert facts["campaign"]["per_second"] > 0 and facts["command"]["cpu_ms"] > 0
    assert facts["command"]["ms"]["min"] == facts["command"]["ms"]["max"] > 0
    text = CliRunner().invoke(cli, ["bench", "abi", "--runs", "1", "--diffs", "48"]).stdout
    assert f"48 changed declarations compared, {FINDINGS} findings" in text


def test_every_variant_is_found() -> None:
    """What the benchmark compares really differs: no comparison of it comes back empty."""
    for line in LINES:
        for changed in variants(base(line), 64):
            assert diff(base(line), changed).findings
    assert list(variants(base(), 5)) == list(variants(base(), 5)) != list(variants(base(), 5, seed=1))
