"""Whoever does what a report says, a line at a time and nothing else, has a binding that works and type-checks."""

import copy
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor

import pytest

from effort import EVERY
from specs.documents.document import load
from specs.pipeline import lock
from specs.pipeline.advice import advise
from specs.pipeline.command import ROOT, main
from specs.pipeline.compare import Level
from specs.pipeline.proof import unfit
from specs.pipeline.take import take

LIST, ONE, EXTERNAL = "/v1/customers", "/v1/customers/{customer_id}", "/v1/customers/external/{external_id}"
TEXT, WHOLE, FLAG = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}


def schemas(document):
    return document["components"]["schemas"]


def parameters(document, path=LIST, method="get"):
    return document["paths"][path][method].setdefault("parameters", [])


def parameter(document, name):
    return next(each for each in parameters(document) if each["name"] == name)


def query(name, schema=TEXT, *, description=None, path=LIST, method="get", **more):
    """A new parameter."""
    said = {} if description is None else {"description": description}
    given = {"name": name, "in": "query", "required": False, "schema": schema, **said, **more}
    return lambda d: parameters(d, path, method).append(copy.deepcopy(given))


def without(name):
    return lambda d: parameters(d).remove(parameter(d, name))


def set_parameter(which, /, **changes):
    return lambda d: parameter(d, which).update(copy.deepcopy(changes))


def properties(document, schema):
    return schemas(document)[schema]["properties"]


def in_all(change, *names):
    return lambda d: [change(properties(d, name)) for name in names]


def rename(old, new, *names):
    """Another name of a property, which is required if it was."""

    def change(document):
        for name in names:
            schema = schemas(document)[name]
            schema["properties"] = {new if key == old else key: value for key, value in schema["properties"].items()}
            if "required" in schema:
                schema["required"] = [new if key == old else key for key in schema["required"]]

    return change


def of_schema(old, new):
    """Another name of a schema, wherever it is referred to."""
    return lambda d: replaced(d, f'"#/components/schemas/{old}"', f'"#/components/schemas/{new}"', (old, new))


def replaced(document, old, new, names=None):
    text = json.dumps(document).replace(old, new)
    document.clear()
    document.update(json.loads(text))
    if names:
        schemas(document)[names[1]] = schemas(document).pop(names[0])


def to(path, new):
    return lambda d: d["paths"].update({new: d["paths"].pop(path)})


def several(*changes):
    return lambda d: [change(d) for change in changes]


def nested_total(document):
    page = schemas(document)["Page_CustomerRead_"]
    schemas(document)["Meta"] = {"type": "object", "properties": {"total": page["properties"].pop("total")}}
    page["properties"]["meta"] = {"$ref": "#/components/schemas/Meta"}
    page["required"].remove("total")


def nested_rows(document):
    page = schemas(document)["Page_CustomerRead_"]
    schemas(document)["Data"] = {"type": "object", "properties": {"customers": page["properties"].pop("items")}}
    page["properties"]["data"] = {"$ref": "#/components/schemas/Data"}
    page["required"].remove("items")


def bare(document):
    content = document["paths"][LIST]["get"]["responses"]["200"]["content"]["application/json"]
    content["schema"] = {"type": "array", "items": {"$ref": "#/components/schemas/CustomerRead"}}


def choices(*values):
    return {"type": "string", "enum": list(values)}


def or_null(schema):
    return {"anyOf": [schema, {"type": "null"}]}


def header(name, /, **changes):
    """Another name of a header, or a new one, in every operation."""

    def change(document):
        for given in (each["parameters"] for item in document["paths"].values() for each in item.values()):
            found = [each for each in given if each["name"] == name]
            if not found:
                given.append({"in": "header", "name": name, "required": True, "schema": TEXT})
            for each in found:
                each.update(changes)

    return change


