"""The commands, and the options that each takes. What they need is imported when one is run: help is fast."""

import sys
from collections import ChainMap
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from cyclopts import App, CycloptsError, Group, Parameter

from ..errors import UsageError
from .meter import Meter, style_for
from .running import INCOMPLETE, WRONG_USAGE, as_options, fail, failed, quiet_broken_pipe, run

if TYPE_CHECKING:
    from ..collection import Collection
    from ..export import Copied, Target
    from ..export.database import DatabaseTarget
    from ..query import Query

__all__ = ["run_command"]

EXPORT = (
    "Copy a listing to a file or a table, or to standard output.\n\n"
    "A copy that was stopped or killed goes on where it was when the same command is run again. A file appears under "
    "its name when it is whole.\n\n"
    "Example: readahead export kintsugi customers --where country=US,CA --to customers.parquet"
)
MIRROR = (
    "Keep a table equal to a listing: rows that are new or changed are stored, and those that are gone go, but only "
    "where that was proved.\n\n"
    "Example: readahead mirror kintsugi customers --to shop.db --gone mark"
)

app = App(
    name="readahead",
    help="Listings of APIs, read ahead: copied, counted, explained.",
    version=lambda: _version(),  # noqa: PLW0108  it is defined below
    help_format="plaintext",
    default_parameter=Parameter(negative=(), show_default=False),
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)
_ROWS, _HOW, _API, _SHOWN = (
    Group(name, sort_key=order)
    for order, name in enumerate(("Which rows", "How they are read", "The API", "What is shown"))
)


# ---- completion of names, which are known only when it is asked for


def _apis(_context: object) -> Iterable[str]:
    from .apis import known_apis  # noqa: PLC0415

    return known_apis()


def _collections(context: Any) -> Iterable[str]:
    from .apis import API  # noqa: PLC0415

    return API.named(str(context["api"].raw)).collections


def _orders(context: Any) -> Iterable[str]:
    from .apis import API, Anything  # noqa: PLC0415

    client: Any = API.named(str(context["api"].raw)).open(Anything())
    order = cast("Collection[Any, Any]", getattr(client, str(context["collection"].raw))).reading.endpoint.order
    return () if order is None else order.names


# ---- options that several commands take


def _whole(least: int, most: int | None = None) -> Callable[[Any, Any], None]:
    def check(_type: object, value: object) -> None:
        if isinstance(value, int) and (value < least or (most is not None and value > most)):
            within = f"from {least} to {most:,}" if most is not None else f"of at least {least}"
            raise ValueError(f"It must be a whole number {within}.")

    return check


def _seconds(most: float) -> Callable[[Any, Any], None]:
    def check(_type: object, value: object) -> None:
        if isinstance(value, float) and not 0 <= value <= most:
            raise ValueError(f"It must be from 0 to {most:,.0f}.")

    return check


ApiName = Annotated[
    str, Parameter(completer=_apis, help="kintsugi, sweetspot, another binding, or package.module:Client.")
]
CollectionName = Annotated[str, Parameter(completer=_collections, help="A collection of it, such as customers.")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Which:
    """Which rows, in which order, how many."""

    where: Annotated[
        tuple[str, ...],
        Parameter(
            group=_ROWS,
            help='name=value[,value], or a condition such as \'email.endswith("@gmail.com") | (country == "CA")\'. '
            "Repeated: rows have to meet all.",
        ),
    ] = ()
    order_by: Annotated[str, Parameter(group=_ROWS, completer=_orders, help="Fields to sort by, with commas.")] = ""
    limit: Annotated[int | None, Parameter(group=_ROWS, help="Rows in all, at most.")] = None
    page_size: Annotated[int | None, Parameter(group=_ROWS, help="Rows in a page; the largest by default.")] = None

    def of(self, collection: "Collection[Any, Any]", names: dict[str, object]) -> "Query[Any]":
        """Return the query. Raises UsageError."""
        from .where import parse_where  # noqa: PLC0415

        selected = parse_where(self.where, collection.reading.endpoint.fields, names)
        query: Any = collection
        if selected.conditions or selected.keywords:
            try:
                query = query.where(*selected.conditions, **selected.keywords)
            except UsageError as error:
                raise UsageError(f"--where: {error}") from None
        if self.order_by:
            query = query.order_by(*(name.strip() for name in self.order_by.split(",")))
        if self.limit is not None:
            query = query.limit(self.limit)
        if self.page_size is not None:
            query = query.page_size(self.page_size)
        return cast("Query[Any]", query)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class How:
    """How rows are read."""

    window: Annotated[
        Literal["auto"] | int, Parameter(group=_HOW, help="Pages that are requested or buffered at once, 1 to 256.")
    ] = "auto"
    on_bad_row: Annotated[
        Literal["raise", "skip"], Parameter(group=_HOW, help="skip: leave out rows that cannot be read.")
    ] = "raise"


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Reached:
    """How the API is reached."""

    credentials: Annotated[
        Path | None,
        Parameter(
            group=_API,
            help="A file of NAME=VALUE lines; by default the environment. Values on the command line would be shown "
            "to all users of the machine.",
        ),
    ] = None
    base_url: Annotated[
        str | None, Parameter(group=_API, help="Another address of the API: https, or http on this machine.")
    ] = None
    send_credentials: Annotated[
        bool, Parameter(group=_API, help="Send the credentials of the environment to --base-url as well.")
    ] = False
    insecure: Annotated[bool, Parameter(group=_API, help="Let --base-url be http on another machine.")] = False
    http: Annotated[Literal["httpx", "aiohttp"], Parameter(group=_API, help="The HTTP library.")] = "httpx"
    deadline: Annotated[float | None, Parameter(group=_API, help="Seconds for all that is read.")] = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Output:
    """What is shown."""

    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], group=_SHOWN, help="Show nothing but errors.")] = False
    debug: Annotated[bool, Parameter(group=_SHOWN, help="Show where an error comes from.")] = False


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ProgressOutput(Output):
    """What is shown of something that takes long."""

    progress: Annotated[
        Literal["auto", "bar", "plain", "none"],
        Parameter(
            group=_SHOWN,
            help="auto: a bar on a terminal, lines in a log, nothing where rows go to standard output and that is a "
            "pipe.",
        ),
    ] = "auto"


