"""The command line: ``readahead COMMAND``, or ``python -m readahead COMMAND``. It needs the extra ``cli``."""

import sys
from collections.abc import Sequence
from importlib.util import find_spec

__all__ = ["main"]

LIBRARIES = ("cyclopts", "dotenv", "rich")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        The exit status: 0 for success, 1 for failure, 2 for wrong usage, 3 for a listing that is not complete; 130 and
        143 after Ctrl-C and SIGTERM, 141 where a pipe was closed.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if any(find_spec(name) is None for name in LIBRARIES):
        extras = "cli,sandbox" if arguments[:1] == ["sandbox"] else "cli"
        print(f"readahead: the command line needs an extra: pip install 'readahead[{extras}]'", file=sys.stderr)
        return 1
    from .commands import run_command  # noqa: PLC0415  an extra

    return run_command(arguments)