def scheme(document, old, new):
    replaced(document, f'"{old}": []', f'"{new}": []')
    schemes = document["components"]["securitySchemes"]
    schemes[new] = schemes.pop(old)


ROWS = ("CustomerRead", "CustomerCreate", "CustomerUpdate")
REF = "#/components/schemas/"
NAMES = '("created_at", "street_1", "street_2", "city", "state", "postal_code", "country", "status")'
INVALID = "backend__src__customers__responses__ValidationErrorResponse"
KINTSUGI = {
    # --- parameters: new ones
    "new text": query("createdAfter"),
    "new text that rows carry": query("city"),
    "new text that rows carry, a list": query("county", {"type": "array", "items": TEXT}),
    "new list by commas": query("tags", {"type": "array", "items": TEXT}, explode=False, style="form"),
    "new list that its description tells": query("externalIds", description="External ids, separated by commas."),
    "new list that its name tells": query("status__in"),
    "new choice that rows carry": query("status", {"$ref": f"{REF}StatusEnum"}),
    "new choice that is new": query("tier", choices("gold", "silver")),
    "new choice or null": query("tier", or_null(choices("gold", "silver"))),
    "new choices or null": query("tiers", or_null({"type": "array", "items": choices("gold", "silver")})),
    "new choices": query("tiers", {"type": "array", "items": choices("gold", "silver")}),
    "new choices by commas": query(
        "kinds", {"type": "array", "items": choices("gold", "silver")}, explode=False, style="form"
    ),
    "new choices of a class": query("taxCountry", {"type": "array", "items": {"$ref": f"{REF}CountryCodeEnum"}}),
    "new choice of an imported class": query("taxType", {"$ref": f"{REF}CustomerTaxTypeEnum"}),
    "new whole number": query("minOrders", WHOLE),
    "new number": query("minTotal", {"type": "number"}),
    "new numbers": query("years", {"type": "array", "items": WHOLE}),
    "new id": query("company_id", WHOLE),
    "new flag": query("include_archived", FLAG),
    "new flag that may be null": query("is_exempt", {"anyOf": [FLAG, {"type": "null"}]}),
    "new time": query(
        "created_at__gte", {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}
    ),
    "new date": query("since", {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}),
    "new UUID": query("batch", {"type": "string", "format": "uuid"}),
    "new search": query("q", description="Free text in several fields."),
    "new part of a text": query("nickname", description="Part of the nickname."),
    "new part of a text that rows carry": query("email", description="Part of the address, in any case."),
    "new keyword of Python": query("from"),
    "new name with signs": query("filter[vip]", FLAG),
    "new object": query("where", {"type": "object", "properties": {"a": TEXT}}, style="deepObject"),
    "new that is required": query("tenant", required=True),
    "new that is required, a choice": query("region", choices("eu", "us"), required=True),
    "two new ones": several(query("tier", choices("gold", "silver")), query("city")),
    "new sort by another name": query("sort_direction", choices("asc", "desc")),
    # --- parameters: changed ones
    "parameter gone": without("state"),
    "parameter gone that only the API sees": without("search_query"),
    "list gone": without("source__in"),
    "order gone": without("order_by"),
    "order a choice": set_parameter("order_by", schema=or_null(choices("created_at", "-created_at", "name"))),
    "order choices, each in both directions": set_parameter(
        "order_by", schema={"type": "array", "items": choices("created_at", "-created_at")}
    ),
    "pages from 0": lambda d: parameter(d, "page")["schema"].update(default=0, minimum=0),
    "smallest page higher": lambda d: parameter(d, "size")["schema"].update(minimum=10),
    "parameter renamed": set_parameter("state", name="state_code"),
    "search renamed": set_parameter("search_query", name="query"),
    "list renamed and an array": set_parameter("source__in", name="sources", schema={"type": "array", "items": TEXT}),
    "parameter written otherwise": set_parameter("search_query", name="searchQuery"),
    "parameter required": set_parameter("state", required=True),
    "parameter a number": set_parameter("state", schema=WHOLE),
    "parameter a list": set_parameter("state", schema={"type": "array", "items": TEXT}),
    "list one value": set_parameter("country", schema={"$ref": f"{REF}CountryCodeEnum"}),
    "parameter a choice": set_parameter("state", schema=choices("CA", "NY")),
    "parameter a choice or null": set_parameter("state", schema=or_null(choices("CA", "NY"))),
    "size under a word of its own": set_parameter("size", name="per_batch"),
    "page renamed": set_parameter("page", name="page_number"),
    "size renamed": set_parameter("size", name="page_size"),
    "size lower": lambda d: parameter(d, "size")["schema"].update(maximum=50),
    "size higher": lambda d: parameter(d, "size")["schema"].update(maximum=500),
    "default of the size": lambda d: parameter(d, "size")["schema"].update(default=20),
    # --- values
    "value new": lambda d: schemas(d)["SourceEnum"]["enum"].append("NEW_SHOP"),
    "value gone": lambda d: schemas(d)["SourceEnum"]["enum"].remove("WIX"),
    "value renamed": lambda d: replaced(d, '"INTERNAL_ERP"', '"INTERNAL-ERP"'),
    # --- rows and bodies
    "field new": in_all(lambda p: p.update(loyaltyPoints=WHOLE), "CustomerRead"),
    "field new, a flag": in_all(lambda p: p.update(is_exempt=FLAG), *ROWS),
    "field new, a time": in_all(
        lambda p: p.update(created_at={"type": "string", "format": "date-time"}), "CustomerRead"
    ),
    "field new, a choice": in_all(lambda p: p.update(tier=choices("gold", "silver")), "CustomerRead"),
    "field new, a list": in_all(lambda p: p.update(tags={"type": "array", "items": TEXT}), "CustomerRead"),
    "field new, called as in Python": in_all(lambda p: p.update({"class": TEXT, "keys": TEXT}), "CustomerRead"),
    "field gone": in_all(lambda p: p.pop("email"), *ROWS),
    "field gone that is asked for": in_all(lambda p: p.pop("state"), *ROWS),
    "choice gone": several(in_all(lambda p: p.pop("address_status"), *ROWS)),
    "field renamed": rename("postal_code", "postcode", *ROWS),
    "field renamed that is asked for": rename("state", "state_code", "CustomerRead"),
    "field a number": in_all(lambda p: p.update(phone=WHOLE), "CustomerRead"),
    "field a flag": in_all(lambda p: p.update(registration_number=FLAG), "CustomerRead"),
    "field a list": in_all(lambda p: p.update(email={"type": "array", "items": TEXT}), "CustomerRead"),
    "field asked for a number": in_all(lambda p: p.update(state=WHOLE), "CustomerRead"),
    "choice a text": in_all(lambda p: p.update(status=TEXT), *ROWS),
    "text a choice": in_all(lambda p: p.update(county=choices("A", "B")), "CustomerRead"),
    "field nullable": in_all(lambda p: p.update(organization_id={"anyOf": [TEXT, {"type": "null"}]}), "CustomerRead"),
    "key renamed": rename("id", "customer_id", "CustomerRead"),
    "body needs more": lambda d: schemas(d)["CustomerCreate"].update(required=["email"]),
    "default of a body": lambda d: properties(d, "CustomerCreate")["status"].update(default="ARCHIVED"),
    # --- envelopes
    "rows renamed": rename("items", "data", "Page_CustomerRead_"),
    "total renamed": rename("total", "total_count", "Page_CustomerRead_"),
    "total gone": lambda d: (
        properties(d, "Page_CustomerRead_").pop("total"), schemas(d)["Page_CustomerRead_"]["required"].remove("total"),
    ),
    "total inside": nested_total,
    "rows inside": nested_rows,
    "size inside": lambda d: (
        properties(d, "Page_CustomerRead_").update(meta={"type": "object", "properties": {"size": WHOLE}}),
        properties(d, "Page_CustomerRead_").pop("size"), schemas(d)["Page_CustomerRead_"]["required"].remove("size"),
    ),
    "rows or null": in_all(lambda p: p.update(items=or_null(p["items"])), "Page_CustomerRead_"),
    "no envelope": bare,
    "status new": lambda d: d["paths"][LIST]["get"]["responses"].update({"429": {"description": ""}}),
    # --- the whole
    "server of its own": lambda d: d.update(servers=[{"url": "https://api.trykintsugi.com"}]),
    "another server": lambda d: d.update(servers=[{"url": "https://eu.trykintsugi.com"}]),
    "organisation as credentials": lambda d: (
        d["components"]["securitySchemes"].update(Org={"type": "apiKey", "in": "header", "name": "x-organization-id"}),
        [each["parameters"].pop() for item in d["paths"].values() for each in item.values()
         if each["parameters"][-1]["in"] == "header"],
    ),
    "no bearer any more": lambda d: (
        d["components"]["securitySchemes"].pop("HTTPBearer"),
        [each["security"].pop() for item in d["paths"].values() for each in item.values()],
    ),
    "credentials in another header": lambda d: d["components"]["securitySchemes"]["APIKeyHeader"].update(name="X-Key"),
    "credentials under another name": lambda d: scheme(d, "APIKeyHeader", "ApiKey"),
    "organisation in another header": header("x-organization-id", name="x-org"),
    "no credentials": lambda d: [each.pop("security") for item in d["paths"].values() for each in item.values()],
    "header of every call": header("X-Tenant"),
    "schema that the overlay refers to renamed": of_schema(INVALID, "CustomersInvalid"),
    "operation moved": to(LIST, "/v2/customers"),
    "operation of one row moved": to(EXTERNAL, "/v2/customers/external/{external_id}"),
    "placeholder renamed": several(
        to(ONE, "/v1/customers/{id}"),
        lambda d: [
            each.update(name="id")
            for operation in d["paths"]["/v1/customers/{id}"].values()
            for each in operation["parameters"]
            if each["name"] == "customer_id"
        ],
    ),
    "operation gone": lambda d: d["paths"][LIST].pop("post"),
    "operation of one row gone": lambda d: d["paths"].pop(EXTERNAL),
    "new in a method": query("expand", path=ONE),
    "new in a method, a choice": query("view", choices("full", "short"), path=ONE),
    "new in a method, required": query("dry_run", FLAG, path=ONE, method="put", required=True),
    "schema renamed": of_schema("SourceEnum", "SourceV2Enum"),
    "schema of rows renamed": of_schema("CustomerRead", "CustomerOut"),
    "schema of errors renamed": of_schema(
        "backend__src__customers__responses__ValidationErrorItem", "ValidationItem"
    ),
    "schema that is corrected gone": lambda d: properties(
        d, "backend__src__customers__responses__ValidationErrorItem"
    ).pop("loc"),
}  # fmt: skip
SWEETSPOT = {
    "sweetspot: new text": query("stripeId"),
    "sweetspot: choice": query("creditStatus", {"$ref": f"{REF}CreditStatus"}),
    "sweetspot: parameter gone": without("userId"),
    "sweetspot: parameter renamed": set_parameter("organizationId", name="organisationId"),
    "sweetspot: offset renamed": set_parameter("offset", name="page_offset"),
    "sweetspot: field renamed": rename("zip", "zipCode", "Customer", "CustomerChanges"),
    "sweetspot: field gone": in_all(lambda p: p.pop("creditTimestamp"), "Customer"),
    "sweetspot: time a text": in_all(lambda p: p.update(createdAt=TEXT), "Customer"),
    "sweetspot: choice renamed": of_schema("CreditStatus", "CreditState"),
    "sweetspot: choice gone": in_all(lambda p: p.pop("identityVerificationStatus"), "Customer"),
    "sweetspot: rows renamed": rename("results", "items", "CustomerPage"),
    "sweetspot: operation renamed": lambda d: d["paths"][LIST]["get"].update(operationId="search_customers"),
    "sweetspot: tag renamed": lambda d: d["paths"][LIST]["get"].update(tags=["people"]),
    "sweetspot: operation gone": lambda d: d["paths"]["/v1/customers/{id}"].pop("put"),
    "sweetspot: body class renamed": of_schema("CustomerChanges", "CustomerPatch"),
}
CHANGES = {**KINTSUGI, **SWEETSPOT}


