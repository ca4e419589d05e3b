"""Where requests go: the base URL, the proxy on the way, and the certificates that are trusted."""

import ipaddress
import re
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from ..errors import UsageError, shown
from ..events import ClientInsecure
from ..log import log
from .secret import Secret

if TYPE_CHECKING:
    import ssl

__all__ = ["checked_base_url", "checked_proxy", "checked_verify", "in_clear", "origin", "proxy_for", "tls_context"]

_FORM = "https://HOST[:PORT][/PATH]"
_LONGEST = 2_000  # characters of a URL
_LONGEST_HOST = 253  # characters, RFC 1035
_LABEL = re.compile(r"[a-z0-9_-]{1,63}", re.IGNORECASE)  # names in container networks have underscores
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
# RFC 3986, 3.3. HTTP libraries differ in what they make of other characters, and of the segments . and ..
_PATH = re.compile(r"(/(?!\.{1,2}(/|$))([\w.~!$&'()*+,;=:@-]|%[0-9a-f]{2})*)*", re.IGNORECASE | re.ASCII)


def checked_base_url(url: str, *, insecure: bool = False) -> str:
    """Return an https URL, or an http URL of this machine, without a trailing slash. Its host is in ASCII.


    Args:
        url: The URL.
        insecure: Whether an http URL may be that of another machine.

    Raises:
        UsageError: It is no such URL, or has a query, a fragment or credentials, or a host that cannot exist.
    """
    # urlsplit drops tabs and line ends, so it would read another URL than the one that requests are sent to.
    if not isinstance(cast("object", url), str) or any(c.isspace() or not c.isprintable() for c in url):
        raise UsageError(f"base_url must be {_FORM}, not {shown(url)}")
    if len(url) > _LONGEST:
        raise UsageError(f"base_url must be {_FORM}, of at most {_LONGEST:,} characters, not {len(url):,}")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        quoted = "" if "@" in url else f", not {shown(url)}"
        raise UsageError(f"base_url must be {_FORM}{quoted}") from None
    if "@" in parts.netloc:
        raise UsageError("base_url must not contain credentials; pass them as arguments of their own")
    netloc = (f"[{host}]" if ":" in host else host) + (f":{port}" if port is not None else "")
    if parts.scheme not in {"http", "https"} or not host or parts.netloc.lower() != netloc or "?" in url or "#" in url:
        raise UsageError(f"base_url must be {_FORM}, not {shown(url)}")
    if port == 0:
        raise UsageError("base_url must not have port 0; nothing can be reached there")
    if not _PATH.fullmatch(parts.path):
        raise UsageError(
            f"the path of base_url must be ASCII without . or .. as a segment, with other characters percent-encoded, "
            f"not {shown(parts.path)}"
        )
    ascii_host = _ascii_host(host)
    if ascii_host is None:
        raise UsageError(f"base_url has a host that cannot exist: {shown(host)}; check its labels")
    if parts.scheme == "http" and not _is_loopback(host):
        if not insecure:
            raise UsageError(f"base_url {shown(url)} would show the key to the network; use https, or insecure=True")
        log(ClientInsecure(base_url=url))
    if host != ascii_host:
        return f"{parts.scheme}://{netloc.replace(host, ascii_host)}{parts.path}".rstrip("/")
    return f"{parts.scheme}{url[len(parts.scheme) :]}".rstrip("/")


def _ascii_host(host: str) -> str | None:
    """Return a host as DNS knows it (IDNA 2008), or an address; None if it can be neither."""
    if ":" in host:  # urlsplit has checked what is in brackets
        return host
    if not host.isascii() or "xn--" in host:
        import httpx  # noqa: PLC0415  it takes long to import

        try:
            host = httpx.URL(f"https://{host}").raw_host.decode()
            for label in host.split("."):
                _ = httpx.URL(f"https://{label}").host  # decodes what looks encoded
        except (httpx.InvalidURL, ValueError):  # idna's errors are UnicodeErrors
            return None
    labels = host.removesuffix(".").split(".")
    if not all(map(_LABEL.fullmatch, labels)) or len(host.removesuffix(".")) > _LONGEST_HOST:
        return None
    is_address = _NUMBER.fullmatch(labels[-1]) is not None  # as all programs read it that follow the URL standard
    return host if not is_address or _address(host) is not None else None


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)