# ---- commands


@app.command(name="export", help=EXPORT)
def export_command(
    api: ApiName,
    collection: CollectionName,
    /,
    *,
    to: Annotated[
        str,
        Parameter(
            help="A file: .ndjson, .jsonl, .csv (also with .gz, .zst), .parquet; a database: .db, .sqlite, "
            "postgresql://...; or - for standard output.",
            allow_leading_hyphen=True,
        ),
    ] = "-",
    table: Annotated[
        str | None, Parameter(help="The table of a database; by default named like the collection.")
    ] = None,
    restart: Annotated[bool, Parameter(help="Throw away what an unfinished copy has stored.")] = False,
    which: Which = Which(),
    how: How = How(),
    reached: Reached = Reached(),
    output: ProgressOutput = ProgressOutput(),
) -> int:
    rows_on_stdout = to == "-"
    meter = Meter(
        style_for(output.progress, quiet=output.quiet, rows_on_stdout=rows_on_stdout),
        limit=which.limit,
        goes_on=not rows_on_stdout,
    )

    async def work(_rows: Any, query: "Query[Any]") -> int:
        from ..export import export  # noqa: PLC0415

        target = _target(to, table, collection)
        copied = await export(
            query,
            target,
            window=how.window,
            on_bad_row=how.on_bad_row,
            restart=restart,
            on_progress=meter.update,
            at_once=1 if rows_on_stdout else 2_000,
        )
        return _conclude(meter, "standard output" if rows_on_stdout else to, copied)

    return _run_on_query(api, collection, which, reached, output, meter, work)


@app.command(name="mirror", help=MIRROR)
def mirror_command(
    api: ApiName,
    collection: CollectionName,
    /,
    *,
    to: Annotated[
        str, Parameter(help="A database: .db, .sqlite, .sqlite3 or postgresql://...", allow_leading_hyphen=True)
    ],
    table: Annotated[str | None, Parameter(help="Its table; by default named like the collection.")] = None,
    gone: Annotated[
        Literal["delete", "mark", "keep"],
        Parameter(help="What happens to rows that are proved to be gone; mark: the time goes into _gone_at."),
    ] = "delete",
    most_gone: Annotated[
        float, Parameter(help="The largest share of the table that may go at once, from 0 to 1.", show_default=True)
    ] = 0.5,
    confirm: Annotated[
        bool, Parameter(help="Get each missing row by its id: also rows of a list that changes meanwhile can go.")
    ] = False,
    adopt: Annotated[bool, Parameter(help="Take a table that has rows, or mirrors another query.")] = False,
    restart: Annotated[bool, Parameter(help="Throw away what an interrupted run has seen.")] = False,
    which: Which = Which(),
    how: How = How(),
    reached: Reached = Reached(),
    output: ProgressOutput = ProgressOutput(),
) -> int:
    meter = Meter(style_for(output.progress, quiet=output.quiet, rows_on_stdout=False), goes_on=True)

    async def work(rows: Any, query: "Query[Any]") -> int:
        from ..export import mirror  # noqa: PLC0415

        mirrored = await mirror(
            query,
            _database(to, table, collection),
            gone=gone,
            most_gone=most_gone,
            confirm=_getter(rows, collection) if confirm else None,
            adopt=adopt,
            window=how.window,
            on_bad_row=how.on_bad_row,
            restart=restart,
            on_progress=meter.update,
        )
        equal = mirrored.complete and (mirrored.proved or not mirrored.kept)
        text = (
            f"{to}: {'complete' if mirrored.complete else 'not complete'} after {mirrored.report.requests:,} requests: "
        )
        text += as_options(str(mirrored))
        if not mirrored.complete and not mirrored.kept:
            text += f"; {as_options(mirrored.why)}"
        meter.conclude(text, always=not equal)
        return 0 if equal else INCOMPLETE

    return _run_on_query(api, collection, which, reached, output, meter, work)