def change_of(name, folder):
    """The API, and its document with a change."""
    api = "sweetspot" if name.startswith("sweetspot") else "kintsugi"
    document = json.loads(json.dumps(load(ROOT / f"openapi/{api}.yaml")))
    CHANGES[name](document)
    path = folder / "2026-07-01-changed.json"
    path.write_text(json.dumps(document))
    return api, path


def a_project(root):
    """A copy of this one, without the parts of the wrapper that no report is about."""
    leave = shutil.ignore_patterns("__pycache__")
    for folder in ("openapi", "generated"):
        shutil.copytree(ROOT / folder, root / folder, ignore=leave)
    (root / "wrapper/readahead").mkdir(parents=True)
    for api in ("kintsugi", "sweetspot"):
        shutil.copy(ROOT / f"wrapper/readahead/{api}.py", root / "wrapper/readahead")
    (root / "pyproject.toml").write_text('[tool.mypy]\nfollow_imports = "skip"\nignore_errors = true\n')
    # as if its document were published, too
    known = lock.read(root / "openapi")
    sources = {**known.sources, "sweetspot": {"name": "own.json", "date": "2026-06-01", "sha256": "0"}}
    (root / "openapi/openapi.lock").write_text(lock.Lock(known.tools, sources, known.inputs, known.stock).text())
    return root


