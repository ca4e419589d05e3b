import os
import subprocess
import sys
import tomllib

import pytest

from specs.documents import generate
from specs.documents.document import SpecError, dump, load, operations
from specs.pipeline import command
from specs.pipeline.command import main

SOURCE = "server-2026-06-01.json"


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_committed_code_is_what_the_documents_give(project):
    """A fresh checkout passes --check: nobody has edited generated code, and nothing is stale."""
    assert main(["--check"], project) == 0


@pytest.mark.slow
def test_every_run_gives_the_same_bytes(project, tmp_path):
    """Hash seed, locale and working directory have no influence on a single byte."""
    before = contents(project)
    for seed, locale, folder in (("1", "C", tmp_path), ("2", "C.UTF-8", project / "openapi")):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "specs"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(project / "scripts"), "PYTHONHASHSEED": seed, "LC_ALL": locale},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert contents(project) == before


@pytest.mark.parametrize("damage", ["edited", "stray", "missing"])
def test_check_names_what_differs(project, capsys, damage):
    """A hand edit, a stray file and a missing file are each named, and --check fails without touching them."""
    root = project / "generated"
    if damage == "edited":
        path = root / "readahead_clients/kintsugi/models/customer.py"
        path.write_text(path.read_text() + "# a hand edit\n")
    elif damage == "stray":
        path = root / "readahead_clients/stray.py"
        path.touch()
    else:
        path = root / "readahead_clients/sweetspot/models/customer.py"
        path.unlink()
    before = contents(project)
    assert main(["--check"], project) == 1
    assert f"{path.relative_to(project)}: " in capsys.readouterr().err
    assert contents(project) == before


def test_rebuilding_mends_everything(project):
    """Edited, stray and missing files are gone after a run without arguments."""
    before = contents(project)
    root = project / "generated/readahead_clients"
    (root / "stray.py").touch()
    (root / "kintsugi/models/customer.py").write_text("# a hand edit\n")
    (root / "sweetspot/models/customer.py").unlink()
    assert main([], project) == 0
    assert contents(project) == before


def test_check_names_an_input_that_is_not_the_locked_one(project, capsys):
    """An input that was changed without regenerating is named."""
    path = project / "openapi/templates/str_enum.py.jinja"
    path.write_text("{# changed #}\n" + path.read_text())
    assert main(["--check"], project) == 1
    assert "openapi/templates/str_enum.py.jinja: differs" in capsys.readouterr().err


def failing_with(project, capsys, *arguments):
    """Run the command, which must fail and write nothing; return what it says."""
    before = contents(project)
    assert main(arguments, project) == 1
    assert contents(project) == before
    assert sorted(each.name for each in project.iterdir()) == ["generated", "openapi", "scripts"]
    return capsys.readouterr().err


def test_a_taken_document_is_not_edited(project, capsys):
    """A hand edit in the taken document is refused: it would vanish with the next one."""
    path = project / "openapi/kintsugi.yaml"
    path.write_text(path.read_text() + "# a hand edit\n")
    assert "put the correction into the overlay" in failing_with(project, capsys)


def test_a_document_of_another_api_is_refused(project, capsys, tmp_path):
    """It has none of the operations that are taken."""
    other = tmp_path / "other.yaml"
    other.write_text("openapi: 3.0.3\ninfo: {title: Other, version: '1'}\npaths:\n  /pets: {get: {responses: {}}}\n")
    said = failing_with(project, capsys, "kintsugi", "--from", str(other))
    assert "other.yaml has none of the operations" in said
    assert "GET /v1/customers" in said


def test_a_name_that_is_nearly_one_is_refused(project, capsys):
    """It would become an API of its own."""
    said = failing_with(project, capsys, "kintsgi", "--from", str(project / "openapi/kintsugi.yaml"))
    assert "kintsgi is not in openapi/apis.toml; did you mean kintsugi?" in said


def test_another_generator_is_refused(project, capsys):
    """Code is never written by another version of generator or formatter than the locked one."""
    path = project / "openapi/openapi.lock"
    path.write_text(path.read_text().replace("0.29.1", "0.30.0"))
    assert "openapi.lock has 0.30.0" in failing_with(project, capsys)
    assert main(["--check"], project) == 1


def test_an_overlay_that_corrects_nothing_stops_everything(project, capsys):
    """A failing overlay leaves all files as they were."""
    path = project / "openapi/kintsugi.overlay.yaml"
    path.write_text(path.read_text() + "  - {target: $.paths.nowhere, description: a reason, remove: true}\n")
    assert "$.paths.nowhere' matches nothing" in failing_with(project, capsys)


