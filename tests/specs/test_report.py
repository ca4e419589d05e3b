import json
import re
import shutil
import subprocess

import pytest

from specs.pipeline import lock
from specs.pipeline.binding import read_binding
from specs.pipeline.command import ROOT, main
from specs.pipeline.compare import Change, Level
from specs.pipeline.report import Report

QUERY = {"name": "createdAfter", "in": "query", "required": False, "schema": {"type": "string"}}


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and "_cache" not in str(path)}


@pytest.fixture
def changed(published, tmp_path):
    """Make a document of the newest one; return where it is."""

    def make(change):
        document = json.loads(published.read_text())
        change(document)
        path = tmp_path / "changed.json"
        path.write_text(json.dumps(document))
        return str(path)

    return make


def test_a_compatible_change(project, changed, capsys):
    """What only adds something is written, and the status is 0."""
    (project / "wrapper/readahead").mkdir(parents=True)
    shutil.copy(ROOT / "wrapper/readahead/kintsugi.py", project / "wrapper/readahead")
    # the binding alone: what it imports is not there, and not the point
    (project / "pyproject.toml").write_text('[tool.mypy]\nfollow_imports = "skip"\nignore_errors = true\n')
    source = changed(lambda d: d["paths"]["/v1/customers"]["get"]["parameters"].append(QUERY))
    assert main(["kintsugi", "--from", source, "--report", "-"], project) == 0
    said = capsys.readouterr().out
    assert "**compatible**: 1 new, 1 needs a hand" in said
    assert "what they wrote works as before, once files that are written by hand say what is below." in said
    line = 'created_after = Relation(param="created_after")'
    assert f"- parameter not exposed: `list_customers(created_after)`, add `{line}`" in said
    assert (
        "created_after"
        in (project / "generated/readahead_clients/kintsugi/api/customers/list_customers.py").read_text()
    )


@pytest.fixture
def whole(tmp_path):
    """A copy of what a report is proven with: wrapper, typing tests and how they are checked."""
    root = tmp_path / "project"
    leave = shutil.ignore_patterns("__pycache__", "*_cache")
    for folder in ("openapi", "generated", "wrapper", "scripts/specs", "tests/typing"):
        shutil.copytree(ROOT / folder, root / folder, ignore=leave)
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


@pytest.mark.slow
def test_breakage_is_proven(whole, changed, capsys):
    """What the public typing tests wrote, and is wrong now, is in the report, line by line; whose they are, too."""
    schemas = ("CustomerRead", "CustomerUpdate", "CustomerCreate")

    def change(document):
        document["components"]["schemas"]["SourceEnum"]["enum"].remove("SHOPIFY")
        for schema in schemas:
            document["components"]["schemas"][schema]["properties"].pop("name")

    assert main(["kintsugi", "--from", changed(change), "--json", "-"], whole) == 2
    report = json.loads(capsys.readouterr().out)
    assert report["baseline"] == "this checkout, because no release is tagged"
    usage = next(lines for title, lines in report["proof"].items() if "no type checker accepts" in title)
    assert all(line.startswith("tests/typing/usage.py:") for line in usage)
    assert any('"type[Source]" has no attribute "SHOPIFY"' in line for line in usage)
    assert any('"Customer" has no attribute "name"' in line for line in usage)
    assert next(lines for title, lines in report["proof"].items() if "wrapper" in title) == []
    assert {(each["kind"], each["name"]) for each in report["breaking"]} == {
        ("value gone", "Source"),
        ("field gone", "Customer.name"),
        ("key gone", "CustomerChanges.name"),
        ("key gone", "NewCustomer.name"),
    }