EDIT = re.compile(
    r"- (?P<file>\S+), (before )?line (?P<line>\d+): "
    r"(add `(?P<add>.*)`|remove `(?P<remove>.*)`|change `(?P<old>.*)` to `(?P<new>.*)`)"
)


def follow(root, report):
    """Do what a report says, as someone would who reads nothing else. Return the commands that it ends with."""
    _, _, steps = report.partition("\n## What to do\n")
    commands = []
    for step in (line for line in steps.splitlines() if line.startswith("- ")):
        if command := re.fullmatch(r"- run `scripts/regenerate ?(.*)`", step):
            commands.append(shlex.split(command[1]))
            continue
        edit = EDIT.fullmatch(step)
        path = root / edit["file"]
        lines, at = path.read_text().splitlines(), int(edit["line"]) - 1
        if edit["add"] is not None:
            lines.insert(at, edit["add"])
        else:
            old = edit["remove"] if edit["remove"] is not None else edit["old"]
            assert lines[at] == old, step
            lines[at : at + 1] = [] if edit["new"] is None else [edit["new"]]
        path.write_text("\n".join(lines) + "\n")
    return commands


def followed(name, root):
    """Take a changed document and do what the reports say; return them."""
    root.mkdir()
    api, source = change_of(name, root)
    project = a_project(root / "project")
    return api, project, taken(api, source, project, root)


