"""scripts/regenerate"""

import signal
import sys
from types import FrameType

from specs.pipeline.command import main


def stop(number: int, _frame: FrameType | None) -> None:
    """Leave in good order: temporary folders are removed, nothing is left half-written."""
    sys.exit(128 + number)


for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    signal.signal(number, stop)
sys.exit(main(sys.argv[1:]))
