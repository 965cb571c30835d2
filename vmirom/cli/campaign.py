"""``vmirom campaign``: many boots into one file, which can be killed and goes on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vmirom.cli.choices import BackendName, HostName, PathArgument, Seconds, clock_option, json_option
from vmirom.cli.failing import Fault, shown

if TYPE_CHECKING:
    from vmirom.conform.campaign.crew import Crew
    from vmirom.conform.campaign.definition import Definition, Wishes
    from vmirom.conform.campaign.store import Recorded, Store
    from vmirom.hosts.outcomes import BootResult

__all__ = ["about_file", "campaign"]

F = TypeVar("F", bound=Callable[..., Any])

_EXIT_CODES = (
    "\b\nExit codes: the worst outcome (0 success, 3 skip, 4 error, 5 failure, 6 crash; transcripts that\n"
    "differ by seed or by place are a failure), 2 bad input, 130 interrupted. Results so far are kept.\n"
)


@click.group(
    epilog="\b\nExamples:\n"
    "  vmirom campaign run c.db --seeds 0-99            the reference guest, 100 seeds, everywhere embedded\n"
    "  vmirom campaign run c.db my.elf --on xen --on kvm --abi 3.0 --abi 3.1 --seeds 0-9\n"
    "  vmirom campaign resume c.db                      go on where it was stopped or killed\n"
    "  vmirom campaign resume c.db --scheduler tcp://10.0.0.1:8786      on a Dask cluster\n"
    "  vmirom report c.db                               what came out\n"
    "  vmirom campaign replay c.db 17                   boot job 17 again\n"
)
def campaign() -> None:
    """Boot guests x backends x hosts x versions x seeds into one file; kill it and go on at any time."""


@contextmanager
def about_file(path: Path) -> Iterator[None]:
    """Whatever is refused inside is refused about a campaign's file."""
    from vmirom.conform.campaign.refused import CampaignError, ClusterError

    try:
        yield
    except ClusterError as error:
        raise Fault(str(error)) from None
    except CampaignError as error:
        raise Fault(shown(path), str(error)) from None
    except OSError as error:
        if error.filename is None:  # standard output's
            raise
        raise Fault(shown(path), "can't be opened", error.strerror or str(error)) from None


def _crew_options(function: F) -> F:
    workers = click.option(
        "--jobs", type=click.IntRange(1, 1024), metavar="N", help="Boots at a time (default: one a CPU)."
    )
    scheduler = click.option(
        "--scheduler", metavar="ADDRESS", help="Boot on the Dask cluster there, such as tcp://HOST:8786."
    )
    return workers(scheduler(json_option(function)))


@campaign.command(
    epilog="\b\nExamples:\n"
    "  vmirom campaign run c.db --seeds 0-99\n"
    "  vmirom campaign run c.db hello.elf --host all --seeds 0-9 --vary memory\n"
    "  vmirom campaign run c.db --definition nightly.toml\n\n" + _EXIT_CODES
)
@click.argument("file", type=PathArgument())
@click.argument("guests", nargs=-1, metavar="[GUEST]...", type=PathArgument())
@click.option("--on", "backends", multiple=True, type=BackendName(), metavar="B", help="Backend; repeatable.")
@click.option(
    "--host", "hosts", multiple=True, type=HostName("all"), metavar="NAME", help="Host; repeatable, or 'all'."
)
@click.option("--abi", "versions", multiple=True, metavar="V", help="ABI version; repeatable (default 3.1).")
@click.option("--seeds", metavar="RANGES", help="0-99, or 0,5,10-19 (default 0: the plain boot).")
@click.option(
    "--vary",
    multiple=True,
    metavar="KIND",
    help="What seeds change: memory, layout, era, phase, time, command-line; repeatable (default: all).",
)
@click.option("--memory", type=click.IntRange(5, 512), metavar="MIB", help="Memory of seed 0 (default 16).")
@click.option("--append", metavar="CMDLINE", help="The guest's command line.")
@click.option("--budget", type=Seconds(), metavar="SECONDS", help="Time a boot (default: the host's).")
@clock_option(None)
@click.option(
    "--definition", type=PathArgument(), metavar="TOML", help="Take all of the above from a TOML file."
)
@_crew_options
def run(
    file: Path,
    guests: tuple[Path, ...],
    backends: tuple[str, ...],
    hosts: tuple[str, ...],
    versions: tuple[str, ...],
    seeds: str | None,
    vary: tuple[str, ...],
    memory: int | None,
    append: str | None,
    budget: float | None,
    clock: str | None,
    definition: Path | None,
    jobs: int | None,
    scheduler: str | None,
    as_json: bool,
) -> int:
    """Begin a campaign in FILE, or go on with the one that is there, if it is the same.

    Without GUEST it boots the reference guest. What is run is stored in FILE: another definition on the same
    file is refused.
    """
    from vmirom.conform.campaign.definition import Wishes, read_wishes

    told = {
        "guests": tuple(map(str, guests)),
        "on": backends,
        "hosts": hosts,
        "abi": versions,
        "seeds": seeds,
        "vary": vary,
        "memory": memory,
        "append": append,
        "budget": budget,
        "clock": clock,
    }
    given = {name: value for name, value in told.items() if value not in (None, ())}
    if definition is None:
        wishes = Wishes(**given)  # type: ignore[arg-type]
    else:
        if given:
            raise Fault("--definition", f"says it all; {', '.join(given)} can't be given beside it")
        with about_file(definition):
            wishes = read_wishes(definition)
    with _crew(jobs, scheduler) as crew, about_file(file), _opened(file, wishes, definition) as store:
        return _go_on(store, crew, as_json)