def taken(api, source, project, root):
    """Take a document and do what the reports say, until they say no more; return them."""
    commands, reports = [[api, "--from", str(source)]], []
    while commands:
        assert len(reports) < 4, reports[-1]
        report = root / f"{len(reports)}.md"
        command = commands.pop(0)
        status = main([*command, *(["--report", str(report)] if command else [])], project)
        assert status in {0, 1, 2} if command else status == 0
        reports.append(report.read_text() if command else "")
        commands += follow(project, reports[-1])
    assert main(["--check"], project) == 0
    return reports


USE = """
import importlib, re
import httpx
from readahead.filters import Choice, Flag, Number, Timestamp
from readahead.http.credentials import Credential
failed = {}
for name, api in VARIANTS:
    try:
        module = importlib.import_module(f"readahead.{name}")
        fields = type(module.fields).declared
        models = importlib.import_module(module.Customer.__module__.rpartition(".")[0])
        used = {}
        for key, field in fields.items():
            if field.param is None:
                continue
            one = True if isinstance(field, Flag) else 7 if isinstance(field, Number) else "x"
            if isinstance(field, Choice):
                one = getattr(models, field.kind.removeprefix("a value of ")).listed()[0]
            comparison = field.keyword([one, one] if field.many else one)
            used[field.param] = field.encode(comparison.values * 2 if field.many else comparison.values)
        parts = module.CUSTOMERS.operation.build_request(**used)
        sent = httpx.URL(parts["url"]).params
        assert len(sent.keys()) == len(used), parts
        assert "True" not in sent.values(), parts
        client = (module.Kintsugi(api_key="k", organization_id="o") if api == "kintsugi"
                  else module.SweetSpot(token="t"))
        reader = module.CUSTOMERS.reader
        attributes = {each for each, _ in module.Customer.FIELDS.values()}
        with open(module.__file__) as source:
            identities = set(re.findall(r"_one_with\\(.(\\w+)", source.read()))
        style = module.CUSTOMERS.paging
        paged = module.CUSTOMERS.operation.build_request(**{**used, **dict.fromkeys(style.parameters, 1)})
        asked = httpx.URL(paged["url"]).params
        assert set(style.parameters) <= asked.keys(), paged
        page = getattr(models, "CustomerPage", None)
        members = {(name or "").partition(".")[0] for name in (reader.items, reader.total, reader.size)} - {""}
        assert reader.bare or reader.items is None if page is None else members <= page.FIELDS.keys(), members
        assert {reader.key} | identities <= attributes, identities
        keys = module.CustomerFilters.__annotations__.keys()
        assert keys == {key for key, field in fields.items() if field.param}, keys
    except Exception as error:
        failed[name] = f"{type(error).__name__}: {error}"
import json
print(json.dumps(failed))
"""


