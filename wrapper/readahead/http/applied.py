"""Whether a request that failed may have changed data all the same. Pure.

An attempt has changed nothing if it was never sent, or if its response proves that the server refused it first: a
status of the 400s. Of any other attempt nobody knows. After several of them each one counts: an update that was applied
and whose response was lost may be answered with 404 or 409 when it is sent again.
"""

from attrs import define, field

from ..errors import ApiError, ConnectFailed, DeadlineExceeded, PoolTimedOut, ReadaheadError

__all__ = ["Attempts", "maybe_applied"]


def maybe_applied(writes: bool, kind: type[ReadaheadError], status: int = 0) -> bool:  # noqa: FBT001  no option
    """Return whether one attempt may have changed data.

    Args:
        writes: Whether the request changes data at all.
        kind: The error that the attempt ended with.
        status: Of the response, where there is one.
    """
    if issubclass(kind, ConnectFailed | PoolTimedOut):
        return False
    return writes and not (issubclass(kind, ApiError) and status < 500)


@define
class Attempts:
    """All attempts to send one request.

    Attributes:
        writes: Whether the request changes data.
        failures: What those that are over ended with.
        is_under_way: Whether one has started and is not over.
    """

    writes: bool
    failures: list[ReadaheadError] = field(factory=list[ReadaheadError])
    is_under_way: bool = False

    @property
    def maybe_applied(self) -> bool:
        """Whether any of them may have changed data."""
        return self.writes and (self.is_under_way or any(error.maybe_applied for error in self.failures))

    def fail(self, error: ReadaheadError) -> None:
        """Record what the attempt under way ended with."""
        self.failures.append(error)
        self.is_under_way = False

    def judge(self, error: ReadaheadError) -> None:
        """Make the error that the call ends with say what any of the attempts may have done."""
        if isinstance(error, DeadlineExceeded) and self.failures:
            failure = self.failures[-1]
            error.add_note(f"The attempt before failed: {type(failure).__name__}: {failure}")
        if self.maybe_applied and not error.maybe_applied:
            whose = "it" if self.is_under_way else "an earlier attempt"
            error.maybe_applied = True
            error.args = (f"{error} ({whose} may have been applied)",)
