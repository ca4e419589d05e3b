"""The command line: ``readahead COMMAND``, or ``python -m readahead COMMAND``."""

from .serving import main

__all__ = ["main"]
