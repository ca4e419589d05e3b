"""Every published change of the Kintsugi document, through the command; and old and new clients, side by side."""

import functools
import importlib
import itertools
import json
import shutil
import sys
import tomllib
from pathlib import Path

import pytest

from readahead.http.request import Request, Response
from readahead.rows import RowReader, decode_page
from specs.documents import generate
from specs.documents.document import component, load
from specs.pipeline import lock
from specs.pipeline.command import ROOT, main

OWN = Path(__file__).with_name("tickets.yaml")
FAMILIES = ("server", "customer", "pysdk")  # as published
OPERATIONS = tomllib.loads((ROOT / "openapi/apis.toml").read_text())["kintsugi"]["operations"]
OWN_OPERATIONS = ["GET /v1/customers", "POST /v1/customers"]


def new(*values, of="SourceEnum"):
    return [("new", "value new", of, f"'{value}'") for value in values]


def always_there(*fields):
    return [("no effect", "field always there", f"PageCustomerRead.{field}", "") for field in fields]


def minimum(**fields):
    return [
        ("no effect", "field limit higher", f"PageCustomerRead.{field}", f"minimum none is now {value}")
        for field, value in fields.items()
    ]


def everywhere(field, said, *classes):
    kinds = {"CustomerRead": "field new", "CustomerCreate": "key new", "CustomerUpdate": "key new"}
    return [("new", kinds[each], f"{each}.{field}", said) for each in classes]


def own_versions():
    """The versions of our own document: each is the one before, changed as the published ones are changed."""
    document = load(OWN)
    schemas = document["components"]["schemas"]
    customer, page = schemas["CustomerRead"]["properties"], schemas["Page_CustomerRead_"]
    yield "own-2030-01-01", document
    schemas["SourceEnum"]["enum"] += ["PHONE"]
    schemas["CountryCodeEnum"]["enum"] += ["CI"]
    page["required"] += ["total", "page"]
    page["properties"]["size"]["minimum"] = 1
    yield "own-2030-02-01", document
    schemas["SourceEnum"]["enum"][1] = "WEB-SHOP"
    schemas["TierEnum"] = {"type": "string", "enum": ["GOLD", "SILVER"]}
    schemas["Discount"] = {"type": "object", "properties": {"tier": {"$ref": "#/components/schemas/TierEnum"}}}
    customer["discounts"] = {"type": "array", "items": {"$ref": "#/components/schemas/Discount"}}
    customer["phone"] = schemas["CustomerCreate"]["properties"]["phone"] = {"type": "string"}
    yield "own-2030-03-01", document
    del customer["vip"]
    schemas["CustomerCreate"]["required"] += ["phone"]
    yield "own-2030-04-01", document


# Written down from the documents, by hand: the date of the newer one, and all that it means.
OWN_EXPECTED = {
    "own-2030-02-01": new("PHONE") + new("CI", of="CountryCodeEnum") + always_there("page", "total") + minimum(size=1),
    "own-2030-03-01": [
        ("breaking", "value renamed", "SourceEnum", "'WEB_SHOP' is now 'WEB-SHOP'"),
        ("new", "class new", "Discount", ""),
        ("new", "enumeration new", "TierEnum", ""),
        *everywhere("discounts", "list[Discount]", "CustomerRead"),
        *everywhere("phone", "string", "CustomerRead", "CustomerCreate"),
    ],
    "own-2030-04-01": [
        ("breaking", "field gone", "CustomerRead.vip", ""),
        ("breaking", "key newly required", "CustomerCreate.phone", ""),
    ],
}  # fmt: skip
PUBLISHED = {
    "server-2025-11-12": new("CI", of="CountryCodeEnum") + new("BESTBUY", "ZENSKAR"),
    "server-2025-12-02": always_there("page", "pages", "size", "total"),
    "server-2025-12-31": new("MICROSOFT_DYNAMICS_365"),
    "server-2026-01-09": new("KICKSTARTER", "INTERNAL_ERP"),
    "server-2026-03-05": new("RILLET", "CHECKOUTCHAMP"),
    "server-2026-05-15": new("SHOPLINE", "VERTEX_O_SERIES", "DUALENTRY"),
    "customer-2025-12-02": new("CI", of="CountryCodeEnum") + new("ZENSKAR") + always_there("pages")
    + minimum(page=1, pages=0, size=1, total=0),
    "customer-2026-01-09": new("MICROSOFT_DYNAMICS_365", "KICKSTARTER", "INTERNAL_ERP"),
    "pysdk-2025-09-15": [
        ("breaking", "value renamed", "SourceEnum", "'SAGE_INTACCT' is now 'SAGE-INTACCT'"),
        *everywhere("external_friendly_id", "string", "CustomerRead", "CustomerCreate", "CustomerUpdate"),
        *new("AIRWALLEX"),
    ],
    "pysdk-2025-09-24": [
        ("new", "class new", "CustomerTaxRegistrationRead", ""),
        ("new", "class new", "CustomerTaxRegistrationReadInput", ""),
        ("new", "enumeration new", "CustomerTaxTypeEnum", ""),
        *everywhere("customer_tax_registrations", "list[CustomerTaxRegistrationRead]", "CustomerRead"),
        *everywhere("customer_tax_registrations", "list[CustomerTaxRegistrationReadInput]", "CustomerCreate"),
        *new("BUNNY"),
    ],
}  # fmt: skip


def name(path):
    return "-".join(path.stem.split("-")[:4])


