"""Fictional customers that look real.

The rows of an API come from one seeded generator, so row 17 is the same in a sandbox of 20 rows and in one of 10,000,
and in every run. Nothing here reads a clock or the environment.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from random import Random
from typing import Any, Final, TypeAlias

from attrs import frozen

from .vocabulary import COUNTRIES

EPOCH: Final = datetime(2024, 1, 1, tzinfo=UTC)

_FIRST = """
Ada Alan Amara Anaïs Björn Carmen Chen Chidi Dolores Elif Emeka Fatima Grace Hana Hedy Ingrid Ivan Jamal Joana
Kofi Lars Leila Linus Mei Miguel Nadia Nils Olga Priya Quentin Rosa Sofia Tariq Uma Vera Wei Ximena Yusuf Zoë
太郎
""".split()  # noqa: SIM905
_LAST = """
Abiola Andersson Bauer Chávez Dubois Eriksen Fischer García Haddad Ito Jansen Kim Kowalski Lamarr Lee Lovelace
Martin Müller Nakamura Nguyen O'Brien Okafor Patel Quispe Rossi Santos Schmidt Silva Smith Tanaka Turing Ueda
Vargas Wagner Williams Xu Yilmaz Zhang 山田 Hopper
""".split()  # noqa: SIM905
_COMPANIES = """
Northwind Contoso Fabrikam Initech Umbrella Globex Soylent Hooli Acme Stark Wayne Tyrell Cyberdyne
""".split()  # noqa: SIM905
_DOMAINS = ("gmail.com", "example.com", "example.org", "mail.example.net")
_STREETS = """
Main Oak Pine Maple Cedar Elm Washington Lake Hill Park Station Church Mill River Bahnhof Rivoli
""".split()  # noqa: SIM905

# country, state, county, city, start of the postal code
_Place: TypeAlias = tuple[str, str | None, str | None, str | None, str]
_PLACES: Final[Sequence[_Place]] = (
    ("US", "CA", "San Francisco County", "San Francisco", "941"),
    ("US", "CA", "Los Angeles County", "Los Angeles", "900"),
    ("US", "NY", "Kings County", "Brooklyn", "112"),
    ("US", "TX", "Travis County", "Austin", "787"),
    ("US", "WA", "King County", "Seattle", "981"),
    ("US", "FL", "Miami-Dade County", "Miami", "331"),
    ("US", "IL", "Cook County", "Chicago", "606"),
    ("US", "MA", "Suffolk County", "Boston", "021"),
    ("US", "CO", None, "Denver", "802"),
    ("US", "PA", None, "Philadelphia", "191"),
    ("CA", "ON", None, "Toronto", "M5V "),
    ("CA", "BC", None, "Vancouver", "V6B "),
    ("CA", "QC", None, "Montréal", "H2Y "),
    ("GB", None, "Greater London", "London", "EC1A "),
    ("DE", "BE", None, "Berlin", "101"),
    ("DE", "BY", None, "München", "803"),
    ("FR", None, None, "Paris", "750"),
    ("NL", None, None, "Amsterdam", "101"),
    ("IE", None, "County Dublin", "Dublin", "D0"),
    ("AU", "NSW", None, "Sydney", "20"),
    ("IN", "KA", None, "Bengaluru", "5600"),
    ("JP", None, None, "東京", "100-00"),
    ("BR", "SP", None, "São Paulo", "013"),
    ("SE", None, None, "Malmö", "211 "),
)
_PLACE_WEIGHTS = (8, 8, 7, 6, 5, 5, 4, 3, 3, 3, 5, 4, 3, 6, 3, 2, 4, 3, 2, 3, 2, 2, 2, 1)

_SOURCES: Final = {
    "SHOPIFY": 26, "STRIPE": 14, "API": 10, "BIGCOMMERCE": 7, "WOOCOMMERCE": 6, "QUICKBOOKS": 6, "AMAZON": 5,
    "NETSUITE": 4, "XERO": 4, "CHARGEBEE": 4, "IMPORT": 3, "OTHER": 2, "SAGE-INTACCT": 2, "MAGENTO": 2, "ETSY": 2,
    "WIX": 1, "ORB": 1, "TIKTOK": 1, "APPLE_APP_STORE": 1, "INTERNAL_ERP": 1, "UNKNOWN": 1,
}  # fmt: skip
_WITHOUT_CONNECTION = frozenset({"API", "IMPORT", "OTHER", "UNKNOWN"})
_ADDRESS_STATUSES: Final = {
    "VERIFIED": 55, "UNVERIFIED": 22, "PARTIALLY_VERIFIED": 9, "INVALID": 6, "UNVERIFIABLE": 4, "BLANK": 4,
}  # fmt: skip
_TAX_COUNTRIES: Final = {"CA": "gst_hst", "AU": "gst", "IN": "gst", "GB": "vat", "DE": "vat", "FR": "vat", "NL": "vat"}
_ORGANIZATIONS: Final = tuple(f"org_{number:02d}" for number in range(1, 13))

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_SPACE = 62**13
# Odd and no multiple of 31, so multiplication by it permutes the id space: no two positions share an id.
_ID_STEP = 0x9E3779B97F4A7C15F39CC061


@frozen
class Seed:
    """One row: its visible fields, and hidden values that an API only filters or sorts by."""

    row: dict[str, Any]
    hidden: dict[str, str | None]
    organizations: tuple[str, ...] = ()


def public_id(prefix: str, position: int) -> str:
    """Return an id that looks random, differs for every position, and is the same in every run."""
    number = position * _ID_STEP % _ID_SPACE
    letters: list[str] = []
    for _ in range(13):
        number, digit = divmod(number, 62)
        letters.append(_ALPHABET[digit])
    return prefix + "".join(letters)


def instant(seconds: float, digits: int = 6) -> str:
    """Return a time in RFC 3339, in seconds after ``EPOCH``, with 0 to 9 digits of a second."""
    whole = int(seconds)
    text = (EPOCH + timedelta(seconds=whole)).isoformat()[:19]
    return f"{text}.{int((seconds - whole) * 1e9):09d}"[: 20 + digits] + "Z" if digits else f"{text}Z"


def later(time: str) -> str:
    """Return the whole second after a time that ``instant`` wrote."""
    return f"{(datetime.fromisoformat(time[:19]) + timedelta(seconds=1)).isoformat()}Z"


def kintsugi_seeds(count: int, organization_id: str) -> Iterator[Seed]:
    """Yield rows of Kintsugi in order of creation. Every key is present, as that server sends it; many are null."""
    random = Random(1)
    chance, choice, choices = random.random, random.choice, random.choices
    place_weights = list(accumulate(_PLACE_WEIGHTS))
    sources, source_weights = list(_SOURCES), list(accumulate(_SOURCES.values()))
    address_statuses, address_weights = list(_ADDRESS_STATUSES), list(accumulate(_ADDRESS_STATUSES.values()))
    created = 0
    for position in range(1, count + 1):
        created += choice((0, 37, 600, 4_321))  # zero: customers of one import share their second
        customer_id = public_id("cust_", position)
        first, last = choice(_FIRST), choice(_LAST)
        name = f"{choice(_COMPANIES)} {last} Ltd" if chance() < 0.15 else f"{first} {last}"
        place: _Place = choices(_PLACES, cum_weights=place_weights)[0]
        address: str | None = None
        if chance() < 0.06:
            place = (choice(COUNTRIES), None, None, None, "")
        elif chance() < 0.93:
            address = f"{1 + int(chance() * 980)} {choice(_STREETS)} Street"
        country, state, county, city, postal = place
        postal_code = f"{postal}{int(chance() * 90) + 10}" if address else None
        source = choices(sources, cum_weights=source_weights)[0] if chance() < 0.96 else None
        connected = source is not None and source not in _WITHOUT_CONNECTION
        row: dict[str, Any] = {
            "id": customer_id,
            "organization_id": organization_id,
            "name": name if chance() < 0.97 else None,
            "external_id": f"ext_{position:06d}" if chance() < 0.9 else None,
            "status": "ACTIVE" if chance() < 0.88 else "ARCHIVED",
            "email": _email(first, last, position, choice(_DOMAINS)) if chance() < 0.86 else None,
            "phone": f"+1555{int(chance() * 10_000_000):07d}" if chance() < 0.6 else None,
            "street_1": address,
            "street_2": f"Apt {int(chance() * 400)}" if address and chance() < 0.25 else None,
            "city": city,
            "county": county,
            "state": state,
            "postal_code": postal_code,
            "country": country if chance() < 0.98 else None,
            "full_address": f"{address}, {city}, {postal_code}, {country}" if address and chance() < 0.8 else None,
            "source": source,
            "connection_id": f"conn_{int(chance() * 900):05d}" if connected else None,
            "address_status": choices(address_statuses, cum_weights=address_weights)[0] if address else "BLANK",
            "registration_number": f"R{position:08d}" if chance() < 0.04 else None,
            "external_friendly_id": f"C-{position}" if source == "NETSUITE" else None,
            "customer_tax_registrations": [],
        }
        if country in _TAX_COUNTRIES and chance() < 0.2:
            row["customer_tax_registrations"] = [
                {
                    "id": f"ctr_{position:06d}",
                    "customer_id": customer_id,
                    "country_code": country,
                    "tax_type": _TAX_COUNTRIES[country],
                    "tax_id": f"{country}{int(chance() * 1_000_000_000):09d}",
                    "is_valid": chance() < 0.85,
                }
            ]
        yield Seed(row, {"created_at": instant(created)})


def sweetspot_seeds(count: int) -> Iterator[Seed]:
    """Yield rows of Sweet Spot in order of creation. Optional strings are present, null or missing.

    E-mail, names and organizations are hidden: the list filters by them, and no row shows them.
    """
    random = Random(2)
    chance, choice, choices = random.random, random.choice, random.choices
    place_weights = list(accumulate(_PLACE_WEIGHTS))
    created = 0.0
    for position in range(1, count + 1):
        created += chance() * 5_000
        first, last = choice(_FIRST), choice(_LAST)
        country, state, _, city, postal = choices(_PLACES, cum_weights=place_weights)[0]
        credit = choice(("unknown", "unknown", "passed", "passed", "passed", "failed"))
        identity = choice(("none", "none", "none", "pending", "processing", "verified", "verified", "failed"))
        user: int | str | None = position + 1_000
        if chance() < 0.1:
            user = f"usr_{position:06d}" if chance() < 0.5 else None
        row: dict[str, Any] = {
            "id": public_id("cus_", position),
            "createdAt": instant(created, choice((9, 9, 9, 6, 3, 0))),
            "updatedAt": instant(created + chance() * 900_000, choice((9, 6))),
            "creditStatus": credit,
            "identityVerificationStatus": identity,
            "userId": user,
        }
        optional: dict[str, str] = {
            "address1": f"{1 + int(chance() * 980)} {choice(_STREETS)} Street",
            "address2": f"Suite {int(chance() * 400)}",
            "city": city or "",
            "country": country,
            "phone": f"+1555{int(chance() * 10_000_000):07d}",
            "zip": f"{postal}{int(chance() * 90) + 10}",
            "stripeId": f"cus_live{position:08d}",
            "stripeSandboxId": f"cus_test{position:08d}",
        }
        if state is not None:
            optional["state"] = state
        if credit != "unknown":
            optional["creditIpAddress"] = f"192.0.2.{position % 254 + 1}"
            optional["creditTimestamp"] = instant(created + 60, 0)
        if identity != "none":
            optional["stripeVerificationSessionId"] = f"vs_{position:08d}"
        for key, value in optional.items():
            fate = chance()
            if fate < 0.8:
                row[key] = value
            elif fate < 0.9:
                row[key] = None
        hidden: dict[str, str | None] = {
            "email": _email(first, last, position, choice(_DOMAINS)),
            "first_name": first,
            "last_name": last if chance() < 0.95 else None,
        }
        joined = choices(_ORGANIZATIONS, k=choice((0, 1, 1, 1, 2)))
        yield Seed(row, hidden, tuple(sorted(set(joined))))


def _email(first: str, last: str, position: int, domain: str) -> str:
    return f"{first}.{last}.{position}@{domain}".lower().replace("'", "")
