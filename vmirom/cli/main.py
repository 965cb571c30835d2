"""The command ``vmirom``: its groups, and what all commands have in common about failing.

Commands load their modules when they are run, so that ``vmirom --help`` imports click and nothing of
the project's. Refusals are one line and exit code 2; Ctrl-C is one line and 130.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from vmirom import __version__

__all__ = ["LazyGroup", "cli", "main"]

_BAD_INPUT = 2
_INTERRUPTED = 130
_EXIT_CODES = """\b
Exit codes of boot (the worst of all boots wins):
  0  success: every boot succeeded and all transcripts agree
  2  bad input or usage; one line on standard error says what and why
  3  skip     4  error     5  failure, or transcripts differ     6  crash
  130  interrupted
Other commands: 0, 2, 130, and 1 where they found a difference or a fault.
"""


class _Interrupted(Exception):
    """Ctrl-C, on its way out of click."""


class LazyGroup(click.Group):
    """A group whose commands are named with their module and one line of help."""

    def __init__(self, *args: Any, lazy: dict[str, tuple[str, str]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = lazy or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they were declared, which is the order of use."""
        return [*self.lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module now."""
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, _, name = self.lazy[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in ``--help``, from the lines here: nothing is imported for it."""
        if not self.lazy:
            super().format_commands(ctx, formatter)
            return
        rows = [(name, line) for name, (_, line) in self.lazy.items()]
        rows += [(name, command.get_short_help_str(100)) for name, command in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Take an interrupt before click does, which would print an empty line for it."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise _Interrupted from None

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run and exit; every refusal is one line."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, False, **extra)
        try:
            code = super().main(args, prog_name, complete_var, False, **extra)
            sys.stdout.flush()
        except click.UsageError as error:
            hint = f" (try '{error.ctx.command_path} --help')" if error.ctx else ""
            _end(f"{' '.join(error.format_message().split())}{hint}", error.exit_code)
        except click.ClickException as error:
            _end(error.format_message(), error.exit_code)
        except (_Interrupted, KeyboardInterrupt, click.Abort):
            if sys.stderr.isatty():
                click.echo(err=True)  # behind the terminal's ^C
            _end("interrupted", _INTERRUPTED)
        except BrokenPipeError:
            _abandon_output()  # whoever read it has gone; there is nobody to tell
            sys.exit(1)
        except OSError as error:
            _abandon_output()
            _end(f"{error.filename or 'standard output'}: {error.strerror or error}", _BAD_INPUT)
        sys.exit(code if isinstance(code, int) else 0)


def _abandon_output() -> None:
    """Keep the interpreter from trying once more, at its end, what has failed."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return  # not a stream of the system's


def _end(message: str, code: int) -> NoReturn:
    click.echo(f"vmirom: {message}", err=True)
    sys.exit(code)


@click.group(
    cls=LazyGroup,
    lazy={
        "boot": ("vmirom.cli.boot:boot", "Boot one guest on every backend and compare what it prints."),
        "compose": ("vmirom.cli.bundles:compose", "Make a bundle of a guest and a ROM."),
        "bundle": ("vmirom.cli.bundles:bundle", "Look into bundles."),
        "rom": ("vmirom.cli.roms:rom", "Build, list, look into and verify ROMs."),
        "guest": ("vmirom.cli.guests:guest", "Build guests of your own, and look into them."),
        "abi": ("vmirom.cli.abi:abi", "Show the declared ABI: versions, calls, structures."),
        "conform": ("vmirom.cli.conform:conform", "Judge every promise of the ABI on every backend."),
        "model": ("vmirom.cli.model:model", "Compare machines with a model of what a guest sees."),
        "faults": (
            "vmirom.cli.faults:faults",
            "Put faults into ROMs and hypervisors; see what catches them.",
        ),
        "hosts": ("vmirom.cli.hosts:hosts", "Say where bundles can boot here, and what is missing."),
        "campaign": (
            "vmirom.cli.campaign:campaign",
            "Boot many ways and many times into one file, resumably.",
        ),
        "report": ("vmirom.cli.report:report", "Tell what came out of a campaign."),
        "fidelity": ("vmirom.cli.fidelity:fidelity", "Compare an embedded hypervisor with the real one."),
        "bench": ("vmirom.cli.bench:bench", "Measure boots and campaigns."),
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=_EXIT_CODES
    + """
\b
Example:
  vmirom boot                      the reference guest, on all four backends
\b
Completion for bash (zsh and fish alike):
  eval "$(_VMIROM_COMPLETE=bash_source vmirom)"
""",
)
@click.version_option(__version__, prog_name="vmirom", message="%(prog)s %(version)s")
def cli() -> None:
    """One versioned paravirt ABI, one ROM per hypervisor generated from it, one guest on all of them."""


def _terminated(number: int, frame: object) -> NoReturn:
    """End by way of all cleaning up, with the code that a shell gives for the signal."""
    sys.exit(128 + number)


def main() -> NoReturn:
    """Entry point."""
    signal.signal(signal.SIGTERM, _terminated)
    cli.main(prog_name="vmirom")
    raise AssertionError("not reached")
