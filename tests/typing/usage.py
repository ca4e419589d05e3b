"""Only type-checked, never run: what users write, and what a type checker must not let them write.

mypy and pyright read it against the installed wheel. An ignore that nothing needs is an error too, so each wrong use
here is proof that it is found, by the rule that is named.
"""

# ruff: noqa: B015, B018

import ssl
from datetime import datetime
from typing import Any, assert_never, assert_type

import aiohttp
import httpx
import httpx2
from attrs import evolve

from readahead import (
    Condition,
    Explanation,
    Pace,
    Page,
    Pages,
    Progress,
    Query,
    Report,
    RequestFinished,
    RequestRetried,
    RequestStarted,
    Retry,
    Rows,
    Stream,
)
from readahead.errors import ApiError, ConnectionLost, FilterError, ReadaheadError, RequestError
from readahead.kintsugi import (
    AddressStatus,
    Country,
    Customer,
    CustomerChanges,
    CustomerFilters,
    CustomerQuery,
    Customers,
    CustomerStatus,
    Kintsugi,
    NewCustomer,
    Source,
    TaxRegistration,
    fields,
)
from readahead.sweetspot import CreditStatus, IdentityVerificationStatus, SweetSpot
from readahead.sweetspot import Customer as Lessee
from readahead.sweetspot import CustomerQuery as LesseeQuery
from readahead.sweetspot import fields as lessee

# ---- clients


def started(event: RequestStarted) -> None:
    assert_type(event.attempt, int)


waits = list[RequestRetried]()


async def finished(event: RequestFinished) -> None:
    assert_type(event.status, int | None)