@app.command(name="count")
def count_command(
    api: ApiName,
    collection: CollectionName,
    /,
    *,
    which: Which = Which(),
    reached: Reached = Reached(),
    output: ProgressOutput = ProgressOutput(),
) -> int:
    """Count the rows of a listing: one request where the API says a total, else a reading of them all."""
    meter = Meter(style_for(output.progress, quiet=output.quiet, rows_on_stdout=True), limit=which.limit)

    async def work(_rows: Any, query: "Query[Any]") -> int:
        print(await query.count(), flush=True)
        return INCOMPLETE if meter.incomplete else 0

    return _run_on_query(api, collection, which, reached, output, meter, work)


@app.command(name="explain")
def explain_command(
    api: ApiName,
    collection: CollectionName,
    /,
    *,
    offline: Annotated[bool, Parameter(help="Send nothing, and need no credentials: without totals.")] = False,
    which: Which = Which(),
    reached: Reached = Reached(),
    output: Output = Output(),
) -> int:
    """Say how a listing would be read: what is sent, what is evaluated on rows, how many requests it takes."""
    meter = Meter()

    async def work(_rows: Any, query: "Query[Any]") -> int:
        print(str(query) if offline else await query.explain(), flush=True)
        return 0

    return _run_on_query(api, collection, which, reached, output, meter, work, offline=offline)