def checked(variants, root):
    """Import, use and type-check bindings, each with the package that it was made for; return what is wrong."""
    shutil.copytree(ROOT / "wrapper", root / "wrapper", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "generated", root / "generated")
    names = {}
    for at, (name, (api, project)) in enumerate(variants.items()):
        shutil.copytree(project / "generated/readahead_clients", root / f"generated/readahead_clients_{at}")
        text = (project / f"wrapper/readahead/{api}.py").read_text()
        text = text.replace("readahead_clients", f"readahead_clients_{at}")
        (root / f"wrapper/readahead/{api}_{at}.py").write_text(text)
        names[f"{api}_{at}"] = name
    shutil.copy(ROOT / "pyproject.toml", root)
    path = os.pathsep.join([str(root / "wrapper"), str(root / "generated")])
    files = [f"wrapper/readahead/{each}.py" for each in names]
    listed = repr([(each, each.rsplit("_", 1)[0]) for each in names])
    commands = [
        [sys.executable, "-c", USE.replace("VARIANTS", listed)],
        [sys.executable, "-m", "mypy", "--no-error-summary", "--cache-dir", str(root / "mypy"), *files],
    ]
    env = {**os.environ, "PYTHONPATH": path, "MYPYPATH": ""}
    with ThreadPoolExecutor(2) as pool:
        used, typed = pool.map(
            lambda each: subprocess.run(each, cwd=root, env=env, capture_output=True, text=True, check=False), commands
        )
    assert used.returncode == 0, used.stderr
    wrong = {names[each]: why for each, why in json.loads(used.stdout.splitlines()[-1]).items()}
    for line in typed.stdout.splitlines():
        found = re.match(r"wrapper/readahead/(\w+)\.py:", line)
        if found and found[1] in names:
            wrong[names[found[1]]] = wrong.get(names[found[1]], "") + f"\n{line}"
        elif ": error:" in line:
            wrong[line] = line
    return wrong


