"""Withhold the credentials of a client in what a server sends back: some APIs quote the key that they refuse.

Only errors and messages are searched. Good responses are not: the rows of Kintsugi name the organisation.
"""

import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from contextlib import suppress
from html.entities import codepoint2name
from urllib.parse import unquote, urlsplit

from .secret import Secret

__all__ = ["Redactor"]

_SHORTEST = 8  # characters; a shorter key is also a part of ordinary words, and withholds nothing from who can guess
_MARK = b"(withheld)"
_SCHEME = re.compile("^(?:bearer|basic|token|api-?key) +", re.IGNORECASE)


class Redactor:
    r"""Withhold credentials in text and bodies.

    A credential is found as it is, in either case, in base64, and with any of its characters written as in JSON
    (``\u006b``, ``\/``), in a URL (``%6b``), in HTML (``&#107;``) or in UTF-16. One of fewer than 8 characters is
    not searched for.

    Args:
        secrets: Returns the credentials.
    """

    __slots__ = ("_secrets",)

    def __init__(self, secrets: Callable[[], Iterable[Secret]] = tuple) -> None:
        self._secrets = secrets

    def body(self, body: bytes) -> bytes:
        """Return a body without them."""
        # Nothing here raises: the frame holds what must not be shown.
        for secret in self._secrets() if body else ():
            for key in _keys(secret):
                if len(key) >= _SHORTEST:
                    body = re.sub(_pattern(key), _MARK, body)
        return body

    def finds(self, value: str) -> bool:
        """Whether a decoded value, such as a cursor, holds a credential: as it is, percent-encoded, in base64 or hex.

        It is a hundred times faster than a search for all forms, since good responses go through it.
        """
        encoded = value.encode(errors="surrogatepass")
        folded = f"{value}\n{unquote(value)}".casefold().encode(errors="surrogatepass")
        for secret in self._secrets():
            for key in _keys(secret):
                if len(key) >= _SHORTEST and (
                    key.lower() in folded
                    or key.hex().encode() in folded
                    or any(form in encoded for form in _base64_forms(key))
                ):
                    return True
        return False

    def text(self, text: str) -> str:
        """Return text without them."""
        return self.body(text.encode(errors="surrogatepass")).decode(errors="surrogatepass")


def _keys(secret: Secret) -> set[bytes]:
    """What identifies a credential: a token without its scheme, or the password in the URL of a proxy."""
    keys = {_SCHEME.sub("", secret.reveal())}
    with suppress(ValueError):  # not every key with a colon is a URL
        password = urlsplit(secret.reveal()).password or ""
        keys |= {password, unquote(password)}
    return {key.encode(errors="surrogatepass") for key in keys}


def _pattern(key: bytes) -> bytes:
    """A regular expression for a key in any of its forms; it takes linear time, whatever the body is."""
    # It begins with a set of characters, which makes the search fast.
    starts = b"".join(map(re.escape, (*_cases(key[0]), b"\\", b"%", b"&", b"=")))
    forms = [b"(?=[" + starts + b"])" + rb"\x00{0,3}".join(map(_forms, key)), *map(re.escape, _base64_forms(key))]
    forms += [key.hex().encode(), key.hex().upper().encode()]
    return b"|".join(forms)


def _forms(byte: int) -> bytes:
    """A regular expression for one character: as it is, and escaped as in JSON, Python, URLs and HTML."""
    cases = _cases(byte)
    codes = b"|".join(b"%02x" % ord(case) for case in cases)
    octals = b"|".join(b"%03o" % ord(case) for case in cases)
    numbers = b"|".join(b"%d" % ord(case) for case in cases)
    forms = [
        *map(re.escape, cases),
        rb"\\{1,8}(?:u00|U000000|x)(?i:" + codes + b")",
        rb"\\{1,8}u\{0{0,4}(?i:" + codes + rb")\}",
        rb"\\{1,8}(?:" + octals + b")",
        rb"=(?i:" + codes + b")",
        rb"%(?:25){0,2}(?i:" + codes + b")",
        rb"&(?:amp;)?#0{0,5}(?:" + numbers + b");?",
        rb"&(?:amp;)?#[xX]0{0,5}(?i:" + codes + b");?",
    ]
    if not chr(byte).isalnum():
        forms.append(rb"\\{1,8}" + re.escape(cases[0]))
    if byte == ord(" "):
        forms.append(rb"\+")
    if byte in codepoint2name:
        forms.append(rb"&(?:amp;)?" + codepoint2name[byte].encode() + b";")
    return b"(?:" + b"|".join(forms) + b")"


def _cases(byte: int) -> list[bytes]:
    char = bytes([byte])
    return sorted({char, char.lower(), char.upper()})


def _base64_forms(key: bytes) -> set[bytes]:
    """What base64 makes of it at each of the three places that it can begin at."""
    forms = set[bytes]()
    for shift in range(3):
        begin, end = -(-8 * shift // 6), 8 * (shift + len(key)) // 6  # what depends on the key alone
        for encode in (b64encode, urlsafe_b64encode):
            forms.add(encode(bytes(shift) + key)[begin:end])
    return forms
