"""For workers on one machine or many: jobs whose parts are tasks of taskiq, and one budget for all processes."""

from typing import TYPE_CHECKING, Any

from .gate import SharedPace

if TYPE_CHECKING:
    from .jobs import CopyJob, CopyStatus

__all__ = ["CopyJob", "CopyStatus", "SharedPace"]


def __getattr__(name: str) -> Any:
    """Import what needs taskiq when it is asked for: a shared budget does without."""
    if name not in {"CopyJob", "CopyStatus"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from . import jobs  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "taskiq":
            raise
        raise ImportError(f"{name} needs taskiq; install readahead[workers]") from None
    return getattr(jobs, name)