def _opened(file: Path, wishes: Wishes, toml: Path | None) -> Store:
    from vmirom.conform.campaign.definition import differences
    from vmirom.conform.campaign.plan import make_plan
    from vmirom.conform.campaign.refused import CampaignError, EmptyFile
    from vmirom.conform.campaign.store import Store

    with about_file(toml) if toml is not None else _about_options():
        definition, guests = _defined(wishes)
        plan = make_plan(definition, guests)
    try:
        store = Store.open(file, write=True)
    except (FileNotFoundError, EmptyFile):
        return Store.create(file, plan)
    try:
        if found := differences(store.definition, definition):
            raise CampaignError(
                f"holds another campaign: {'; '.join(found)}; resume it, or name another file"
            )
        if missing := set(plan.bundles) - store.bundle_names():
            raise CampaignError(
                f"was begun with other ROMs ({len(missing)} bundles differ); resume it as it is"
            )
    except BaseException:
        store.close()
        raise
    return store


@contextmanager
def _about_options() -> Iterator[None]:
    from vmirom.conform.campaign.refused import CampaignError

    try:
        yield
    except CampaignError as error:
        raise Fault(str(error)) from None


def _defined(wishes: Wishes) -> tuple[Definition, dict[str, bytes]]:
    """The definition that follows from options or from a TOML file, and the guests' bytes by name."""
    from vmirom.cli.choices import AbiVersion
    from vmirom.cli.sources import guest_source
    from vmirom.conform.campaign.definition import Definition, GuestEntry, Place, Seeds
    from vmirom.conform.campaign.refused import CampaignError

    guests: dict[str, bytes] = {}
    for name in wishes.guests or ("reference",):
        path = None if name == "reference" else Path(name)
        found = guest_source(path, (3, 255))  # which versions it runs on is each job's own question
        short = "reference" if path is None else shown(path.name)
        if short in guests:
            raise CampaignError(f"guests: two are called {short}")
        guests[short] = found.data
    versions = tuple(dict.fromkeys(wishes.abi or ("3.1",)))
    _check_values("abi", versions, AbiVersion())
    definition = Definition(
        guests=tuple(GuestEntry.of(name, data) for name, data in guests.items()),
        places=tuple(Place(backend, host) for backend, host in _places(wishes)),
        versions=versions,
        seeds=Seeds.parse(str(wishes.seeds)),
        vary=tuple(dict.fromkeys(wishes.vary)),
        memory_mib=wishes.memory,
        append=wishes.append,
        budget=wishes.budget,
        clock=wishes.clock,
    )
    definition.check()
    return definition, guests


def _check_values(field: str, values: Sequence[str], kind: click.ParamType[Any]) -> None:
    from vmirom.conform.campaign.refused import CampaignError

    for value in values:
        try:
            kind.convert(value, None, None)
        except click.BadParameter as error:
            raise CampaignError(f"{field}: {error.message}") from None


def _places(wishes: Wishes) -> Sequence[tuple[str, str]]:
    from vmirom.cli.boot import host_choice, pairs_for

    _check_values("on", wishes.on, BackendName())
    _check_values("hosts", wishes.hosts, HostName("all"))
    return pairs_for(
        tuple(dict.fromkeys(wishes.on)), host_choice(wishes.hosts), everywhere="all" in wishes.hosts
    )


@campaign.command(
    epilog="\b\nExample:\n  vmirom campaign resume c.db --jobs 8\n\n" + _EXIT_CODES,
)
@click.argument("file", type=PathArgument())
@_crew_options
def resume(file: Path, jobs: int | None, scheduler: str | None, as_json: bool) -> int:
    """Go on with the campaign in FILE: boot what has no result yet, as it was defined."""
    from vmirom.conform.campaign.store import Store

    with _crew(jobs, scheduler) as crew, about_file(file), Store.open(file, write=True) as store:
        return _go_on(store, crew, as_json)


