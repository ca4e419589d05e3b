"""Several listings as one plan: one after the other, in one window. Pure."""

from collections.abc import Hashable

from attrs import define, evolve, field

from .plans import Plan, Seen, Span, Start

__all__ = ["UnionPlan"]

_SUMS = ("drift", "mends", "unproven", "repeated", "given")


@define(eq=False)
class UnionPlan(Plan):
    """The plans of several listings, whose rows go out listing by listing.

    While one has nothing to ask for, the next ones use what room it leaves. One place is left to it, so that a gap in
    it can be mended while later listings wait to be handed out. before: how many listings were read earlier.
    """

    plans: list[Plan]
    before: int = 0
    _at: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self._advance()

    @property
    def held(self) -> int:
        """Spans in flight, or read and not taken."""
        return len(self.ready) + sum(plan.held for plan in self.plans)

    def ask(self) -> Span | None:
        """The next request of the listing that is handed out now; else of one of the next."""
        for index, plan in enumerate(self.plans):
            if self.over or plan.over:
                continue
            room = self.window - (self.held - plan.held) - (index > self._at)
            if room < 1 and (self.ready or index > self._at):
                return None
            if index > self._at and self.limit is not None:
                return None  # perhaps this one brings enough
            plan.window = max(1, room)
            if (span := plan.ask()) is not None:
                span.branch = self.before + index
                return span
        return None

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
