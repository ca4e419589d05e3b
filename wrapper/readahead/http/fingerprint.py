"""Tell whether two queries are the same, by a text that may be kept anywhere: checkpoints and partitions carry it.

It is keyed with the credentials, so whoever holds it could try tokens until one fits. A key derivation makes each try
cost a tenth of a second and 32 MB, which puts a weak token out of reach. The same credentials give the same key in any
process. A process derives it once, when a fingerprint is first needed.
"""

import hashlib
import hmac
import os
from collections.abc import Sequence

import orjson

from .origin import origin
from .secret import Secret
from .traces import conceals

__all__ = ["VERSION", "Fingerprint"]

VERSION = "3"  # raise it when the parts of a fingerprint change, or how it is made
_LABEL = "readahead fingerprint"
_N, _R = 2**15, 8
_MEMORY = 128 * _N * _R  # 32 MB

_KEPT = 256
_keys: dict[bytes, bytes] = {}  # of the clients of this process, by a digest that means nothing outside of it
_process = os.urandom(32)


class Fingerprint:
    """Make the fingerprints of one client's queries.

    Args:
        base_url: Where the API is.
        secrets: The credentials that never change.
    """

    def __init__(self, base_url: str, secrets: Sequence[Secret]) -> None:
        self._base_url, self._keys = base_url, secrets
        self._key: bytes | None = None

    def __call__(self, *parts: object) -> str:
        """Return a text that is the same for the same parts and the same client. It tells nothing else.

        The first one takes a tenth of a second: streams and errors must give checkpoints without waiting.
        """
        text = orjson.dumps([self._base_url, *parts])
        return f"{VERSION}:{hmac.new(self._derived(), text, hashlib.sha256).hexdigest()[:32]}"

    @conceals
    def _derived(self) -> bytes:
        if self._key is None:
            salt = f"{_LABEL} {origin(self._base_url)[1]}".encode()  # tables of tokens serve for one API alone
            digest = hmac.digest(_process, salt + b"\n" + self._credentials(), "sha256")
            self._key = _keys.get(digest)
            if self._key is None:
                self._key = _keys[digest] = hashlib.scrypt(
                    self._credentials(), salt=salt, n=_N, r=_R, p=1, maxmem=2 * _MEMORY, dklen=32
                )
                while len(_keys) > _KEPT:
                    _keys.pop(next(iter(_keys)), None)
        return self._key

    def _credentials(self) -> bytes:
        return "\n".join(secret.reveal() for secret in self._keys).encode()  # no header has a line end
