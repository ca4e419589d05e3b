"""Several listings as one plan: one after the other, in one window. Pure."""

from collections.abc import Hashable

from attrs import define, evolve, field

from .plan import Plan, Seen, Span, Start

__all__ = ["UnionPlan"]

_SUMS = ("drift", "mends", "unproven", "repeated", "given")


@define(eq=False)
class UnionPlan(Plan):
    """The plans of several listings, whose rows go out listing by listing.

    The next listings are begun before one has ended: while more of it is to be asked for they take a quarter of the
    window, then what room there is, but for one place, so that a gap can be mended while they wait to be handed out.
    before: how many listings were read earlier.
    """

    plans: list[Plan]
    before: int = 0
    _at: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._advance()

    @property
    def listings(self) -> int:
        """How many it reads, one after the other."""
        return len(self.plans)

    @property
    def held(self) -> int:
        """Spans in flight, or read and not taken."""
        return len(self.ready) + sum(map(_held, self.plans))

    def ask(self) -> Span | None:
        """The next request of the listing that is handed out now; else of one of the next."""
        for index, plan in enumerate(self.plans):
            if self.over or plan.over:
                continue
            if index == self._at:
                room = self.window - self.held + plan.held
                if room < 1 and self.ready:
                    return None  # what is read is taken first
                plan.window = max(1, room)
            else:
                room = self._room_ahead() + plan.held
                if room < 1 or self.limit is not None:  # of a limit, this listing may bring enough
                    return None
                plan.window = room
            if (span := plan.ask()) is not None:
                span.branch = self.before + index
                return span
        return None

    def _room_ahead(self) -> int:
        """How much more the listings may hold that follow the one handed out now."""
        share = self.window - 1 if self.plans[self._at].ending else self.window // 4
        return min(share - sum(map(_held, self.plans[self._at + 1 :])), self.window - self.held)

    def got(self, span: Span, seen: Seen) -> None:
        """An answer."""
        self._of(span).got(span, seen)
        self._advance()

    def failed(self, span: Span, error: Exception) -> None:
        """No answer, for good."""
        self._of(span).failed(span, error)
        self._advance()

    def wants(self, span: Span) -> bool:
        """Whether the answer to this is still of use."""
        plan = self._of(span)
        return not self.over and (plan.wants(span) or any(span is waiting for waiting, _ in plan.ready))

    def after(self, span: Span, keys: tuple[Hashable, ...], before: tuple[Hashable, ...]) -> Start:
        """Where the listing goes on that this span is of; the next ones begin at their beginning."""
        return evolve(self._of(span).after(span, keys, before), branch=span.branch)

    def _of(self, span: Span) -> Plan:
        return self.plans[span.branch - self.before]

    def _advance(self) -> None:
        """Take what can be handed out now; without an order, from any listing."""
        for index in range(self._at, len(self.plans)):
            plan = self.plans[index]
            if index == self._at or not self.ordered:
                self.ready.extend(plan.ready)
                plan.ready.clear()
            if index == self._at and plan.over:
                self.error = plan.error
                if self.error is None:
                    self._at += 1
        self.done = self._at == len(self.plans)
        for name in _SUMS:
            setattr(self, name, sum(getattr(plan, name) for plan in self.plans))
        self.total_wrong = any(plan.total_wrong for plan in self.plans)
        self.hides = any(plan.hides for plan in self.plans)


def _held(plan: Plan) -> int:
    return len(plan.ready) if plan.over else plan.held  # what is in flight of one that is over is cancelled
