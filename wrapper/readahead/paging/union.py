"""Several listings as one plan: one after the other, in one window. Pure."""

from collections.abc import Hashable

from attrs import define, evolve, field

from ..pages import Fetched
from .plan import Plan, Span, Start, Tally

__all__ = ["UnionPlan"]


@define(eq=False)
class UnionPlan(Plan):
    """The plans of several listings, whose rows are emitted listing by listing.

    The next listings are begun before one has ended: while more of it is to be requested they take a quarter of the
    window, then what room there is, but for one place, so that a gap can be closed while they wait for their turn.
    Where rows are emitted as they arrive, they take that room from the beginning on: then as many lists by cursor are
    requested at once as there are places.

    Attributes:
        plans: One for each listing.
        before: Listings that were read before the first of these, in a listing that is resumed.
    """

    plans: list[Plan]
    before: int = 0
    _current: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._advance()

    @property
    def listings(self) -> int:
        return len(self.plans)

    @property
    def occupied(self) -> int:
        return len(self.ready) + sum(map(_occupied, self.plans))

    def next_request(self) -> Span | None:
        """Return the next request of the listing that is emitted now; else of one of the next."""
        ahead: int | None = None
        for index, plan in enumerate(self.plans[self._current :], self._current):
            if self.finished or plan.finished:
                continue
            if index == self._current:
                room = self.window - self.occupied + plan.occupied
                if room < 1 and self.ready:
                    return None  # what is read is emitted first
                plan.window = max(1, room)
            else:
                ahead = self._room_ahead() if ahead is None else ahead
                if ahead + plan.occupied < 1 or self.limit is not None:  # the current one may bring enough for a limit
                    return None
                plan.window = ahead + plan.occupied
            if (span := plan.next_request()) is not None:
                span.branch = self.before + index
                return span
        return None

    def _room_ahead(self) -> int:
        """How much more the listings may occupy that follow the current one."""
        all_room = not self.ordered or self.plans[self._current].all_requested
        share = self.window - 1 if all_room else self.window // 4
        return min(share - sum(map(_occupied, self.plans[self._current + 1 :])), self.window - self.occupied)

    def add_response(self, span: Span, page: Fetched[object]) -> None:
        self._plan_of(span).add_response(span, page)
        self._advance()

    def add_error(self, span: Span, error: Exception) -> None:
        self._plan_of(span).add_error(span, error)
        self._advance()

    def needs(self, span: Span) -> bool:
        plan = self._plan_of(span)
        return not self.finished and (plan.needs(span) or any(span is waiting for waiting, _ in plan.ready))

    def resume_at(self, span: Span, keys: tuple[Hashable, ...], before: tuple[Hashable, ...]) -> Start:
        """Return where the listing of this span is resumed; the next ones begin at their beginning."""
        return evolve(self._plan_of(span).resume_at(span, keys, before), branch=span.branch)

    def _plan_of(self, span: Span) -> Plan:
        return self.plans[span.branch - self.before]

    def _advance(self) -> None:
        """Collect what can be emitted now; without an order, from any listing."""
        for index in range(self._current, len(self.plans)):
            plan = self.plans[index]
            if index == self._current or not self.ordered:
                self.ready.extend(plan.ready)
                plan.ready.clear()
            if index == self._current and plan.finished:
                self.error = plan.error
                if self.error is None:
                    self._current += 1
        self.ended = self._current == len(self.plans)
        self.tally = sum((plan.tally for plan in self.plans), Tally())


def _occupied(plan: Plan) -> int:
    return len(plan.ready) if plan.finished else plan.occupied  # what is in flight of a finished one is cancelled
