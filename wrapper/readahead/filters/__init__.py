"""What rows a query asks for: conditions made of fields, checked before anything is sent. Pure."""

from .conditions import And, Comparison, Condition, Not, Or
from .fields import (
    Choice,
    Field,
    Fields,
    FullText,
    Id,
    Number,
    PartialMatch,
    Relation,
    Text,
    Timestamp,
    predicate,
    read_condition,
    write_condition,
)
from .values import Choices, checked_choice, checked_extra, checked_order, checked_text

__all__ = [
    "And",
    "Choice",
    "Choices",
    "Comparison",
    "Condition",
    "Field",
    "Fields",
    "FullText",
    "Id",
    "Not",
    "Number",
    "Or",
    "PartialMatch",
    "Relation",
    "Text",
    "Timestamp",
    "checked_choice",
    "checked_extra",
    "checked_order",
    "checked_text",
    "predicate",
    "read_condition",
    "write_condition",
]