def test_an_invalid_document_stops_everything(project, capsys):
    """A document that is not valid OpenAPI leaves all files as they were."""
    path = project / "openapi/sweetspot.yaml"
    path.write_text(path.read_text().replace("in: query", "in: nowhere"))
    assert "sweetspot is not a valid document" in failing_with(project, capsys)


def test_a_warning_of_the_generator_stops_everything(project, capsys):
    """What the generator would leave out is an error, with its own words."""
    path = project / "openapi/sweetspot.yaml"
    document = load(path)
    status = {"$ref": "#/components/schemas/CreditStatus"}
    document["components"]["schemas"]["Error"]["allOf"] = [status, {"type": "object"}]
    path.write_text(dump(document))
    assert "Cannot take allOf a non-object" in failing_with(project, capsys)


def test_a_broken_template_stops_everything(project, capsys):
    """What the formatter cannot read is not written."""
    path = project / "openapi/templates/str_enum.py.jinja"
    path.write_text(path.read_text() + "this is no Python\n")
    assert "ruff failed" in failing_with(project, capsys)


def test_every_operation_has_its_module(tmp_path):
    """Two operations whose modules would have one name are an error, not one operation less."""
    document = load(command.ROOT / "openapi/sweetspot.yaml")
    (_, _, first), (_, _, second), *_ = operations(document)
    first["operationId"], second["operationId"] = "getCustomer", "get_customer"
    with pytest.raises(SpecError, match="the document has 3 operations, but the generator wrote 2"):
        generate.package(document, "sweetspot", command.ROOT / "openapi/templates", tmp_path / "out")


def test_a_missing_document_says_how_to_get_it(project, capsys):
    """A document that is not there is an error, not an API less."""
    (project / "openapi/kintsugi.yaml").unlink()
    assert "regenerate kintsugi --from" in failing_with(project, capsys)


@pytest.mark.parametrize(
    "arguments", [["kintsugi"], ["--from", "x"], ["--check", "kintsugi", "--from", "x"], ["--nonsense"]], ids=repr
)
def test_wrong_usage(project, arguments):
    """A wrong command line exits with 1; 2 means that something breaks for callers."""
    with pytest.raises(SystemExit) as caught:
        main(arguments, project)
    assert caught.value.code == 1


@pytest.mark.parametrize(
    ("api", "source", "said"),
    [
        ("no-name", SOURCE, "'no-name'"),
        ("class", SOURCE, "'class'"),
        ("sweetspot", SOURCE, "'sweetspot'"),
        ("kintsugi", "not there.json", "not there.json"),
        ("kintsugi", "http://127.0.0.1:9/", "cannot fetch"),
    ],
)
def test_a_source_that_cannot_be_taken(project, capsys, api, source, said):
    """An API that is not taken from upstream and a source that cannot be read are named."""
    assert said in failing_with(project, capsys, api, "--from", source)


def test_taking_the_same_document_changes_nothing(project, published, capsys):
    """Taking the same document again gives every byte as committed, and one line; of the lock, its name alone."""
    committed = contents(project)
    assert main(["kintsugi", "--from", str(published)], project) == 0
    before = contents(project)
    assert {name for name in before if before[name] != committed.get(name)} == {"openapi/openapi.lock"}
    capsys.readouterr()
    assert main(["kintsugi", "--from", str(published)], project) == 0
    assert contents(project) == before
    assert capsys.readouterr().out == "kintsugi: unchanged, nothing to do\n"


@pytest.mark.slow
def test_taking_another_document(project, published, older, capsys):
    """A new document is taken, generated from, reported and locked, and what is gone shows in the exit status."""
    assert main(["kintsugi", "--from", str(older)], project) == 2
    assert "value gone: `Source`, 'DUALENTRY'" in capsys.readouterr().out
    assert "DUALENTRY" not in (project / "generated/readahead_clients/kintsugi/models/source.py").read_text()
    lock = tomllib.loads((project / "openapi/openapi.lock").read_text())
    assert lock["sources"]["kintsugi"]["name"] == older.name
    assert lock["sources"]["kintsugi"]["date"] == "2026-03-05"
    assert main(["--check"], project) == 0
    assert main(["kintsugi", "--from", str(published)], project) == 0
    assert "value new: `Source`, 'DUALENTRY'" in capsys.readouterr().out


@pytest.mark.slow
def test_generated_code_type_checks_strictly(project):
    """Both generated packages pass mypy --strict."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "readahead_clients"],
        cwd=project / "generated",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