async def clients(
    own: httpx.AsyncClient, newer: httpx2.AsyncClient, session: aiohttp.ClientSession, context: ssl.SSLContext
) -> None:
    Kintsugi()
    Kintsugi(api_key="k", organization_id="o", base_url="https://api.example", timeout=5, pace=Pace(10, per=1.0))
    Kintsugi(retry=Retry(attempts=2), pace=None, proxy="http://proxy.example", verify=context, user_agent="job/1")
    SweetSpot(token="t", http_client=own, verify=True)
    SweetSpot(token="t", http_client=newer)
    SweetSpot(token="t", http_client=session)
    SweetSpot(token="t", http="aiohttp")
    Kintsugi(on_request=started, on_response=finished, on_retry=waits.append)
    Kintsugi(on_request=finished)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Kintsugi(on_retry="print")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    async with Kintsugi() as kintsugi, SweetSpot() as sweetspot:
        assert_type(kintsugi, Kintsugi)
        assert_type(sweetspot, SweetSpot)
        assert_type(kintsugi.customers, Customers)
    await kintsugi.aclose()

    Kintsugi("key", "org")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Kintsugi(api_key=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Kintsugi(token="t")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Kintsugi(timeout=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    SweetSpot(retry=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    SweetSpot(http="requests")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    SweetSpot(http_client=httpx.Client())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# ---- queries


async def queries(kintsugi: Kintsugi) -> None:
    query: CustomerQuery = kintsugi.customers.where(country=["US", Country.CA], state="CA").order_by("created_at")
    narrower: CustomerQuery = query.where(source={Source.SHOPIFY, "API"}).limit(10).page_size(5)
    listing: Query[Customer] = narrower.extra_params(status="ACTIVE")
    assert_type(await listing.first_page(), Page[Customer])
    assert_type(await listing.first(), Customer | None)
    assert_type(await listing.count(), int)
    assert_type(await listing.to_list(), list[Customer])
    async for customer in query:
        assert_type(customer, Customer)
    async for page in query.pages():
        assert_type(page, Page[Customer])
    assert_type(query.pages(), Pages[Customer])
    assert_type(aiter(query), Rows[Customer])

    filters: CustomerFilters = {"country": (Country.US, "CA"), "search": "smith"}
    query.where(**filters)

    query.where(country=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    query.where(country=["US", 3])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    query.where(country=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    query.where(state=["CA"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    query.where(contry="US")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    query.where(email="a@b.c")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    query.limit("10")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    query.page_size(None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    query.order_by(["city"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    (await listing.first()).id  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    query.get("cust_1")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    query.create(name="Ada")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    query.to_list()[0]  # type: ignore[index]  # pyright: ignore[reportIndexIssue]


async def streams(kintsugi: Kintsugi) -> None:
    def on_page(progress: Progress[Customer]) -> None:
        assert_type(progress.page.rows, tuple[Customer, ...])
        assert_type(progress.report.requests, int)
        assert_type(progress.total, int | None)
        assert_type(progress.left, float | None)

    async with kintsugi.customers.prefetch(window=8, ordered=False, on_page=on_page, on_bad_row="skip") as rows:
        assert_type(rows, Stream[Customer])
        async for row in rows:
            assert_type(row, Customer)
        async for page in rows.pages():
            assert_type(page, Page[Customer])
            assert_type(page.total, int | None)
            assert_type(page.status, int | None)
            assert_type(page.request_id, str | None)
            assert_type([customer.id for customer in page], list[str])
    assert_type(rows.report, Report)
    assert_type(rows.report.complete, bool)
    assert_type(rows.report.bad_rows, list[str])

    kintsugi.customers.prefetch(window="8")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    kintsugi.customers.prefetch(on_bad_row="warn")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# ---- one customer


async def customers(customers: Customers) -> None:
    assert_type(await customers.get("cust_1"), Customer)
    assert_type(await customers.get_by_external_id("1"), Customer)
    assert_type(await customers.create(name="Ada", country=Country.CA, status="ACTIVE"), Customer)
    assert_type(await customers.update("cust_1", name="Ada", email=None), Customer)
    new: NewCustomer = {"name": "Ada", "country": "CA"}
    await customers.create(**new)
    changes: CustomerChanges = {"email": None, "address_status": AddressStatus.VERIFIED}
    await customers.update("cust_1", **changes)

    await customers.update("cust_1", name=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await customers.update("cust_1", nme="Ada")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await customers.update("cust_1", id="cust_2")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await customers.update("cust_1", address_status=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await customers.update(name="Ada")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await customers.create(nme="Ada")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await customers.get(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    customers.get("cust_1").name  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def rows(customer: Customer) -> None:
    assert_type(customer.id, str)
    assert_type(customer.name, str | None)
    assert_type(customer.country, Country | None)
    assert_type(customer.status, CustomerStatus | None)
    assert_type(customer.source, Source | None)
    assert_type(customer.customer_tax_registrations, list[TaxRegistration] | None)
    assert_type("new_field" in customer, bool)
    customer["new_field"]
    customer.to_dict()["id"]
    assert_type(customer.to_json(), str)
    assert_type(dict(customer), dict[str, Any])
    assert_type({**customer}, dict[str, Any])
    assert_type(evolve(customer, name="Ada"), Customer)
    match customer:
        case Customer(country=Country(), id=customer_id):
            assert_type(customer_id, str)
        case _:
            pass

    customer.nme  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    customer.email.upper()  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]


# ---- enumerations that grow


def label(status: CustomerStatus) -> str:
    if status == CustomerStatus.ACTIVE:
        return "in use"
    if status == CustomerStatus.ARCHIVED:
        return "put away"
    # All that are listed are dealt with, and still this line can be reached: the server may send another.
    assert_never(status)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def flag(country: Country) -> str:
    match country:
        case Country.CA:
            return "maple leaf"
        case Country.US:
            return "stars"
        case other:
            assert_type(other, Country)
            return other.lower()


def made() -> None:
    assert_type(Country("CA"), Country)
    assert_type(Country.CA, Country)
    assert_type(Country.unlisted("XX"), Country)
    assert_type(Country.listed(), tuple[Country, ...])
    assert_type(Country.CA.is_listed, bool)
    assert_type(Country.CA + "_x", str)

    Country.XX  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    Country(3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    flag("CA")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# ---- Sweet Spot


async def lessees(sweetspot: SweetSpot) -> None:
    query = sweetspot.customers.where(email="@example.com", user_id=7, organization_id="o", name="Ada")
    assert_type(await query.to_list(), list[Lessee])
    lessee = await sweetspot.customers.get("c_1")
    assert_type(lessee.created_at, datetime)
    assert_type(lessee.user_id, int | str | None)
    assert_type(lessee.credit_status, CreditStatus)
    assert_type(lessee.identity_verification_status, IdentityVerificationStatus | None)
    assert_type(await sweetspot.customers.update("c_1", phone="1"), Lessee)

    query.where(user_id=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    query.where(country="US")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await sweetspot.customers.update("c_1", email="a@b.c")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    sweetspot.customers.create  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    lessee.email  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


# ---- conditions


async def conditions(kintsugi: Kintsugi, sweetspot: SweetSpot, ids: list[str], now: datetime) -> None:
    shopify_or_canada = (fields.source == "SHOPIFY") | (fields.country == Country.CA)
    gmail = fields.email.endswith("@gmail.com") & ~fields.phone.is_null()
    assert_type(shopify_or_canada, Condition)
    assert_type(fields.country != "US", Condition)
    assert_type(fields.country.in_(["US", Country.CA]), Condition)
    assert_type(fields.country.in_({Country.US}), Condition)
    assert_type(fields.search.matches("smith"), Condition)
    assert_type(fields.name.icontains("smith") | fields.name.startswith("A") | fields.name.contains("b"), Condition)
    assert_type(lessee.created_at >= now, Condition)
    assert_type(lessee.created_at.between(now, now), Condition)
    assert_type(lessee.user_id == 7, Condition)
    assert_type(lessee.user_id.in_(ids), Condition)
    assert_type(lessee.organization_id == "o", Condition)
    query: CustomerQuery = kintsugi.customers.where(shopify_or_canada & gmail, fields.status == "ACTIVE", state="CA")
    assert_type(await query.explain(), Explanation)
    assert_type((await query.explain()).requests, int | None)
    sweetspot.customers.where(lessee.email.icontains("@example.com"), lessee.name.icontains("ada"), user_id=7)

    # a plain bool, or something else that is no condition
    query.where(True)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    query.where("country")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    query.where(fields.country)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    query.where(shopify_or_canada & True)  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnknownArgumentType]
    query.where(shopify_or_canada | fields.email)  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnknownArgumentType]
    query.where(not shopify_or_canada)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    query.where(~fields.email)  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnknownArgumentType]

    # a value of another type
    query.where(fields.country == 7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    query.where(fields.email == None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # noqa: E711
    query.where(fields.email.contains(7))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    query.where(fields.country.in_([7]))  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    query.where(fields.country.in_(7))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    query.where(lessee.created_at < "2026")  # type: ignore[operator]  # pyright: ignore[reportOperatorIssue, reportUnknownArgumentType]
    query.where(lessee.created_at.between(now, 7))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    query.where(lessee.user_id == 1.5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    # an operator that the field does not have
    query.where(lessee.email == "x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    query.where(lessee.name != "x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    query.where(lessee.organization_id != "x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    query.where(fields.search == "x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    query.where(fields.email < "x")  # type: ignore[operator, arg-type]  # pyright: ignore[reportOperatorIssue, reportUnknownArgumentType]
    query.where(lessee.created_at == now)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    lessee.email.startswith("x")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    fields.country.contains("x")  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    fields.contry == "US"  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


# ---- errors


async def errors(kintsugi: Kintsugi) -> None:
    try:
        await kintsugi.customers.create(name="Ada")
    except FilterError as error:
        assert_type(error.field, str)
        assert_type(error.near, tuple[str, ...])
    except ConnectionLost as error:
        assert_type(error.maybe_applied, bool)
    except (RequestError, ApiError) as error:
        assert_type(error, RequestError | ApiError)
        assert_type(error.maybe_applied, bool)
    except ReadaheadError as error:
        error.status  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


# ---- slices


def slices(sweetspot: SweetSpot, now: datetime) -> None:
    query = sweetspot.customers.where(email="x")
    assert_type(query.slices(lessee.created_at, [now, None]), LesseeQuery)
    assert_type(sweetspot.customers.slices(lessee.created_at, 8, between=(now, now)), LesseeQuery)

    query.slices(lessee.created_at, ["2026"])  # type: ignore[misc]  # pyright: ignore[reportArgumentType]
    query.slices(lessee.city, ["a", "b"])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
