"""Whether a reader fits the answer, and the rows in it."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from ..declared import ANYTHING, Declared, attributes_of, declared
from ..locations import Not
from ..rows import RowReader
from .known import MOST_PATHS, NUMBERS, TEXTS, Known, did_you_mean, in_words, no_attribute

__all__ = ["of_key", "of_reader"]


def of_reader(known: Known, reader: RowReader[Any], row: type | None, *, by_url: bool) -> Iterator[str]:
    """Yield what does not fit of the key, and of paths into the answer. ``by_url``: the next page is named by a URL."""
    if row is not None:
        yield from of_key(reader.key, row)
    if known.answer is None or "any" in known.answer.types:
        return
    yield from _of_items(known, reader, row)
    more = reader.more.of if isinstance(reader.more, Not) else reader.more
    expected: list[tuple[str, object, frozenset[str], str]] = [
        ("total", reader.total, NUMBERS, "a number; of text, a function can make one"),
        ("size", reader.size, NUMBERS, "a number"),
        ("next", reader.next, TEXTS if by_url else TEXTS | NUMBERS, "a URL" if by_url else "text or a number"),
        ("more", more, frozenset({"boolean"}), "a boolean"),
    ]
    for name, path, types, what in expected:
        if isinstance(path, str):
            yield from _of_path(known, f"reader.{name}", path, types, what)


def of_key(key: str, row: type, where: str = "reader.key") -> Iterator[str]:
    """Yield why an attribute cannot tell rows apart."""
    attributes = attributes_of(row)
    if key not in attributes:
        yield f"{where}: {no_attribute(key, row)}"
    elif not (type_ := declared(attributes[key])).is_any_of(TEXTS | NUMBERS):
        yield (
            f"{where}: {row.__name__}.{key} is {in_words(type_)}, which does not tell rows apart; "
            "name an attribute that is text or an integer"
        )


def _of_items(known: Known, reader: RowReader[Any], row: type | None) -> Iterator[str]:
    answer, path = known.answer or ANYTHING, reader.items
    found: Declared | None = answer
    if path is None or not answer.classes:
        if "array" not in answer.types:
            names = [each for each, below in islice(answer.paths(), MOST_PATHS) if "array" in below.types]
            hint = f"; write items={' or '.join(map(repr, names[:3]))}" if names else ", which holds no rows"
            yield f"reader.items: {known.name} answers with {in_words(answer)}, not with an array{hint}"
        elif path is not None and not reader.bare and not callable(path):
            yield f"reader.items: {known.name} answers with an array, not with an object; write items=None"
    elif isinstance(path, str):
        found = answer.at(path)
        yield from _of_path(known, "reader.items", path, frozenset({"array"}), "an array")
    else:
        return  # a function finds them
    classes = () if found is None or found.items is None else found.items.classes
    if row is not None and classes and not any(issubclass(row, each) for each in classes):
        yield (
            f"reader.read: the rows of {known.name} are {' or '.join(each.__name__ for each in classes)}, not "
            f"{row.__name__}; write {classes[0].__name__}.from_dict"
        )


def _of_path(known: Known, where: str, path: str, types: frozenset[str], what: str) -> Iterator[str]:
    """Yield the fault of a path that is not in the answer, or leads to something else."""
    answer = known.answer or ANYTHING
    found = answer.at(path)
    if found is not None and found.is_any_of(types):
        return
    candidates = [each for each, below in islice(answer.paths(), MOST_PATHS) if below.types & types]
    hint = did_you_mean(path, candidates)
    if found is None:
        names = " or ".join(each.__name__ for each in answer.classes) or in_words(answer)
        yield f"{where}: {path!r} is not among the members of {names}, the answer of {known.name}{hint}"
    else:
        yield f"{where}: {path!r} is {in_words(found)}, not {what}{hint}"
