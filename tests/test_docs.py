"""What the documents say can be followed: links lead somewhere, commands exist and take their options."""

from __future__ import annotations

import functools
import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import vmirom
from vmirom.cli.main import cli

ROOT = Path(vmirom.__file__).parent.parent
DOCUMENTS = sorted(
    path
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md"))
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^|[`$] ?|bin/)vmirom ([a-z][^`#\n]*)", re.MULTILINE)
NAMED = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]


@functools.cache
def headings(document: Path) -> set[str]:
    """Anchors of a document's headings, made as common Markdown renderers make them."""
    found = re.findall(r"^#+ (.*)$", FENCE.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in found}


def broken(document: Path) -> Iterator[str]:
    for target in LINK.findall(FENCE.sub("", document.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = document.parent / name if name else document
        if not path.exists():
            yield f"{target}: no such file"
        elif anchor and path.suffix == ".md" and anchor not in headings(path.resolve()):
            yield f"{target}: no such heading"


@pytest.mark.parametrize("name", NAMED)
def test_links_lead_somewhere(name: str) -> None:
    assert list(broken(ROOT / name)) == []


def commands(text: str) -> Iterator[list[str]]:
    """Arguments of each vmirom command line, as far as they are words: up to a pipe, a placeholder or an
    ellipsis."""
    for line in COMMAND.findall(text):
        words = shlex.split(line.strip().rstrip(".,:;"), posix=True)
        yield list(itertools.takewhile(lambda word: word not in ("|", ">", "&&", "...", "\\"), words))


def refused(arguments: list[str]) -> str:
    """Why the command line would be refused before it does anything, or an empty string."""
    command: click.Command = cli
    context = click.Context(cli, info_name="vmirom")
    words = list(arguments)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name = words.pop(0)
        found = command.get_command(context, name)
        if found is None:
            return "" if _is_placeholder(name) else f"no command {name}"
        context = click.Context(found, info_name=name, parent=context)
        command = found
    known = {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    } | {"--help", "-h", "--version"}
    for word in words:
        option = word.partition("=")[0].strip("[]")
        if option.startswith("-") and option not in known:
            return f"{command.name} has no option {option}"
    return ""


def _is_placeholder(name: str) -> bool:
    return name.isupper() or "|" in name or name.startswith(("[", "<"))


@pytest.mark.parametrize("name", NAMED)
def test_commands_exist(name: str) -> None:
    lines = list(commands((ROOT / name).read_text()))
    assert [(words, why) for words in lines if (why := refused(words))] == []


def test_the_check_of_commands_can_fail() -> None:
    assert refused(["boot", "--nowhere"]) == "boot has no option --nowhere"
    assert refused(["rom", "bild"]) == "no command bild"
    assert refused(["rom", "build|list"]) == ""
    assert list(commands("Say `vmirom boot --on xen -v` or\n$ vmirom rom list | sort")) == [
        ["boot", "--on", "xen", "-v"],
        ["rom", "list"],
    ]


def test_the_readme_names_commands_and_documents() -> None:
    text = (ROOT / "README.md").read_text()
    assert len(list(commands(text))) >= 10 and len(LINK.findall(text)) >= 1