@pytest.mark.slow
def test_breakage_is_proven_with_the_last_release(whole, changed, capsys):
    """It is the typing tests of the last tagged release that count: not older ones, nor those of the checkout."""

    def git(*arguments):
        who = ["-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=whole, check=True, capture_output=True)

    def write(usage):
        imports = "from readahead.kintsugi import Customer, Source\n\n"
        (whole / "tests/typing/usage.py").write_text(f"{imports}def use(customer: Customer) -> None:\n    {usage}\n")
        git("add", "--all", "tests")
        git("commit", "--message", usage)

    git("init")
    write("customer.email")
    git("tag", "v0.9.0")
    write("Source.SHOPIFY, customer.name")
    git("tag", "v0.10.0")
    git("tag", "another")
    write("customer.phone")

    def change(document):
        document["components"]["schemas"]["SourceEnum"]["enum"].remove("SHOPIFY")
        for field in ("email", "phone"):
            document["components"]["schemas"]["CustomerRead"]["properties"].pop(field)

    assert main(["kintsugi", "--from", changed(change), "--report", "-"], whole) == 2
    said = capsys.readouterr().out
    assert "Type-checked with the public typing tests of v0.10.0." in said
    assert re.findall(r"^tests/typing/\S+ error: .*$", said, re.MULTILINE) == [
        'tests/typing/usage.py:4: error: "type[Source]" has no attribute "SHOPIFY"  [attr-defined]'
    ]


def test_what_is_proven_breaks():
    """A complaint of the type checker alone is enough, whatever the documents say."""
    assert Report("x", {"name": "a"}, {"name": "b"}, proof={"a title": ["a line"], "another": []}).status == 2
    assert Report("x", {"name": "a"}, {"name": "b"}, proof={"a title": []}).status == 0


def test_an_operation_that_is_gone(project, changed, capsys):
    """An operation that we list and the document lacks breaks callers; until that is settled nothing is written."""
    before = contents(project)
    gone = changed(lambda d: d["paths"]["/v1/customers"].pop("post"))
    assert main(["kintsugi", "--from", gone], project) == 2
    said = capsys.readouterr().out
    assert "- operation gone: `create_customer`, POST /v1/customers" in said
    assert "Nothing was written" in said
    assert contents(project) == before
    moved = changed(lambda d: d["paths"].update({"/v2/customers": d["paths"].pop("/v1/customers")}))
    assert main(["kintsugi", "--from", moved], project) == 2
    assert "operation moved: `list_customers`, GET /v1/customers is now GET /v2/customers" in capsys.readouterr().out
    assert contents(project) == before


def test_the_report_goes_where_it_should(project, older, tmp_path, capsys):
    """Into files as Markdown and JSON, and then not to the screen; nothing changed is one line of the screen."""
    locked = lock.read(project / "openapi").sources["kintsugi"]["name"]
    markdown, data = tmp_path / "report.md", tmp_path / "report.json"
    assert main(["kintsugi", "--from", str(older), "--report", str(markdown), "--json", str(data)], project) == 2
    assert capsys.readouterr().out == ""
    assert markdown.read_text().startswith(f"# kintsugi: {locked} → {older.name}\n\n**breaking**: 3 breaking\n")
    found = json.loads(data.read_text())
    assert (found["status"], len(found["breaking"]), found["to"]["date"]) == (2, 3, "2026-03-05")
    assert main(["kintsugi", "--from", str(older), "--report", "-"], project) == 0
    assert "**unchanged**" in capsys.readouterr().out
    assert main(["kintsugi", "--from", str(older)], project) == 0
    assert capsys.readouterr().out == "kintsugi: unchanged, nothing to do\n"


def test_a_hostile_name_stays_in_its_place():
    """What documents call things cannot become Markdown of ours."""
    change = Change(Level.NEW, "field new", "A.`x`\n## Breaking", "string\n\n- a line")
    (line,) = [
        line for line in Report("x", {"name": "a"}, {"name": "b"}, [change]).markdown().splitlines() if "A." in line
    ]
    assert line == "- field new: `A.'x' ## Breaking`, string - a line"


@pytest.mark.parametrize(("binding", "parameter"), [("kintsugi", "source_in"), ("sweetspot", "organization_id")])
def test_what_our_bindings_expose_is_understood(binding, parameter):
    """Every keyword of both bindings is found, so that a parameter that is exposed is never reported as missing."""
    found = read_binding(ROOT / f"wrapper/readahead/{binding}.py")
    assert found.endpoints == {"list_customers"}
    assert parameter in found.parameters
    assert len(found.parameters) >= 4
    assert {"id", "city"} <= found.fields.keys()
    assert ("order_by" in found.parameters) == (binding == "kintsugi")


@pytest.mark.parametrize("line", ['new = Relation(param="new")', 'new = Choice(Country, param="new", many=True)'])
def test_the_line_to_add_is_right(line):
    """A line as the report prints it makes a keyword of `where` in the class of fields that it is added to."""
    from readahead import filters
    from readahead.kintsugi import Country, CustomerFields

    scope = {**vars(filters), "Country": Country, "CustomerFields": CustomerFields}
    exec(f"class More(filters.Fields):\n    {line}", {**scope, "filters": filters}, made := {})
    assert made["More"]().keywords({"new": "CA"})


def lines_of(report):
    return [line for line in report.splitlines() if line.startswith("- ")]


def test_a_renamed_parameter_comes_first(project, changed, capsys):
    """Also where an overlay action is about its old name: that is told, and what the action should say."""

    def change(document):
        listed = document["paths"]["/v1/customers"]["get"]["parameters"]
        next(each for each in listed if each["name"] == "state")["name"] = "state_code"
        document["components"]["schemas"]["SourceEnum"]["enum"].remove("SHOPIFY")

    assert main(["kintsugi", "--from", changed(change), "--report", "-"], project) == 2
    first, *others = lines_of(capsys.readouterr().out)
    assert (
        first == "- parameter renamed: `list_customers(state)`, now state_code; the server no longer knows the old name"
    )
    assert any(
        each.startswith("- openapi/kintsugi.overlay.yaml, line ") and "'state_code')]`" in each for each in others
    )
    assert others[-1] == "- run `scripts/regenerate`"


def test_a_correction_of_something_that_is_gone(project, changed, capsys):
    """It stops the document, but not the report; what is done then is said."""
    before = contents(project)

    def change(document):
        document["components"]["schemas"]["backend__src__customers__responses__ValidationErrorItem"]["properties"].pop(
            "loc"
        )

    source = changed(change)
    assert main(["kintsugi", "--from", source, "--report", "-"], project) == 2
    said = capsys.readouterr().out
    assert lines_of(said)[0] == "- field gone: `InvalidRequestItem.loc`, the attribute is gone"
    assert "Nothing was written: openapi/kintsugi.overlay.yaml corrects what the new document lacks" in said
    assert lines_of(said)[-1] == f"- run `scripts/regenerate kintsugi --from {source}`"
    assert contents(project) == before


def test_a_server_and_credentials_that_the_document_names_itself(project, changed, capsys):
    """They are those that the overlay names, so nothing has to be done."""

    def change(document):
        document["servers"] = [{"url": "https://api.trykintsugi.com"}]
        scheme = {"type": "apiKey", "in": "header", "name": "x-organization-id"}
        document["components"]["securitySchemes"]["Organisation"] = scheme

    assert main(["kintsugi", "--from", changed(change), "--report", "-"], project) == 0
    assert "Nothing to do: what is written by hand fits." in capsys.readouterr().out


def test_a_changed_default(project, changed, capsys):
    """It breaks who relies on it; of paging it changes nothing, because that is always sent."""

    def change(document):
        document["components"]["schemas"]["CustomerCreate"]["properties"]["status"]["default"] = "ARCHIVED"
        listed = document["paths"]["/v1/customers"]["get"]["parameters"]
        next(each for each in listed if each["name"] == "size")["schema"]["default"] = 20

    assert main(["kintsugi", "--from", changed(change), "--report", "-"], project) == 2
    assert lines_of(capsys.readouterr().out) == [
        "- key default changed: `NewCustomer.status`, 'ACTIVE' is now 'ARCHIVED'; what is not sent gets another value",
        "- parameter default changed: `list_customers(size)`, 50 is now 20; the binding always sends it",
    ]


def test_what_is_not_exposed_is_printed_again(project, changed, capsys):
    """Also when the document has long been taken; and when everything is exposed, one line says so."""
    (project / "wrapper/readahead").mkdir(parents=True)
    shutil.copy(ROOT / "wrapper/readahead/kintsugi.py", project / "wrapper/readahead")
    (project / "pyproject.toml").write_text('[tool.mypy]\nfollow_imports = "skip"\nignore_errors = true\n')
    assert main(["--explain", "kintsugi"], project) == 0
    assert "Nothing to do" in capsys.readouterr().out
    source = changed(lambda d: d["paths"]["/v1/customers"]["get"]["parameters"].append(QUERY))
    assert main(["kintsugi", "--from", source, "--report", "-"], project) == 0
    taken = lines_of(capsys.readouterr().out)
    before = contents(project)
    assert main(["--explain", "kintsugi"], project) == 0
    assert lines_of(capsys.readouterr().out) == [each for each in taken if not each.startswith("- parameter new")]
    assert contents(project) == before
    assert main(["--explain", "kintsugy"], project) == 1
    assert "did you mean kintsugi?" in capsys.readouterr().err


@pytest.mark.slow
def test_a_document_by_hand_and_its_binding(whole, capsys):
    """Rebuilding says where a binding does not fit, with status 2, and explaining says whether it does."""
    path = whole / "openapi/sweetspot.yaml"
    path.write_text(path.read_text().replace("name: offset,", "name: skip,"))
    assert main([], whole) == 2
    said = capsys.readouterr().err
    assert "readahead.sweetspot: error: " in said
    assert "paging.offset: 'offset' is not among the query parameters of GET /v1/customers" in said
    assert "readahead.kintsugi" not in said
    assert main(["--check"], whole) == 0
    assert main(["--explain", "sweetspot"], whole) == 2
    assert "paging.offset: 'offset' is not among" in capsys.readouterr().out

    binding = whole / "wrapper/readahead/sweetspot.py"
    text = binding.read_text().replace("OffsetLimit(", 'OffsetLimit(offset="skip", ')
    binding.write_text(text.replace('    user_id = Id(param="user_id", attr="user_id")\n', ""))
    assert main([], whole) == 0
    assert capsys.readouterr().err == ""
    assert main(["--explain", "sweetspot"], whole) == 0
    said = capsys.readouterr().out
    assert "**compatible**: " in said
    assert "That is for callers: what they wrote works as before." in said
    assert "The binding imports, and what it declares fits the generated code." in said


@pytest.mark.slow
def test_the_changed_binding_is_proven(whole, changed, capsys):
    """It is type-checked and imported as it will be; what no change of a line mends is in the report."""

    def change(document, *, key):
        customer = document["components"]["schemas"]["CustomerRead"]
        tiers = {"type": "string", "enum": ["gold", "silver"]}
        document["paths"]["/v1/customers"]["get"]["parameters"].append({**QUERY, "schema": tiers})
        customer["properties"].pop("email")
        if not key:
            customer["properties"].pop("id")
            customer["required"].remove("id")

    assert main(["kintsugi", "--from", changed(lambda d: change(d, key=False)), "--json", "-"], whole) == 2
    report = json.loads(capsys.readouterr().out)
    wrapper = next(lines for title, lines in report["proof"].items() if "wrapper" in title)
    assert [line for line in wrapper if "reader.key: 'id' is not among the attributes of Customer" in line]
    assert [each["name"] for each in report["needs a hand"] if each["kind"] == "key gone"] == ["Customer.id"]

    shutil.rmtree(whole / "generated")
    for folder in ("generated", "openapi"):
        shutil.copytree(ROOT / folder, whole / folder, dirs_exist_ok=True)
    assert main(["kintsugi", "--from", changed(lambda d: change(d, key=True)), "--json", "-"], whole) == 2
    report = json.loads(capsys.readouterr().out)
    assert next(lines for title, lines in report["proof"].items() if "wrapper" in title) == []
    assert len(report["edits"]) >= 5