FEW = ("two new ones", "parameter renamed", "field gone", "total inside", "operation gone", "new in a method, required")


# All of them take minutes: set EVERY_CHANGE where reports or the changing of bindings are worked on.
MORE = tuple(CHANGES)[:: 1 if os.environ.get("EVERY_CHANGE") else 22 if EVERY else 60]


@pytest.mark.parametrize(
    "names", [pytest.param(FEW, id="a few"), pytest.param(MORE, id="more", marks=pytest.mark.slow)]
)
def test_doing_what_the_report_says_is_enough(names, tmp_path):
    """The binding imports, what it declares is there, its keywords can be sent, and mypy has nothing to say."""
    variants = {name: followed(name, tmp_path / str(at))[:2] for at, name in enumerate(names)}
    assert checked(variants, tmp_path / "all") == {}


def advised(name, folder):
    """The changes of a report and its edits, without what is generated."""
    api, path = change_of(name, folder)
    entry = tomllib.loads((ROOT / "openapi/apis.toml").read_text())[api]
    document = load(path)
    return advise(ROOT, api, entry, load(ROOT / f"openapi/{api}.yaml"), take(document, entry["operations"], api))


@pytest.mark.parametrize(
    ("name", "kind", "edits"),
    [
        ("credentials in another header", "credentials changed", {"X-API-KEY": "X-Key"}),
        ("organisation in another header", "credentials changed", {"x-organization-id": "x-org"}),
        ("credentials under another name", "", {"- APIKeyHeader: []": "- ApiKey: []"}),
        ("schema that the overlay refers to renamed", "", {f"{REF}{INVALID}": f"{REF}CustomersInvalid"}),
        ("header of every call", "parameter newly required", {}),
        ("size under a word of its own", "parameter gone", {'size = "size"': 'size = "per_batch"'}),
        ("size under a word of its own", "parameter gone", {"largest=100": 'largest=100, size="per_batch"'}),
        ("pages from 0", "first page moved", {"largest=100": "largest=100, first=0"}),
        ("pages from 0", "first page moved", {"# from 1": "# from 0"}),
        ("new that is required", "every query needs a parameter", {}),
        (
            "order a choice",
            "parameter takes listed values",
            {NAMES: '("created_at", "-created_at", "name"), several=False'},
        ),
        (
            "order choices, each in both directions",
            "parameter retyped",
            {NAMES: '("created_at",), descending="-{name}"'},
        ),
        ("size inside", "field gone", {'size="size"': 'size="meta.size"'}),
        ("rows or null", "field newly nullable", {'size="size"': 'size="size", empty=["null"]'}),
        ("parameter a choice or null", "parameter takes listed values", {}),
    ],
)  # fmt: skip
def test_what_a_report_changes(name, kind, edits, tmp_path):
    """Each line is the old one with its new names, in whatever file; what breaks is said to break."""
    advice = advised(name, tmp_path)
    breaking = {each.kind for each in advice.changes if each.level is Level.BREAKING}
    assert ({kind} if kind else set()) <= breaking
    assert bool(breaking) is bool(kind)
    changed = {each.old: each.new for each in advice.edits if each.old is not None}
    for old, new in edits.items():
        there = [(was, now) for was, now in changed.items() if old in was]
        assert there, (old, changed)
        assert all(now == was.replace(old, new) for was, now in there)
    if name == "size inside":  # `size` in apis.toml is the parameter
        assert {each.file for each in advice.edits} == {"wrapper/readahead/kintsugi.py"}
    if name == "header of every call":
        added = [each.new for each in advice.edits]
        assert "  - target: $.paths.*.*.parameters[?(@.name == 'X-Tenant')]" in added
        assert "    remove: true" in added


