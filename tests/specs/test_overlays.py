import pytest

from specs.documents.document import SpecError
from specs.pipeline.overlay import apply, retargeted

DOCUMENT = {
    "paths": {
        "/a": {"get": {"tags": ["x"], "parameters": [{"name": "p"}, {"name": "q", "in": "query"}]}},
        "/b": {"get": {"parameters": [{"name": "q"}]}},
    }
}


def overlaid(*actions, **options):
    reasoned = [{"description": "a reason", **action} for action in actions]
    return apply(DOCUMENT, {"overlay": "1.0.0", "info": {}, "actions": reasoned}, **options)["paths"]


def test_update_merges_and_appends():
    """Objects are merged, lists added to, scalars replaced; the document that was given stays as it was."""
    found = overlaid(
        {"target": "$.paths['/a'].get", "update": {"tags": ["y"], "id": 1}},
        {"target": "$.paths['/a'].get", "update": {"id": 2}},
        {"target": "$.paths['/b'].get.parameters", "update": {"name": "r"}},
    )
    assert found["/a"]["get"]["tags"] == ["x", "y"]
    assert found["/a"]["get"]["id"] == 2
    assert [each["name"] for each in found["/b"]["get"]["parameters"]] == ["q", "r"]
    assert DOCUMENT["paths"]["/a"]["get"]["tags"] == ["x"]


@pytest.mark.parametrize(
    "target", ["$.paths.*.*.parameters[?(@.name == 'q')]", "$.paths[*].get.parameters[?@.name=='q']"]
)
def test_remove_by_filter(target):
    """One action removes everything that its target names, in lists too."""
    found = overlaid({"target": target, "remove": True})
    assert found["/a"]["get"]["parameters"] == [{"name": "p"}]
    assert found["/b"]["get"]["parameters"] == []


def test_remove_several_of_one_list():
    """Removing several items of one list removes those, and no others."""
    found = overlaid({"target": "$.paths['/a'].get.parameters[*]", "remove": True})
    assert found["/a"]["get"]["parameters"] == []
    assert overlaid({"target": "$.paths['/a'].get.parameters[0]", "remove": True})["/a"]["get"]["parameters"][0]["in"]


def test_an_action_that_matches_nothing_is_an_error():
    """A correction that corrects nothing any more is named, unless it says that it may."""
    lost = {"target": "$.paths['/c'].get", "remove": True}
    with pytest.raises(SpecError, match=r"\$\.paths\['/c'\]\.get.* matches nothing"):
        overlaid(lost)
    assert overlaid({**lost, "x-optional": True}) == DOCUMENT["paths"]
    assert overlaid(lost, all_match=False) == DOCUMENT["paths"]


@pytest.mark.parametrize(
    "action",
    [
        {"description": ""},
        {"remove": False, "extends": 1},
        {"target": "$..parameters"},
        {"target": "paths"},
        {"target": "$.paths[?length(@) > 1]"},
    ],
    ids=repr,
)
def test_what_cannot_be_understood_is_an_error(action):
    """An action without a reason, with unknown keys or a target beyond the supported JSONPath is refused."""
    with pytest.raises(SpecError):
        overlaid({"target": "$.paths", "update": {}, **action})


def test_another_version_is_an_error():
    """Only Overlay 1.0 is read."""
    with pytest.raises(SpecError, match=r"Overlay 1\.0"):
        apply(DOCUMENT, {"overlay": "2.0.0", "actions": []})


@pytest.mark.parametrize("key", ["description", "summary", "operationId", "tags", "x-readahead-name"])
def test_what_only_describes_or_names_may_match_nothing(key):
    """Without it, what is sent and read is the same: its target is told, and nothing stops."""
    missed = []
    action = {"target": "$.paths['/c'].get", "update": {key: "said"}}
    assert overlaid(action, missed=missed) == DOCUMENT["paths"]
    assert missed == ["$.paths['/c'].get"]
    with pytest.raises(SpecError, match="matches nothing"):
        overlaid({**action, "update": {key: "said", "required": True}})


def test_an_action_follows_what_moved():
    """Only a target that matches nothing changes, and only to one that matches something."""
    overlay = {
        "overlay": "1.0.0",
        "actions": [
            {"target": target, "description": "a reason", "update": {"x-a": 1}}
            for target in ("$.paths['/c'].get", "$.paths['/a'].get", "$.paths['/d'].get")
        ],
    }
    found, moved = retargeted(DOCUMENT, overlay, {"'/c'": "'/b'", "'/a'": "'/b'", "'/d'": "'/e'"})
    assert moved == {"$.paths['/c'].get": "$.paths['/b'].get"}
    assert [each["target"] for each in found["actions"]] == [
        "$.paths['/b'].get", "$.paths['/a'].get", "$.paths['/d'].get",
    ]  # fmt: skip
