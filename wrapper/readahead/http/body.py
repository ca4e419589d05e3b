"""Read the body of a response: as JSON, and whether it came whole. Pure."""

import codecs
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import orjson

__all__ = ["is_cut_short", "read_exactly", "read_json"]

_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)
_NO_CHARSETS = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}  # of Python, and of no server
_MOST_DIGITS = 4_300  # of an integer: Python's own limit, which a process may have lifted
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)  # the last one may lack its end


def read_json(body: bytes, content_type: str = "") -> Any:
    """Return what a JSON text says. What orjson refuses is read once more by the standard library.

    So NaN and Infinity, lone surrogates, a byte order mark, UTF-16 and UTF-32, and a charset that ``content_type``
    names are read too. Integers over 64 bits are rounded to a float unless the text had to be read a second time.

    Raises:
        ValueError: It is no JSON, nested too deeply, or holds an integer of more than 4,300 digits.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        reason = str(error)
    with suppress(ValueError):
        return read_exactly(body, content_type)
    raise ValueError(reason)


def read_exactly(body: bytes, content_type: str = "") -> Any:
    """Return what a JSON text says, integers of any size included. It takes three times as long as ``read_json``.

    Raises:
        ValueError: It is no JSON, nested too deeply, or holds an integer of more than 4,300 digits.
    """
    text = _decoded(body, content_type)
    for one in (text,) if text is body else (text, body):
        with suppress(ValueError, RecursionError):
            return json.loads(one, parse_int=_integer)
    raise ValueError("it is no JSON that Python can read")


def is_cut_short(status: int, headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether a response that ends where its connection was closed, over HTTP/1, lacks its end.

    Where neither Content-Length nor chunks say how long it is, JSON that ends early is all that shows it. No body at
    all ends early too: that there is nothing to say, only 204, 205 and a length of 0 say.

    Args:
        status: The HTTP status.
        headers: Names in lower case.
        body: All that came.
    """
    if not 200 <= status < 300 or status in {204, 205} or not headers.keys().isdisjoint(_FRAMES):
        return False
    if body.lstrip()[:1] not in {b"", b"{", b"["}:
        return False
    with suppress(orjson.JSONDecodeError):
        orjson.loads(body)
        return False
    brackets = _STRING.sub(b"", body)
    return not body.strip() or sum(map(brackets.count, _OPENING)) > sum(map(brackets.count, _CLOSING))


_FRAMES = ("content-length", "transfer-encoding")
_OPENING, _CLOSING = (b"{", b"["), (b"}", b"]")


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"an integer of {len(digits):,} digits")
    return int(digits)


def _decoded(body: bytes, content_type: str) -> str | bytes:
    """The text by the charset that is named; where none is, or it does not fit, the bytes: their encoding shows."""
    named = _CHARSET.search(content_type)
    with suppress(LookupError, UnicodeError):
        if named is not None and codecs.lookup(named[1]).name not in _NO_CHARSETS:
            return body.decode(named[1])
    return body
