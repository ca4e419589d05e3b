"""The command line: `readahead COMMAND`, also `python -m readahead.cli`."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from types import FrameType


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 if it did what it says, 1 if it could not, 2 if it was called wrongly."""
    parser = argparse.ArgumentParser(prog="readahead", description="Async clients that read pages ahead.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _sandbox_command(
        commands.add_parser(
            "sandbox",
            help="serve Kintsugi and Sweet Spot on this machine until Ctrl-C",
            description="Serve Kintsugi and Sweet Spot on 127.0.0.1 with made-up customers until Ctrl-C or SIGTERM.",
        )
    )
    arguments = parser.parse_args(argv)
    status: int = arguments.run(arguments)
    return status


def _sandbox_command(command: argparse.ArgumentParser) -> None:
    command.add_argument("--port", type=_port, default=0, help="0 takes a free one (default: %(default)s)")
    command.add_argument("--rows", type=_count, default=10_000, help="customers of each API (default: %(default)s)")
    command.add_argument("--latency", type=_seconds, default=0.0, help="seconds before each answer (default: none)")
    command.add_argument("--path", type=Path, help="database file to keep the customers in (default: in memory)")
    command.set_defaults(run=_sandbox)


def _sandbox(arguments: argparse.Namespace) -> int:
    try:
        from readahead.sandbox import API_KEY, ORGANIZATION_ID, TOKEN, Sandbox  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn"):
            raise
        return _fail("the sandbox needs an extra: pip install 'readahead[sandbox]'")

    stop = Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    with Sandbox(
        kintsugi_rows=arguments.rows, sweetspot_rows=arguments.rows, path=arguments.path, latency=arguments.latency
    ) as sandbox:
        try:
            with sandbox.serve(arguments.port) as url:
                print(f"Kintsugi    {url}/kintsugi    X-API-KEY: {API_KEY}, x-organization-id: {ORGANIZATION_ID}")
                print(f"Sweet Spot  {url}/sweetspot   Authorization: Bearer {TOKEN}", flush=True)
                stop.wait()
        except OSError as error:
            return _fail(f"cannot serve on port {arguments.port}: {error.strerror}")
    return 0


def _fail(reason: str) -> int:
    print(f"readahead: {reason}", file=sys.stderr)
    return 1


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError(f"{port} is not a port")
    return port


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("there is no negative number of rows")
    return number


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
