"""The ten questions of the documentation: what the page shows is what happens, and the rows are the right ones."""

import re
from datetime import UTC, datetime
from pathlib import Path

import anyio
import pytest

from readahead.kintsugi import fields
from readahead.sandbox import Sandbox
from readahead.sweetspot import fields as lessee

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/ten-questions.md").read_text()
QUESTIONS = re.findall(r"^## \d+\. (.*?)\n\n.*?```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
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
    rows = BOX.sweetspot_table._execute("SELECT organization, customer FROM sweetspot_checkouts")
    ids = [row["id"] for row in BOX.sweetspot_rows()]
    return {ids[customer - 1] for organization, customer in rows if organization in organizations}


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


@pytest.mark.parametrize("number", TOLD)
def test_a_question_of_the_page(number):
    """Its explanation is as printed there, and its rows are the right ones."""
    _, code, printed = QUESTIONS[int(number) - 1]

    async def main():
        async with BOX.kintsugi() as kintsugi, BOX.sweetspot() as sweetspot:
            names = {"kintsugi": kintsugi, "sweetspot": sweetspot, "fields": fields, "lessee": lessee}
            exec(code, names | {"datetime": datetime, "UTC": UTC}, names)
            query = names["query"]
            explained = await query.explain()
            assert f"{explained}\n" == printed
            async with query.prefetch(8) as rows:
                found = [row.id async for row in rows]
            if explained.requests is not None:
                assert rows.report.requests <= explained.requests * 1.1 + 2
                assert query._limit or rows.report.requests >= explained.requests * 0.9 - 2
            return found, query._limit

    found, limit = anyio.run(main)
    rows = BOX.kintsugi_rows() if int(number) < 9 else BOX.sweetspot_rows()
    expected = {row["id"] for row in rows if TOLD[number](row)}
    assert len(found) == len(set(found))
    assert len(found) > 1
    if limit is None:
        assert {*found} == expected
    else:
        assert {*found} <= expected
        assert len(found) == min(limit, len(expected))