def test_a_renamed_placeholder_is_no_new_argument(tmp_path):
    """Of the two reports, the second finds each operation where `apis.toml` has put it: methods take what they took."""
    _, path = change_of("placeholder renamed", tmp_path)
    entry, document = tomllib.loads((ROOT / "openapi/apis.toml").read_text())["kintsugi"], load(path)
    project, old = a_project(tmp_path / "project"), load(ROOT / "openapi/kintsugi.yaml")
    ours = project / "openapi/kintsugi.overlay.yaml"
    ours.write_text(ours.read_text().replace("{customer_id}", "{id}"))
    there = [each.replace("{customer_id}", "{id}") for each in entry["operations"]]
    advice = advise(project, "kintsugi", entry, old, take(document, there, "Kintsugi"))
    assert not any(each.file.startswith("wrapper/") for each in advice.edits)
    assert {each.kind for each in advice.changes if each.level is Level.BREAKING} == {
        "operation moved", "parameter renamed",
    }  # fmt: skip


def test_the_only_list_is_gone(tmp_path):
    """What needs it goes, line by line; the client is left, and imports."""
    root = tmp_path / "project"
    for folder in ("openapi", "generated", "wrapper"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    document = json.loads(json.dumps(load(ROOT / "openapi/kintsugi.yaml")))
    del document["paths"][LIST]["get"]
    source = tmp_path / "2026-07-01-gone.json"
    source.write_text(json.dumps(document))
    taken("kintsugi", source, root, tmp_path)
    text = (root / "wrapper/readahead/kintsugi.py").read_text()
    assert "Customers" not in text
    assert "create_customer" not in text
    assert unfit(root / "wrapper", root / "generated", "kintsugi") == []
    command = [sys.executable, "-m", "mypy", "--no-error-summary", str(root / "wrapper/readahead/kintsugi.py")]
    env = {**os.environ, "MYPYPATH": os.pathsep.join([str(root / "wrapper"), str(root / "generated")])}
    typed = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)
    assert typed.returncode == 0, typed.stdout


def test_an_overlay_requires_no_credentials_that_are_gone(tmp_path):
    """The action that requires them goes with those that define them; the binding stays as it is."""
    advice = advised("no credentials", tmp_path)
    assert {each.file for each in advice.edits} == {"openapi/kintsugi.overlay.yaml"}
    removed = {each.old.strip() for each in advice.edits if each.new is None and each.old}
    assert {
        "- target: $.components.securitySchemes",
        "security:",
        "- APIKeyHeader: []",
        "OrganizationId: []",
    } <= removed
    assert "credentials gone" in {each.kind for each in advice.changes}
    assert not any(each.get("security") for item in advice.document["paths"].values() for each in item.values())


@pytest.mark.parametrize(
    "name", ["field nullable", "value new", "status new", "server of its own", "smallest page higher"]
)
def test_where_nothing_has_to_be_done_one_line_says_so(name, tmp_path):
    """And nothing is listed to do."""
    _, project, reports = followed(name, tmp_path / "one")
    assert len(reports) == 1
    assert reports[0].count("Nothing to do: what is written by hand fits.") == 1
    assert "What to do" not in reports[0]
    binding = "wrapper/readahead/kintsugi.py"
    assert (project / binding).read_text() == (ROOT / binding).read_text()


@pytest.mark.slow
def test_the_published_history_asks_for_nothing(upstream, tmp_path):
    """Its changes were values alone: each document is taken, and the binding stays as it is."""
    project = a_project(tmp_path / "project")
    for path in sorted(upstream.glob("server-*.json")):
        (report,) = taken("kintsugi", path, project, tmp_path)
        assert "What to do" not in report, path
    assert checked({"newest": ("kintsugi", project)}, tmp_path / "newest") == {}
