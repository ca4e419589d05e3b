from __future__ import annotations

from attrs import define

from ...runtime import Row


@define
class InvalidRequestItemCtx(Row):
    pass