def checked_proxy(url: object, base_url: str) -> Secret | None:
    """Return the URL of a proxy to send through, or None.

    Raises:
        UsageError: It is no text, or requests would pass it in clear.
    """
    if url is None:
        return None
    if not isinstance(url, str):
        raise UsageError(f"proxy must be the URL of a proxy or None, not {type(url).__name__}")
    if base_url.startswith("http:"):
        raise in_clear(base_url)
    return Secret(url)


def in_clear(base_url: str) -> UsageError:
    """Return the error for plain http through a proxy. https goes through a tunnel, in which the proxy sees no key."""
    return UsageError(
        f"base_url {base_url!r} is plain http, which would show the key to the proxy; use https, or no proxy"
    )


def proxy_for(base_url: str) -> Secret | None:
    """Return the URL of the proxy that the environment names for a base URL, by the rules of httpx.

    There is none for this machine: a proxy would look for the API on its own machine, and see the key.
    ``NO_PROXY`` takes ``*``, names (``example.com``: it and its subdomains; ``.example.com``: its subdomains alone),
    addresses, CIDR ranges and URLs; names and URLs may have a port. httpx documents CIDR ranges, and 0.28 does not
    match them; here they work.
    """
    from urllib.request import getproxies  # noqa: PLC0415  it takes long to import

    target = origin(base_url)
    if _is_loopback(target[1]):
        return None
    proxies = getproxies()
    if any(_bypasses(entry.strip().lower(), *target) for entry in proxies.get("no", "").split(",")):
        return None
    proxy = proxies.get(target[0]) or proxies.get("all")
    return Secret(proxy if "://" in proxy else f"http://{proxy}") if proxy else None


def _bypasses(entry: str, scheme: str, host: str, port: int) -> bool:
    """Tell whether an entry of ``NO_PROXY`` names this origin."""
    if entry in {"", "*"}:
        return entry == "*"
    prefix, separator, name = entry.rpartition("://")
    if separator and prefix not in {"all", scheme}:
        return False
    try:
        network = ipaddress.ip_network(name.strip("[]"), strict=False)
    except ValueError:
        pass
    else:
        address = _address(host)
        return address is not None and address in network
    try:
        parts = urlsplit(f"//{name}")
        name, wanted = parts.hostname or "", parts.port
    except ValueError:
        return False
    if wanted not in {None, port}:
        return False
    if separator or name == "localhost":
        return host == name or (name.startswith("*.") and host.endswith(name[1:]))
    return host == name or host.endswith("." + name.removeprefix("*").removeprefix("."))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host.rstrip(".").lower() == "localhost" if address is None else address.is_loopback


def checked_verify(verify: object) -> "ssl.SSLContext | bool":
    """Return what may decide on certificates: True, False or an ``ssl.SSLContext``.

    Raises:
        UsageError: It is anything else, or a context for servers. HTTP libraries take None, 0 and "" for False.
    """
    if verify is True or verify is False:
        return verify
    import ssl  # noqa: PLC0415  it takes long to import

    if not isinstance(verify, ssl.SSLContext):
        raise UsageError(
            f"verify must be True, False or an ssl.SSLContext, not {verify!r}; "
            "for a file of certificates pass ssl.create_default_context(cafile=...)"
        )
    if verify.protocol is ssl.PROTOCOL_TLS_SERVER:
        raise UsageError("verify must be a context for clients, not for servers; pass ssl.create_default_context()")
    return verify


def tls_context(verify: "ssl.SSLContext | bool", *, needed: bool) -> "ssl.SSLContext":
    """Return what httpx makes of ``verify``, ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``.

    Args:
        verify: See ``checked_verify``.
        needed: Whether anything is encrypted at all. Loading certificates takes 20 ms; where it would be for nothing
            the context trusts no certificate.

    Raises:
        UsageError: The certificates cannot be loaded.
    """
    import ssl  # noqa: PLC0415  it takes long to import

    if verify is True and not needed:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    import httpx  # noqa: PLC0415  it takes long to import

    try:
        return httpx.create_ssl_context(verify)
    except OSError as error:
        raise UsageError(f"certificates cannot be loaded: {error}; check SSL_CERT_FILE and SSL_CERT_DIR") from None
