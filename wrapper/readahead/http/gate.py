"""What clients share that send for one account from several processes: one budget, and one pause."""

from typing import Protocol, cast

from ..errors import UsageError, shown

__all__ = ["Gate", "checked_gate"]


class Gate(Protocol):
    """Lets requests of many clients pass, one by one: ``Kintsugi(gate=...)``.

    A client asks it before each attempt, after its own pace, and sends nothing that it did not let pass. What a gate
    cannot do is a ``GateError``, and ends the call.
    """

    async def enter(self) -> float:
        """Ask whether a request may be sent now.

        Returns:
            0 if it may, and it then counts; else seconds after which to ask again.

        Raises:
            GateError: Nobody can tell, such as when the database is gone.
        """
        ...

    def left(self, seconds: float) -> None:
        """Take that a request which was let pass is over, so many seconds after it asked: answered, failed, cancelled.

        It arrived at the server before that, or never.
        """
        ...

    async def pause(self, seconds: float) -> None:
        """Let nothing pass for so long, because the API asks for it. A shorter pause never cuts a longer one.

        Raises:
            GateError: The others cannot be told.
        """
        ...


def checked_gate(gate: object) -> Gate | None:
    """Return a gate, or None.

    Raises:
        UsageError: It is none.
    """
    if gate is not None and not all(callable(getattr(gate, name, None)) for name in ("enter", "left", "pause")):
        raise UsageError(f"gate must be a gate such as readahead.workers.SharedPace, or None, not {shown(gate)}")
    return cast("Gate | None", gate)