EXPECTED = {**OWN_EXPECTED, **PUBLISHED}
each_change = pytest.mark.parametrize(
    "change", [*OWN_EXPECTED, *(pytest.param(each, marks=pytest.mark.slow) for each in PUBLISHED)]
)


def taken(root, family, operations, paths):
    """For every document: its report, exit status, and the client that was generated from it, importable.

    They are taken one after the other under a name of their own: our overlay corrects one family alone.
    """
    project, documents = root / family, {}
    shutil.copytree(ROOT / "openapi/templates", project / "openapi/templates")
    (project / "openapi/apis.toml").write_text(
        f'[{family}]\ntitle = "Kintsugi"\ndocument = "{family}.yaml"\noperations = {json.dumps(operations)}\n'
    )
    locked = lock.Lock(generate.tools(), {}, lock.digests(project / "openapi"))
    (project / "openapi/openapi.lock").write_text(locked.text())
    for path in paths:
        report = root / "report.json"
        status = main([family, "--from", str(path), "--json", str(report)], project)
        package = f"client_{name(path).replace('-', '_')}"
        shutil.copytree(project / "generated" / generate.PACKAGE, root / package)
        documents[name(path)] = (status, json.loads(report.read_text()), f"{package}.{family}", load(path))
    return documents


@pytest.fixture(scope="session")
def history(request, tmp_path_factory):
    """Takes all documents of a family, when first asked for one of them."""
    root = tmp_path_factory.mktemp("history")

    @functools.cache
    def family_of(change):
        if change != "own":
            upstream = request.getfixturevalue("upstream")
            return taken(root, change, OPERATIONS, sorted(upstream.glob(f"{change}-*.json")))
        paths = []
        for version, document in own_versions():
            paths.append(root / f"{version}.json")
            paths[-1].write_text(json.dumps(document))
        return taken(root, change, OWN_OPERATIONS, paths)

    sys.path.insert(0, str(root))
    yield lambda change: family_of(change.split("-")[0])
    sys.path.remove(str(root))


def test_all_changes_are_written_down(upstream):
    """A document that is added to the folder needs its line here."""
    pairs = [
        name(later) for family in FAMILIES for _, later in itertools.pairwise(sorted(upstream.glob(f"{family}-*.json")))
    ]
    assert pairs == list(PUBLISHED)


@each_change
def test_every_published_change_is_classified(history, change):
    """The report of each change says what was written down from the documents, and the status follows from it."""
    status, report, _, _ = history(change)[change]
    found = [
        (level, each["kind"], each["name"], each["detail"])
        for level in ("breaking", "new", "needs a hand", "no effect")
        for each in report[level]
    ]
    assert sorted(found) == sorted(EXPECTED[change])
    breaks = any(each[0] == "breaking" for each in EXPECTED[change])
    assert (status, report["verdict"]) == ((2, "breaking") if breaks else (0, "compatible"))
    assert report["left out"] == {}


# --- old and new meet

LISTS = {"customer_tax_registrations", "discounts"}  # of rows, which are given fields that were not sent


def answers(document, schema, rows=40):
    """Yield values as the document describes them: whole, with nulls, with everything optional absent."""

    def value(schema, turn):
        if "$ref" in schema:
            return value(component(document, schema["$ref"])[2], turn)
        for union in ("anyOf", "oneOf", "allOf"):
            if union in schema:
                return value(schema[union][turn % len(schema[union])], turn)
        if "enum" in schema:
            return schema["enum"][turn % len(schema["enum"])]
        match schema.get("type"):
            case "object":
                required = schema.get("required", ())
                return {
                    key: value(inner, turn)
                    for key, inner in schema.get("properties", {}).items()
                    if key in required or turn % 3 != 2
                }
            case "array":
                return [value(schema["items"], turn)] * (turn % 2)
            case "integer" | "number":
                return turn
            case "boolean":
                return bool(turn % 2)
            case "null":
                return None
            case _:
                return f"text {turn}"

    return [value(schema, turn) for turn in range(rows)]


@each_change
@pytest.mark.parametrize("direction", ["old client, new answers", "new client, old answers"])
def test_old_and_new_meet(history, change, direction):
    """No page and no row is lost, nothing that was sent is changed, and what is not listed says so."""
    versions = history(change)
    documents = list(versions)
    before = documents[documents.index(change) - 1]
    client, server = (before, change) if direction.startswith("old") else (change, before)
    customer = importlib.import_module(f"{versions[client][2]}.models").CustomerRead
    document = versions[server][3]
    sent = answers(document, {"$ref": "#/components/schemas/CustomerRead"})
    sent += [{**sent[0], "source": source} for source in document["components"]["schemas"]["SourceEnum"]["enum"]]
    body = json.dumps({"items": sent, "total": len(sent), "page": 1, "size": 100, "pages": 1}).encode()
    answer = Response(Request("GET", "/v1/customers", "GET /v1/customers"), 200, {}, body)
    page = decode_page(answer, RowReader(customer.from_dict, key="id", items="items", total="total"))
    rows = page.rows
    assert (len(rows), page.total) == (len(sent), len(sent))
    for row, given in zip(rows, sent, strict=True):
        assert {key: row.to_dict()[key] for key in given if key not in LISTS} == {
            key: value for key, value in given.items() if key not in LISTS
        }
    there = {row.source for row in rows if row.source is not None}
    unlisted = {str(each) for each in there if not each.is_listed}
    sources = [set(versions[each][3]["components"]["schemas"]["SourceEnum"]["enum"]) for each in (server, client)]
    assert unlisted == sources[0] - sources[1]
