"""The sandbox against the documents that the clients are generated from, as Schemathesis reads them.

All of its checks, over every operation: it starts from the documents' own shapes, goes past them on purpose, and
follows ids from one operation to the next.
"""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from readahead.sandbox import API_KEY, ORGANIZATION_ID, TOKEN, Sandbox
from readahead.sandbox.kintsugi import ORDER_BY
from specs.documents import document
from specs.pipeline import overlay

OPENAPI = Path(__file__).parents[2] / "openapi"
EXAMPLES = 100  # of each operation in the fuzzing phase alone

LIST = "$.paths['/v1/customers'].get"
ONE = "$.paths['/v1/customers/{customer_id}'].get"
BY_EXTERNAL_ID = "$.paths['/v1/customers/external/{external_id}'].get"
UNAUTHORIZED = {
    "description": "No key",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorResponse"}}},
}

# Where a document leaves open what the sandbox has decided, the test says so here; nothing else is left out.
DECIDED: dict[str, list[dict[str, Any]]] = {
    "kintsugi": [
        {
            "target": f"{LIST}.parameters[*].schema.anyOf[1]",
            "description": "A query string has no null.",
            "remove": True,
        },
        {
            "target": f"{LIST}.parameters[?(@.name == 'country')].schema.anyOf[0].items.anyOf[1]",
            "description": "The document takes any text besides the codes, the reference page only the codes.",
            "remove": True,
        },
        {
            "target": f"{LIST}.parameters[?(@.name == 'order_by')].schema.anyOf[0]",
            "description": "Any text in the document; the sandbox refuses what the document's example does not name.",
            "update": {"pattern": "^(|ORDER(,ORDER)*)$".replace("ORDER", f"({'|'.join(ORDER_BY)})")},
        },
        {
            "target": f"{ONE}.responses",
            "description": "Two operations do not list the 401 that all of them give without a key.",
            "update": {"401": UNAUTHORIZED},
        },
        {
            "target": f"{BY_EXTERNAL_ID}.responses",
            "description": "Two operations do not list the 401 that all of them give without a key.",
            "update": {"401": UNAUTHORIZED},
        },
    ],
    "sweetspot": [
        {
            "target": f"{LIST}.parameters[?(@.name == 'limit')].schema",
            "description": "The page names no largest limit; the sandbox's is 100.",
            "update": {"maximum": 100},
        },
    ],
}
CREDENTIALS = {
    "kintsugi": {"APIKeyHeader": {"api_key": API_KEY}, "OrganizationId": {"api_key": ORGANIZATION_ID}},
    "sweetspot": {"Token": {"bearer": TOKEN}},
}


def effective(api: str) -> dict[str, Any]:
    """The document with its corrections, as the generator gets it, and what the sandbox has decided."""
    described = document.load(OPENAPI / f"{api}.yaml")
    corrections = OPENAPI / f"{api}.overlay.yaml"
    if corrections.exists():
        described = overlay.apply(described, document.load(corrections))
    return overlay.apply(described, {"overlay": "1.0.0", "actions": DECIDED[api]})


@pytest.mark.parametrize("api", ["kintsugi", "sweetspot"])
@pytest.mark.slow
def test_schemathesis_finds_nothing(api):
    """No answer contradicts the document: status, type, headers and shape, for good requests and bad ones."""
    # Fixed credentials, so that ignored_auth can tell a wrong key from a right one.
    credentials = {"api_key": API_KEY, "organization_id": ORGANIZATION_ID, "token": TOKEN}
    box = Sandbox(kintsugi_rows=60, sweetspot_rows=60, **credentials)
    # No check is turned off. Of the phases only `examples` has nothing to do: the documents hold none.
    config = SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "auth": {"openapi": CREDENTIALS[api]},
            "base-url": "http://127.0.0.1",
            "continue-on-failure": True,
            "generation": {"max-examples": EXAMPLES, "deterministic": True, "database": "none"},
            "phases": {"stateful": {"generation": {"max-examples": 20}}},
        }
    )
    schema = schemathesis.openapi.from_dict(effective(api), config=config)
    schema.app = {"kintsugi": box.kintsugi_app, "sweetspot": box.sweetspot_app}[api]

    found: list[str] = []
    fuzzed: Counter[str] = Counter()
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            found.append(str(event.info if isinstance(event, events.NonFatalError) else event.exception))
        elif isinstance(event, events.ScenarioFinished):
            if event.phase.value == "fuzzing":
                fuzzed[event.label] += len(event.recorder.cases)
            found += [
                f"{event.label}: {check.failure_info.failure}\n{check.failure_info.code_sample}"
                for checks in event.recorder.checks.values()
                for check in checks
                if check.failure_info is not None
            ]
    assert not found, "\n\n".join(found[:5])
    assert fuzzed.keys() == {result.ok().label for result in schema.get_all_operations()}
    assert min(fuzzed.values()) >= EXAMPLES
