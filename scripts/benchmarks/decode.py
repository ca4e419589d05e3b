"""What it costs to make rows of an answer: ours, the stock generated code, and JSON alone.

Rounds are paired: in each, every decoder reads the same page in turn, and ratios are taken within the round.
"""

import gc
import importlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from readahead_clients.kintsugi.models import Customer as KintsugiCustomer
from readahead_clients.sweetspot.models import Customer as SweetSpotCustomer

ROOT = Path(__file__).resolve().parents[2]
ROWS = 100  # in a page
PAGES = 40  # in a round
ROUNDS = 9

Row = dict[str, Any]
Decoder = Callable[[bytes], Any]


def kintsugi_row(number: int) -> Row:
    """A customer as Kintsugi sends it: every field, some of them null."""
    return {
        "id": f"cust_{number:08}",
        "organization_id": "org_benchmark",
        "phone": f"+1 555 {number:07}" if number % 3 else None,
        "street_1": f"{number} Main Street",
        "street_2": None,
        "city": "San Francisco",
        "county": "San Francisco County",
        "state": "CA",
        "postal_code": "94103",
        "country": ("US", "CA", "DE", "GB")[number % 4],
        "full_address": f"{number} Main Street, San Francisco, CA 94103",
        "name": f"Customer number {number}",
        "external_id": f"ext-{number}",
        "status": "ACTIVE",
        "email": f"customer{number}@example.com",
        "source": ("SHOPIFY", "STRIPE", "API")[number % 3],
        "address_status": "VERIFIED",
        "connection_id": f"conn_{number}",
        "registration_number": None,
        "external_friendly_id": None,
        "customer_tax_registrations": [],
    }


def sweetspot_row(number: int) -> Row:
    """A customer as Sweet Spot sends it: points in time with nine digits, some fields null."""
    return {
        "id": f"cus_{number:08}",
        "createdAt": "2025-03-04T05:06:07.123456789Z",
        "updatedAt": "2025-05-06T07:08:09.123456789Z",
        "creditStatus": ("passed", "unknown", "failed")[number % 3],
        "userId": number,
        "address1": f"{number} Main Street",
        "address2": None,
        "city": "Austin",
        "country": "US",
        "creditIpAddress": "192.0.2.1",
        "creditTimestamp": None,
        "phone": f"+1 555 {number:07}",
        "state": "TX",
        "stripeId": f"cus_{number}",
        "stripeSandboxId": None,
        "zip": "78701",
        "identityVerificationStatus": "verified",
        "stripeVerificationSessionId": None,
    }


def _short(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in {"phone", "state", "external_id", "stripeId"}}


def _long(row: Row) -> Row:
    return {**row, "loyalty_points": 12, "segment": "retail"}


def _crossed(row: Row) -> Row:
    return _long(_short(row))


CASES: dict[str, tuple[str, Callable[[int], Row]]] = {
    "Kintsugi": ("kintsugi", kintsugi_row),
    "Kintsugi, fields missing": ("kintsugi", lambda number: _short(kintsugi_row(number))),
    "Kintsugi, unknown fields": ("kintsugi", lambda number: _long(kintsugi_row(number))),
    "Kintsugi, both": ("kintsugi", lambda number: _crossed(kintsugi_row(number))),
    "Sweet Spot": ("sweetspot", sweetspot_row),
}
OURS: dict[str, Any] = {"kintsugi": KintsugiCustomer, "sweetspot": SweetSpotCustomer}


# The documents call the class otherwise than we do.
STOCK = {"kintsugi": "CustomerRead", "sweetspot": "Customer"}


@contextmanager
def stock_folder() -> Iterator[Path]:
    """A folder with the same clients as the generator's own templates write them, from the same documents."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.yml").write_text("post_hooks: []\n")
        for api in STOCK:
            command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"]
            command += ["--path", str(ROOT / f"openapi/{api}.yaml"), "--config", str(Path(folder) / "config.yml")]
            subprocess.run(
                [*command, "--output-path", str(Path(folder) / f"stock_{api}")], check=True, capture_output=True
            )
        yield Path(folder)


def stock_classes(folder: Path) -> dict[str, Any]:
    """The classes of rows of those clients."""
    sys.path.insert(0, str(folder))
    try:
        return {api: getattr(importlib.import_module(f"stock_{api}.models"), name) for api, name in STOCK.items()}
    finally:
        sys.path.remove(str(folder))


def decoders(api: str, stock: Any) -> dict[str, Decoder]:
    """What is compared; each takes the bytes of a page."""
    ours = OURS[api].from_dict
    found: dict[str, Decoder] = {
        "orjson.loads": orjson.loads,
        "json.loads": json.loads,
        "ours": lambda body: [ours(row) for row in orjson.loads(body)],
    }
    if stock is not None:
        stock_row = stock.from_dict
        found["stock"] = lambda body: [stock_row(row) for row in json.loads(body)]
    return found


def measure(
    body: bytes, compared: dict[str, Decoder], rounds: int = ROUNDS, pages: int = PAGES
) -> dict[str, list[float]]:
    """Microseconds a row, for each decoder a figure for each round."""
    taken: dict[str, list[float]] = {name: [] for name in compared}
    rows = len(orjson.loads(body))
    for decode in compared.values():
        decode(body)
    collecting = gc.isenabled()
    gc.disable()
    try:
        for turn in range(rounds):
            # another order in every round: none is always the one that comes after the slowest
            names = [*compared][turn % len(compared) :] + [*compared][: turn % len(compared)]
            for name in names:
                decode = compared[name]
                began = time.perf_counter()
                for _ in range(pages):
                    decode(body)
                taken[name].append((time.perf_counter() - began) / pages / rows * 1e6)
            gc.collect()
    finally:
        if collecting:
            gc.enable()
    return taken


def ratios(taken: dict[str, list[float]], name: str, base: str = "orjson.loads") -> list[float]:
    """How many times as long as the base, round by round, in order of size."""
    return sorted(one / other for one, other in zip(taken[name], taken[base], strict=True))


def main() -> None:
    """Print the table."""
    print(f"Microseconds a row, {ROWS} rows a page, median of {ROUNDS} rounds.")
    print("Times orjson.loads: median (least to most).\n")
    print(f"{'':<26}{'orjson.loads':>14}{'json.loads':>12}{'ours':>8}{'':>22}{'stock':>8}")
    with stock_folder() as folder:
        stock = stock_classes(folder)
        for case, (api, make) in CASES.items():
            body = orjson.dumps([make(number) for number in range(ROWS)])
            taken = measure(body, decoders(api, stock.get(api)))
            median = {name: statistics.median(figures) for name, figures in taken.items()}
            times = ratios(taken, "ours")
            said = f"{statistics.median(times):.2f}x ({times[0]:.2f} to {times[-1]:.2f})"
            print(
                f"{case:<26}{median['orjson.loads']:>14.2f}{median['json.loads']:>12.2f}{median['ours']:>8.2f}"
                f"{said:>22}{median['stock']:>8.2f} {statistics.median(ratios(taken, 'stock')):.1f}x"
            )


if __name__ == "__main__":
    main()
