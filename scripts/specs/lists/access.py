"""How an API is reached: the URL of its first server, and the credentials of its security schemes. Pure."""

import re
from collections import Counter
from dataclasses import replace
from typing import Any

from specs.documents.document import operations
from specs.lists.listing import Access, CredentialFact, Doubt
from specs.lists.schemas import Schemas
from specs.lists.words import plain

_READ = ("http", "apiKey", "oauth2", "openIdConnect")


def access(document: dict[str, Any]) -> Access:
    """Return how the API of a document is reached."""
    url, doubts = _base_url(document)
    credentials, more = _credentials(document)
    return Access(url, credentials, (*doubts, *more))


def _base_url(document: dict[str, Any]) -> tuple[str | None, list[Doubt]]:
    servers = [each for each in document.get("servers") or () if isinstance(each, dict) and each.get("url")]
    if not servers:
        return None, [Doubt("base URL", "the document names no server", "write the API's address into BASE_URL")]
    url, doubts = str(servers[0]["url"]), []
    variables = servers[0].get("variables") or {}
    for name in re.findall(r"{([^}]+)}", url):
        default = str((variables.get(name) or {}).get("default") or "")
        if default:
            url = url.replace(f"{{{name}}}", default)
            doubts.append(Doubt("base URL", f"{name!r} is {default!r} by default", "pass base_url= for another one"))
        else:
            return None, [Doubt("base URL", f"{name!r} in {url!r} has no default", "write your address into BASE_URL")]
    if not re.match(r"https?://", url):
        return None, [Doubt("base URL", f"{url!r} has no host", "write the API's address into BASE_URL")]
    if len(servers) > 1:
        doubts.append(Doubt("base URL", f"the document names {len(servers)} servers", f"the first is used: {url}"))
    return re.sub(r"^http://", "https://", url).rstrip("/"), doubts


def _credentials(document: dict[str, Any]) -> tuple[tuple[CredentialFact, ...], list[Doubt]]:
    schemes = {
        name: Schemas(document).whole(each)
        for name, each in ((document.get("components") or {}).get("securitySchemes") or {}).items()
    }
    ways = _ways(document)
    if not ways and len(schemes) == 1:
        ways = [tuple(schemes)]
    if not ways:
        return (), [
            Doubt("credentials", "the document requires none", "add a Credential if the API does")
        ] if schemes else []
    reasons = []
    for way in ways:
        found = [_credential(name, schemes.get(name, {}), len(way)) for name in way]
        if all(isinstance(each, CredentialFact) for each in found):
            facts = tuple(each for each in found if isinstance(each, CredentialFact))
            doubts = (
                [Doubt("credentials", f"there are {len(ways)} ways", f"{' and '.join(way)} is used")]
                if len(ways) > 1
                else []
            )
            return _named(facts), doubts
        reasons += [each for each in found if isinstance(each, str)]
    return (), [Doubt("credentials", reasons[0] if reasons else "none is described", "add them to the client by hand")]


def _ways(document: dict[str, Any]) -> list[tuple[str, ...]]:
    """Return the sets of schemes that operations take, the simplest first, then the most frequent."""
    counted: Counter[tuple[str, ...]] = Counter()
    for _, _, operation in operations(document):
        for each in operation.get("security", document.get("security")) or ():
            if isinstance(each, dict) and each:
                counted[tuple(each)] += 1
    schemes = (document.get("components") or {}).get("securitySchemes") or {}

    def rank(way: tuple[str, ...]) -> tuple[int, int]:
        kinds = [str((schemes.get(name) or {}).get("type")) for name in way]
        return -(counted[way] * 4 // max(counted.values())), max((_READ.index(k) if k in _READ else 9) for k in kinds)

    return sorted(counted, key=rank)


def _credential(name: str, scheme: dict[str, Any], among: int) -> CredentialFact | str:
    kind = scheme.get("type")
    said = str(scheme.get("scheme", "")).lower()
    if kind in {"oauth2", "openIdConnect"} or (kind == "http" and said == "bearer"):
        return CredentialFact("token", "header", "Authorization", "Bearer ")
    if kind == "http" and said == "basic":
        return CredentialFact("login", "header", "Authorization", is_basic=True)
    if kind == "apiKey" and scheme.get("in") == "header" and scheme.get("name"):
        wire = str(scheme["name"])
        own = plain(name if among > 1 else wire)
        own = "api_key" if among == 1 and wire.lower() != "authorization" else "token" if among == 1 else own
        prefix = next((f"{each} " for each in ("Bearer", "Token", "Bot") if wire.lower() == "authorization"
                       and re.search(rf"\b{each} ", str(scheme.get("description", "")))), "")  # fmt: skip
        return CredentialFact(own, "header", wire, prefix)
    if kind == "apiKey":
        return f"{name!r} is sent in the {scheme.get('in')}, not in a header"
    return f"{name!r} is of the kind {kind} {said}".rstrip()


def _named(facts: tuple[CredentialFact, ...]) -> tuple[CredentialFact, ...]:
    """Give each one a name of its own."""
    names: Counter[str] = Counter()
    named = []
    for each in facts:
        names[each.name] += 1
        name = each.name if names[each.name] == 1 else f"{each.name}_{names[each.name]}"
        named.append(replace(each, name=name))
    return tuple(named)
