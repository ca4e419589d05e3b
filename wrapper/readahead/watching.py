"""The ledger of a listing that log and traces are told of."""

from collections.abc import Hashable

from attrs import define, field

from .http.observe import ListingWatch
from .pages import Fetched
from .paging.ledger import Ledger
from .paging.plan import Plan

__all__ = ["WatchedLedger"]


@define(eq=False)
class WatchedLedger(Ledger):
    """A ledger that tells what goes into the report when it happens, and raises what a hook raised.

    Attributes:
        listing: What is told.
    """

    listing: ListingWatch = field(kw_only=True)

    def admits(self, page: Fetched[object], key: Hashable) -> bool:
        """Tell of a filter that the API ignored, the first time."""
        if key in page.ignored and not self.report.ignored_filters:
            self.listing.ignored(page.ignored[key])
        return super().admits(page, key)

    def check_drift(self, plan: Plan) -> None:
        """Tell of rows that moved."""
        super().check_drift(plan)
        if self.report.drift == "seen":
            self.listing.drifted()

    def conclude(self, plan: Plan) -> None:
        """Tell how the listing ended.

        Raises:
            Exception: A hook raised it for a page that turned out not to be needed.
        """
        raised = self.listing.raised
        if raised is not None and plan.error is None:
            plan.error = raised
            self.report.why = type(raised).__name__
            self.listing.concluded(self.report.why, raised)
            raise raised
        super().conclude(plan)
        report, error = self.report, None if self.is_full else plan.error
        why = None if report.complete else report.why if error is None else type(error).__name__
        self.listing.concluded(why, error)

    def leave(self, error: BaseException | None) -> None:
        """Tell that the reader has left."""
        self.listing.left(error)
