"""What rows a query asks for: conditions made of fields, checked before anything is sent. Pure."""

from .conditions import And, Condition
from .fields import (
    Choice,
    Date,
    Field,
    Fields,
    Flag,
    FullText,
    Id,
    Number,
    Ordered,
    PartialMatch,
    Relation,
    Text,
    Timestamp,
    read_condition,
    write_condition,
)
from .kinds import Kind, Kinds, kinds_of
from .slices import sliced
from .values import Choices, Incomparable, checked_choice, checked_extra, checked_text

__all__ = [
    "And",
    "Choice",
    "Choices",
    "Condition",
    "Date",
    "Field",
    "Fields",
    "Flag",
    "FullText",
    "Id",
    "Incomparable",
    "Kind",
    "Kinds",
    "Number",
    "Ordered",
    "PartialMatch",
    "Relation",
    "Text",
    "Timestamp",
    "checked_choice",
    "checked_extra",
    "checked_text",
    "kinds_of",
    "read_condition",
    "sliced",
    "write_condition",
]