def _go_on(store: Store, crew: Crew, as_json: bool) -> int:
    from vmirom.conform.campaign.drive import drive
    from vmirom.conform.campaign.matrix import read_matrix
    from vmirom.report.campaigns import campaign_json, campaign_lines
    from vmirom.report.json_text import json_bytes

    if store.done() < store.total():
        with _told(as_json) as tell:
            drive(store, crew, tell)
    if as_json:
        sys.stdout.write(json_bytes(campaign_json(store)).decode())
    else:
        click.echo("\n".join(campaign_lines(store)))
    return read_matrix(store).outcome.exit_code


@contextmanager
def _crew(jobs: int | None, scheduler: str | None) -> Iterator[Crew]:
    if scheduler is None:
        from vmirom.conform.campaign.crew import LocalCrew

        yield LocalCrew(jobs)
        return
    if jobs is not None:
        raise Fault("--jobs", "has no meaning on a cluster: its workers say how many")
    from vmirom.conform.campaign.cluster import DaskCrew

    with _about_options():
        crew = DaskCrew(scheduler)
    try:
        yield crew
    finally:
        crew.close()


@contextmanager
def _told(quiet: bool) -> Iterator[Callable[[Any], None]]:
    from vmirom.report.campaign_progress import LiveBar, PlainTenths
    from vmirom.report.table import plain

    if quiet:
        yield lambda progress: None
        return
    with PlainTenths(sys.stdout) if plain(sys.stdout) else LiveBar() as shown_there:
        yield shown_there.tell


@campaign.command(epilog="\b\nExample:\n  vmirom campaign status c.db\n")
@click.argument("file", type=PathArgument())
@json_option
def status(file: Path, as_json: bool) -> int:
    """Say how far the campaign in FILE is, and what it runs. It may be running."""
    from vmirom.conform.campaign.matrix import read_matrix
    from vmirom.conform.campaign.store import Store
    from vmirom.report.campaigns import count_line
    from vmirom.report.json_text import json_bytes

    with about_file(file), Store.open(file, write=False) as store:
        matrix = read_matrix(store)
        if as_json:
            counts = {outcome.value: count for outcome, count in matrix.counts.items()}
            said = {"done": matrix.done, "total": store.total(), "counts": counts, "outcome": matrix.outcome}
            sys.stdout.write(json_bytes({**said, "definition": store.definition}).decode())
            return 0
        for field, value in store.definition.lines():
            click.echo(f"{field:9} {value}")
        click.echo(count_line(matrix))
    return 0


@campaign.command(
    epilog="\b\nExample:\n  vmirom campaign replay c.db 17 -v\n\n"
    "\b\nExit codes: that of the boot's outcome; 1 if it ended otherwise than the job in FILE did.\n"
)
@click.argument("file", type=PathArgument())
@click.argument("job", type=click.IntRange(1))
@click.option("-v", "--verbose", is_flag=True, help="Print what the guest printed, too.")
@json_option
def replay(file: Path, job: int, verbose: bool, as_json: bool) -> int:
    """Boot JOB of the campaign in FILE again, exactly as it was, and compare. FILE is not changed."""
    from vmirom.conform.campaign.store import Store
    from vmirom.hosts.workers import boot_all
    from vmirom.report.json_text import json_bytes

    with about_file(file), Store.open(file, write=False) as store:
        found, before = store.job(job), store.result(job)
        if not found.bundle:
            raise Fault(
                shown(file), f"job {job}", f"can't be booted: {before.result.reason if before else ''}"
            )
        (result,) = boot_all([found.request(store.bundle(found.bundle))])
    same = before is None or _alike(before.result, result)
    if as_json:
        sys.stdout.write(
            json_bytes({"job": found, "result": result, "before": before, "same": same}).decode()
        )
    else:
        click.echo("\n".join(_replay_lines(found.name, before, result, verbose)))
    return result.outcome.exit_code if same else 1


def _alike(one: BootResult, other: BootResult) -> bool:
    return (one.outcome, one.transcript) == (other.outcome, other.transcript)


def _replay_lines(name: str, before: Recorded | None, result: BootResult, verbose: bool) -> Iterator[str]:
    from vmirom.report.text import ending_lines, transcript_lines

    if verbose:
        yield from transcript_lines(result)
    yield f"{name}: {result.outcome.value}: {result.reason}"
    yield from ending_lines([result])
    if before is None:
        yield "the campaign has no result of it yet"
    elif _alike(before.result, result):
        yield "as in the campaign: same outcome, same transcript"
    else:
        yield f"in the campaign it was {before.result.outcome.value}: {before.result.reason}"
        lines = (len(before.result.transcript), len(result.transcript))
        yield f"transcripts {'agree' if before.result.transcript == result.transcript else 'differ'}: {lines}"
