"""The command line: ``readahead COMMAND``, or ``python -m readahead COMMAND``."""

import argparse
import signal
import sqlite3
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType
from typing import TypeVar

Number = TypeVar("Number", int, float)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        The exit status: 0 for success, 1 for failure, 2 for wrong usage.
    """
    parser = argparse.ArgumentParser(prog="readahead", description="Async clients that read pages ahead.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _sandbox_command(
        commands.add_parser(
            "sandbox",
            help="serve Kintsugi and Sweet Spot on this machine until Ctrl-C",
            description="Serve Kintsugi and Sweet Spot on this machine with made-up customers until Ctrl-C or SIGTERM.",
        )
    )
    arguments = parser.parse_args(argv)
    status: int = arguments.run(arguments)
    return status


def _sandbox_command(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--port", type=port, default=0, help="port to listen on; 0 picks a free one (default: %(default)s)"
    )
    command.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; 0.0.0.0 is reached from other containers (default: %(default)s)",
    )
    command.add_argument(
        "--rows", type=rows, default=10_000, help="number of customers in each API (default: %(default)s)"
    )
    command.add_argument("--latency", type=seconds, default=0.0, help="seconds before each answer (default: none)")
    command.add_argument("--path", type=Path, help="database file to keep the customers in (default: in memory)")
    command.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME[=VALUE]",
        help="simulate a fault, as in cap=50 or repeat_last; can be repeated; see readahead.sandbox.Faults",
    )
    command.set_defaults(run=_sandbox)


def _sandbox(arguments: argparse.Namespace) -> int:
    try:
        from ..sandbox import API_KEY, ORGANIZATION_ID, TOKEN, Faults, Sandbox  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"starlette", "uvicorn"}:
            raise
        return _fail("the sandbox needs an extra: pip install 'readahead[sandbox]'")

    try:
        faults = Faults.parse(arguments.fault)
    except ValueError as error:
        return _fail(f"argument --fault: {error}", 2)
    try:
        with (
            _stop_signals() as stop,
            Sandbox(
                kintsugi_rows=arguments.rows,
                sweetspot_rows=arguments.rows,
                path=arguments.path,
                latency=arguments.latency,
                faults=faults,
            ) as sandbox,
            sandbox.serve(arguments.port, host=arguments.host) as url,
        ):
            print(f"Kintsugi    {url}/kintsugi    X-API-KEY: {API_KEY}, x-organization-id: {ORGANIZATION_ID}")
            print(f"Sweet Spot  {url}/sweetspot   Authorization: Bearer {TOKEN}", flush=True)
            stop.wait()
    except sqlite3.Error as error:
        return _fail(f"cannot keep customers in {arguments.path}: {error}")
    except OSError as error:
        return _fail(f"cannot serve on {arguments.host}, port {arguments.port}: {error.strerror}")
    return 0


@contextmanager
def _stop_signals() -> Generator[Event]:
    """Yield an event that Ctrl-C and SIGTERM set; the previous handlers return when the block exits."""
    stop = Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    previous = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _fail(reason: str, status: int = 1) -> int:
    print(f"readahead: {reason}", file=sys.stderr)
    return status


# argparse shows the names of these functions: "invalid port value: 'x'".


def port(text: str) -> int:
    return _within(int(text), 65_535)


def rows(text: str) -> int:
    return _within(int(text), 10_000_000)


def seconds(text: str) -> float:
    return _within(float(text), 3_600.0)


def _within(number: Number, largest: Number) -> Number:
    if not 0 <= number <= largest:
        raise argparse.ArgumentTypeError(f"{number} is not between 0 and {largest}")
    return number