@app.command(name="get")
def get_command(
    api: ApiName,
    collection: CollectionName,
    id: Annotated[str, Parameter(help="The id of the row.")],  # noqa: A002  its name in the help
    /,
    *,
    reached: Reached = Reached(),
    output: Output = Output(),
) -> int:
    """Get one row by its id, as JSON."""

    async def work(rows: Any, _query: "Query[Any]") -> int:
        import orjson  # noqa: PLC0415

        from .stdout import write_out  # noqa: PLC0415

        row: Any = await _getter(rows, collection)(id)
        write_out(orjson.dumps(row.to_dict(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        return 0

    return _run_on_query(api, collection, Which(), reached, output, Meter(), work)


@app.command(name="sandbox")
def sandbox_command(
    *,
    port: Annotated[int, Parameter(validator=_whole(0, 65_535), help="Port to listen on; 0 picks a free one.")] = 0,
    host: Annotated[
        str, Parameter(help="Address to listen on; 0.0.0.0 is reached from other containers.")
    ] = "127.0.0.1",
    rows: Annotated[int, Parameter(validator=_whole(0, 10_000_000), help="Customers in each API.")] = 10_000,
    latency: Annotated[float, Parameter(validator=_seconds(3_600), help="Seconds before each response.")] = 0.0,
    path: Annotated[Path | None, Parameter(help="Database file that keeps the customers; by default memory.")] = None,
    fault: Annotated[
        tuple[str, ...],
        Parameter(
            help="NAME[=VALUE] of a fault to simulate, such as cap=50; repeatable. See readahead.sandbox.Faults."
        ),
    ] = (),
) -> int:
    """Serve Kintsugi and Sweet Spot on this machine, with made-up customers, until Ctrl-C or SIGTERM."""
    from .serving import serve  # noqa: PLC0415

    return serve(port=port, host=host, rows=rows, latency=latency, path=path, faults=fault)


@app.command(name="completion")
def completion_command(shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="The shell.")], /) -> int:
    """Print what makes a shell complete commands, options and names: source <(readahead completion bash)."""
    print(app.generate_completion(shell=shell), flush=True)
    return 0


cast("Any", app).register_install_completion_command(help="Install completion for the shell that is in use.")


# ---- running one


def run_command(arguments: Sequence[str]) -> int:
    """Parse the arguments and run the command, and return the exit status."""
    if not arguments:
        names = ", ".join(name for name in app if not name.startswith("-"))
        return fail(f"a COMMAND is missing: {names}; see readahead --help", WRONG_USAGE)
    try:
        result = app(arguments, exit_on_error=False, print_error=False)
        sys.stdout.flush()
    except CycloptsError as error:
        return fail(_usage(error), WRONG_USAGE)
    except BrokenPipeError:
        return quiet_broken_pipe()
    except SystemExit as stopped:  # of the libraries: a closed pipe, a shell that is not known
        return stopped.code if isinstance(stopped.code, int) else 0
    except (KeyboardInterrupt, OSError) as error:
        return failed(error)
    return result if isinstance(result, int) else 0


def _usage(error: CycloptsError) -> str:
    error.verbose = False
    text = " ".join(str(error).split()).rstrip(".")
    command = " ".join(["readahead", *(error.command_chain or ())])
    return f"{text[:1].lower()}{text[1:]}; see {command} --help"


def _run_on_query(
    api: str,
    collection: str,
    which: Which,
    reached: Reached,
    output: Output,
    meter: Meter,
    work: "Callable[[Any, Query[Any]], Awaitable[int]]",
    *,
    offline: bool = False,
) -> int:
    """Open a client, make the query, and do the work with it."""

    async def opened() -> int:
        from .apis import API, Anything, Environment, credentials_in, reachable_by_others  # noqa: PLC0415

        found = API.named(api)
        found.check_collection(collection)
        sources: list[Any] = [Anything()] if offline else []
        sources += [] if reached.credentials is None else [credentials_in(reached.credentials)]
        sources += [Environment()] if reached.send_credentials else []
        variables = ChainMap[str, Any](*sources)
        if reached.credentials is not None and reachable_by_others(reached.credentials):
            meter.say(f"warning: {reached.credentials} can be read by other users; chmod 600 {reached.credentials}")
        options: dict[str, Any] = {**meter.hooks}  # and what was asked for: a client may not take all
        options |= {} if reached.http == "httpx" else {"http": reached.http}
        options |= {"insecure": True} if reached.insecure else {}
        options |= {} if reached.base_url is None else {"base_url": reached.base_url}
        options |= {} if reached.deadline is None else {"deadline": reached.deadline}
        async with found.open(variables, **options) as client:
            rows = getattr(client, collection)
            return await work(rows, which.of(rows, vars(found.module)))

    return run(opened, meter, debug=output.debug)


def _target(to: str, table: str | None, collection: str) -> "Target":
    from urllib.parse import urlsplit  # noqa: PLC0415

    from ..export import target_of  # noqa: PLC0415
    from ..export.files import FileTarget  # noqa: PLC0415
    from .stdout import StandardOutput  # noqa: PLC0415

    if "://" in to and "@" in to and urlsplit(to).password is not None:
        raise UsageError(
            "--to must not hold a password, since all users of this machine can see it; leave it out and set "
            "PGPASSWORD, or write it to ~/.pgpass"
        )
    target = StandardOutput() if to == "-" else target_of(to, table or collection)
    if table is not None and isinstance(target, StandardOutput | FileTarget):
        raise UsageError(f"--table is for databases, and {to!r} is none; leave it out")
    return target


def _database(to: str, table: str | None, collection: str) -> "DatabaseTarget":
    target: Any = _target(to, table, collection)
    if not hasattr(target, "connect"):
        raise UsageError(f"--to must be a database: .db, .sqlite, .sqlite3 or postgresql://..., not {to!r}")
    return cast("DatabaseTarget", target)


def _getter(rows: Any, collection: str) -> "Callable[[str], Awaitable[Any]]":
    get: Callable[[str], Awaitable[Any]] | None = getattr(rows, "get", None)
    if get is None:
        raise UsageError(f"{collection} has no get; its API has no request for one row")
    return get


def _conclude(meter: Meter, to: str, copied: "Copied") -> int:
    """Say what was copied, and return the exit status."""
    report = copied.report
    text = f"{to}: {copied.rows:,} rows"
    text += f", started {copied.runs} times" if copied.runs > 1 else ""
    text += f", {copied.bad_rows:,} that could not be read left out" if copied.bad_rows else ""
    text += f", {report.requests:,} requests"
    text += f" ({report.retries:,} repeated)" if report.retries else ""
    if copied.complete:
        meter.conclude(f"{text}, complete")
        return 0
    meter.conclude(f"{text}, not complete: {as_options(copied.why)}", always=True)
    return INCOMPLETE


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415  it is slow to import

    return version("readahead")
