"""The ten questions of the docs: what is printed is what comes, and the rows are those of a brute-force reading."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from readahead.kintsugi import fields
from readahead.sandbox import Sandbox
from readahead.sweetspot import fields as lessee

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "ten-questions.md"
QUESTION = r"^(?:#+ )?\d+\. ([^\n]+)\n.*?```python[^\n]*\n(.*?)```\n\n```[^\n]*\n(.*?)```"
QUESTIONS = re.findall(QUESTION, PAGE.read_text(), re.DOTALL | re.MULTILINE)
BOX = Sandbox()
SEARCHED = [
    "id", "name", "external_id", "email", "phone", "street_1", "street_2", "city", "county", "postal_code",
    "full_address", "registration_number", "external_friendly_id",
]  # fmt: skip


def searched(row, word):
    return any(word in (row[name] or "").casefold() for name in SEARCHED)


def hidden(row):
    return BOX.sweetspot_table.find("id", row["id"]).hidden


def at_checkouts(*organizations):
    table = BOX.sweetspot_table
    positions = {position for name in organizations for position in table.positions([table.checkouts(name)])}
    return {json.loads(document)["id"] for document in table.documents(sorted(positions))}


def created(row):
    return datetime.fromisoformat(row["createdAt"])


MEMBERS = at_checkouts("org_03", "org_07")
TOLD = {
    "1": lambda row: row["status"] == "ACTIVE" and row["state"] in {"CA", "QC"} and row["source"] == "SHOPIFY"
    and row["address_status"] != "VERIFIED",
    "2": lambda row: row["country"] in {"US", "CA"},
    "3": lambda row: row["source"] == "SHOPIFY" or row["country"] == "CA",
    "4": lambda row: (row["email"] or "").endswith("@gmail.com"),
    "5": lambda row: row["country"] != "US",
    "6": lambda row: row["source"] is None and row["status"] == "ACTIVE",
    "7": lambda row: searched(row, "smith") and (row["name"] or "").endswith("Smith"),
    "8": lambda row: row["source"] == "NETSUITE" and row["external_id"] is None,
    "9": lambda row: "@gmail.com" in hidden(row)["email"] and row["creditStatus"] == "passed"
    and datetime(2024, 3, 1, tzinfo=UTC) <= created(row) <= datetime(2024, 3, 31, tzinfo=UTC),
    "10": lambda row: row["id"] in MEMBERS and row["identityVerificationStatus"] == "failed",
}  # fmt: skip


def test_there_are_ten():
    """Each with its code and its explanation."""
    assert len(QUESTIONS) == 10


@pytest.mark.asyncio
@pytest.mark.parametrize("number", TOLD)
async def test_a_question_is_answered_as_printed(number):
    """Its explanation is as printed there, and its rows are the right ones."""
    _, code, printed = QUESTIONS[int(number) - 1]
    async with BOX.kintsugi() as kintsugi, BOX.sweetspot() as sweetspot:
        names = {"kintsugi": kintsugi, "sweetspot": sweetspot, "fields": fields, "lessee": lessee}
        exec(code, names | {"datetime": datetime, "UTC": UTC}, names)
        query = names["query"]
        explained = await query.explain()
        assert f"{explained}\n" == printed
        async with query.prefetch(8) as stream:
            ids = [row.id async for row in stream]
        if explained.requests is not None:
            assert stream.report.requests <= explained.requests * 1.1 + 2
            assert explained.limit or stream.report.requests >= explained.requests * 0.9 - 2
    rows = BOX.kintsugi_rows() if int(number) < 9 else BOX.sweetspot_rows()
    expected = {row["id"] for row in rows if TOLD[number](row)}
    assert len(ids) == len(set(ids))
    assert len(ids) > 1
    if explained.limit is None:
        assert {*ids} == expected
    else:
        assert {*ids} <= expected
        assert len(ids) == min(explained.limit, len(expected))
