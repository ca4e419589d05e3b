"""Every published change of the Kintsugi document, through the command; and old and new clients, side by side."""

import importlib
import itertools
import json
import shutil
import sys
import tomllib

import pytest

from readahead.http.transport import Request, Response
from readahead.rows import RowReader, decode_page
from specs.documents import generate
from specs.documents.document import component, load
from specs.pipeline import lock
from specs.pipeline.command import ROOT, main

FAMILIES = ("server", "customer", "pysdk")
OPERATIONS = tomllib.loads((ROOT / "openapi/apis.toml").read_text())["kintsugi"]["operations"]


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


# Written down from the documents, by hand: the date of the newer one, and all that it means.
EXPECTED = {
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


@pytest.fixture(scope="session")
def history(upstream, tmp_path_factory):
    """For every document: its report, exit status, and the client that was generated from it, importable.

    They are taken one after the other under a name of their own: our overlay corrects one family alone.
    """
    root = tmp_path_factory.mktemp("history")
    taken = {}
    for family in FAMILIES:
        project = root / family
        shutil.copytree(ROOT / "openapi/templates", project / "openapi/templates")
        (project / "openapi/apis.toml").write_text(
            f'[{family}]\ntitle = "Kintsugi"\ndocument = "{family}.yaml"\noperations = {json.dumps(OPERATIONS)}\n'
        )
        locked = lock.Lock(generate.tools(), {}, lock.digests(project / "openapi"))
        (project / "openapi/openapi.lock").write_text(locked.text())
        for path in sorted(upstream.glob(f"{family}-*.json")):
            report = root / "report.json"
            status = main([family, "--from", str(path), "--json", str(report)], project)
            package = f"client_{name(path).replace('-', '_')}"
            shutil.copytree(project / "generated" / generate.PACKAGE, root / package)
            taken[name(path)] = (status, json.loads(report.read_text()), f"{package}.{family}", load(path))
    sys.path.insert(0, str(root))
    yield taken
    sys.path.remove(str(root))


def test_all_changes_are_written_down(upstream):
    """A document that is added to the folder needs its line here."""
    pairs = [
        name(later) for family in FAMILIES for _, later in itertools.pairwise(sorted(upstream.glob(f"{family}-*.json")))
    ]
    assert pairs == list(EXPECTED)


@pytest.mark.parametrize("change", EXPECTED)
def test_every_published_change_is_classified(history, change):
    """The report of each change says what was written down from the documents, and the status follows from it."""
    status, report, _, _ = history[change]
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


@pytest.mark.parametrize("change", EXPECTED)
@pytest.mark.parametrize("direction", ["old client, new answers", "new client, old answers"])
def test_old_and_new_meet(history, change, direction):
    """No page and no row is lost, nothing that was sent is changed, and what is not listed says so."""
    family = change.split("-")[0]
    documents = [each for each in history if each.startswith(family)]
    before = documents[documents.index(change) - 1]
    client, server = (before, change) if direction.startswith("old") else (change, before)
    customer = importlib.import_module(f"{history[client][2]}.models").CustomerRead
    document = history[server][3]
    sent = answers(document, {"$ref": "#/components/schemas/CustomerRead"})
    sent += [{**sent[0], "source": source} for source in document["components"]["schemas"]["SourceEnum"]["enum"]]
    body = json.dumps({"items": sent, "total": len(sent), "page": 1, "size": 100, "pages": 1}).encode()
    answer = Response(Request("GET", "/v1/customers", "GET /v1/customers"), 200, {}, body)
    page = decode_page(answer, RowReader(customer.from_dict, key="id", items="items", total="total"))
    rows = page.rows
    assert (len(rows), page.total) == (len(sent), len(sent))
    for row, given in zip(rows, sent, strict=True):
        assert {key: row.to_dict()[key] for key in given if key != "customer_tax_registrations"} == {
            key: value for key, value in given.items() if key != "customer_tax_registrations"
        }
    there = {row.source for row in rows if row.source is not None}
    unlisted = {str(each) for each in there if not each.is_listed}
    sources = [set(history[each][3]["components"]["schemas"]["SourceEnum"]["enum"]) for each in (server, client)]
    assert unlisted == sources[0] - sources[1]
