"""What cannot be asked is refused before anything is sent: the error names the field and says what to do.

What the APIs have is written down here by hand, from their published reference pages.
"""

import enum
from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from effort import examples
from readahead.errors import FilterError, UsageError
from readahead.http.libraries import client_for_app
from readahead.kintsugi import Country, Kintsugi, Source
from readahead.sweetspot import SweetSpot

COUNTRIES = """
    AF AX AL DZ AS AD AO AI AQ AG AR AM AW AU AT AZ BS BH BD BB BY BE BZ BJ BM BT BO BQ BA BW BV BR IO BN BG BF BI CV
    KH CM CA KY CF TD CL CN CX CC CO KM CG CD CK CR HR CU CW CY CZ DK DJ DM DO EC EG SV GQ ER EE SZ ET FK FO FJ FI FR
    GF PF TF GA GM GE DE GH GI GR GL GD GP GU GT GG GN GW GY HT HM VA HN HK HU IS IN ID IR IQ IE IM IL IT CI JM JP JE
    JO KZ KE KI KP KR KW KG LA LV LB LS LR LY LI LT LU MO MG MW MY MV ML MT MH MQ MR MU YT MX FM MD MC MN ME MS MA MZ
    MM NA NR NP NL NC NZ NI NE NG NU NF MK MP NO OM PK PW PS PA PG PY PE PH PN PL PT PR QA RE RO RU RW BL SH KN LC MF
    PM VC WS SM ST SA SN RS SC SL SG SX SK SI SB SO ZA GS SS ES LK SD SR SJ SE CH SY TW TJ TZ TH TL TG TK TO TT TN TR
    TM TC TV UG UA AE GB US UM UY UZ VU VE VN VG VI WF EH YE ZM ZW XK ZZ_EU
""".split()  # noqa: SIM905  a quote around each would hide the list
ORDERS = ("created_at", "street_1", "street_2", "city", "state", "postal_code", "country", "status")

TEXTS = [("kintsugi", "search"), ("kintsugi", "state")]
TEXTS += [("sweetspot", name) for name in ("organization_id", "email", "name", "user_id")]
LISTS = [("kintsugi", "country"), ("kintsugi", "source")]
EVERY = TEXTS + LISTS


async def no_request(scope, receive, send):
    raise AssertionError(f"a request was sent: {scope['path']}?{scope['query_string'].decode()}")


def customers(api, app=no_request):
    http = client_for_app(app)
    if api == "kintsugi":
        client = Kintsugi(api_key="key", organization_id="org", base_url="http://localhost", http_client=http)
    else:
        client = SweetSpot(token="token", base_url="http://localhost", http_client=http)
    return client.customers


def refused(api, build):
    """What building the query raises, before it is read."""
    with pytest.raises(UsageError) as caught:
        build(customers(api))
    return caught.value


async def sent(api, build):
    """The query string that the query sends, decoded."""
    seen = []

    async def app(scope, receive, send):
        seen.append(parse_qsl(scope["query_string"].decode(), keep_blank_values=True, strict_parsing=True))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        body = b'{"items":[],"total":0,"page":1,"size":1,"pages":0}' if api == "kintsugi" else b"[]"
        await send({"type": "http.response.body", "body": body})

    await build(customers(api, app)).first()
    return seen[0]


def check(error, field, value, *parts):
    """The error carries the field and the value, and its message has these parts: what is wrong, and what to do."""
    assert isinstance(error, FilterError)
    assert error.field == field
    assert error.value is value or error.value == value
    assert parts
    for part in (field, *parts):
        assert part in str(error)


# ---- names


@pytest.mark.parametrize(
    ("api", "wrong", "near"),
    [
        ("kintsugi", "contry", "country"),
        ("kintsugi", "Country", "country"),
        ("kintsugi", "countries", "country"),
        ("kintsugi", "sources", "source"),
        ("kintsugi", "source__in", "source"),
        ("kintsugi", "serch", "search"),
        ("kintsugi", "stat", "state"),
        ("sweetspot", "organisation_id", "organization_id"),
        ("sweetspot", "organizationId", "organization_id"),
        ("sweetspot", "userid", "user_id"),
        ("sweetspot", "mail", "email"),
        ("sweetspot", "names", "name"),
    ],
)
def test_an_unknown_keyword_is_refused_with_the_nearest(api, wrong, near):
    """A keyword that the API does not have names all that it has, and the one that was meant."""
    names = [name for of, name in EVERY if of == api]
    error = refused(api, lambda query: query.where(**{wrong: "US"}))
    check(error, wrong, "US", f"unknown filter {wrong!r}; known are", *names, f"did you mean {near!r}")
    assert error.near[0] == near


@pytest.mark.parametrize("wrong", ["page", "size", "order_by", "status", "x", ""])
def test_a_keyword_like_no_other_is_refused_too(wrong):
    """Paging, order and fields that nothing filters on are not keywords of ``where``."""
    error = refused("kintsugi", lambda query: query.where(**{wrong: "1"}))
    check(error, wrong, "1", f"unknown filter {wrong!r}; known are search, country, state, source")


def test_what_is_asked_in_another_way_says_how():
    """A field without a parameter is asked for as a condition, and a method of the query is called."""
    error = refused("kintsugi", lambda query: query.where(status="ACTIVE"))
    check(error, "status", "ACTIVE", "use a condition on fields.status: ==, !=, in_(...), is_null()")
    for name in ("limit", "order_by", "page_size", "extra_params"):
        check(
            refused("kintsugi", lambda query, n=name: query.where(**{n: 5})), name, 5, f"call .{name}(...) on the query"
        )


def test_one_wrong_keyword_among_right_ones_refuses_all():
    """A query is not narrowed by half of what was asked."""
    check(refused("kintsugi", lambda query: query.where(country="US", sate="CA")), "sate", "CA", "did you mean 'state'")


def test_a_condition_by_position_is_refused():
    """``where(True)``, as ``where(row.country == "US")`` comes out, does not list everything."""
    error = refused("kintsugi", lambda query: query.where(True))
    check(error, "where", True, "where() takes conditions made of fields, such as fields.country == 'US'", "not True")


# ---- choices


@pytest.mark.parametrize(
    ("field", "wrong", "near"),
    [
        ("country", "us", "US"),
        ("country", "ca", "CA"),
        ("country", "usa", "US"),
        ("country", "ZZ-EU", "ZZ_EU"),
        ("country", "ZZEU", "ZZ_EU"),
        ("source", "SHOPFIY", "SHOPIFY"),
        ("source", "shopify", "SHOPIFY"),
        ("source", "SAGE_INTACCT", "SAGE-INTACCT"),
        ("source", "Stripe ", "STRIPE"),
        ("source", "WOO_COMMERCE", "WOOCOMMERCE"),
    ],
)
@pytest.mark.parametrize("listed", [False, True])
def test_an_unlisted_choice_is_refused_with_the_nearest(field, wrong, near, listed):
    """Alone or in a list: the message says what was meant, and how to ask for a value that is new."""
    error = refused("kintsugi", lambda query: query.where(**{field: [near, wrong] if listed else wrong}))
    check(
        error,
        field,
        wrong,
        f"{field} has no value {wrong!r}",
        f"{field.title()}.unlisted(...)",
        f"did you mean {near!r}",
    )
    assert near in error.near


@pytest.mark.parametrize("wrong", ["XX", "US,CA", "United States", "US CA", " US", "US\n", "\uff35\uff33", "QQ", "EU"])
def test_a_country_that_is_none_is_refused(wrong):
    """Two in one text, names instead of codes, codes of no country, and look-alikes."""
    error = refused("kintsugi", lambda query: query.where(country=wrong))
    check(error, "country", wrong, f"country has no value {wrong!r}", "use one of the 251 values of Country")


@pytest.mark.asyncio
async def test_every_country_of_the_reference_page_can_be_asked_for():
    """All 251 are taken, as text or as constants, and are sent in the order given."""
    assert len(COUNTRIES) == len(set(COUNTRIES)) == 251
    for codes in (COUNTRIES, [Country(code) for code in COUNTRIES]):
        pairs = await sent("kintsugi", lambda query, codes=codes: query.where(country=codes))
        assert [value for name, value in pairs if name == "country"] == COUNTRIES


@pytest.mark.asyncio
async def test_a_value_that_is_not_listed_can_be_asked_for_by_name():
    """The lists grow every few weeks: ``unlisted`` sends what the document does not know yet."""
    assert ("country", "QQ") in await sent("kintsugi", lambda query: query.where(country=Country.unlisted("QQ")))
    pairs = await sent("kintsugi", lambda query: query.where(source=["SHOPIFY", Source.unlisted("NEW_SHOP")]))
    assert ("source__in", "SHOPIFY,NEW_SHOP") in pairs


@pytest.mark.parametrize("wrong", ["A,B", ",", "SHOPIFY,", ",STRIPE"])
def test_a_comma_in_a_comma_separated_value_is_refused(wrong):
    """It would be two values at the server, even where the value is asked for by name."""
    error = refused("kintsugi", lambda query: query.where(source=[Source.unlisted(wrong)]))
    check(error, "source", Source.unlisted(wrong), "must not contain a comma", "pass several values as a list")
    assert refused("kintsugi", lambda query: query.where(source=wrong)).field == "source"


@pytest.mark.parametrize("wrong", ["", " ", "\t", "A\nB", "A\x00", "\x85", "\ud800"])
@pytest.mark.parametrize("choice", [Country, Source])
def test_a_value_asked_for_by_name_must_be_text_that_can_be_sent(choice, wrong):
    """``unlisted`` lifts the list, not the other rules."""
    value = choice.unlisted(wrong)
    check(
        refused("kintsugi", lambda query: query.where(**{choice.__name__.lower(): value})),
        choice.__name__.lower(),
        value,
        "must not",
    )


@pytest.mark.parametrize("wrong", ["XX", "us", "", " US", "Country.US"])
def test_a_misspelt_constant_is_an_error(wrong):
    """``Country("usa")`` is not a country of its own."""
    with pytest.raises(ValueError, match="not a listed Country"):
        Country(wrong)


@pytest.mark.asyncio
async def test_members_of_a_users_own_enumeration_are_sent_by_value():
    """``class Shop(str, Enum)`` is text to every check, and arrives as its value, not as ``Shop.MAIN``."""

    class Own(str, enum.Enum):  # noqa: UP042  str() of these gives the name
        COUNTRY = "CA"
        SOURCE = "SHOPIFY"
        STATE = "ON"
        ORDER = "city"

    def build(query):
        query = query.where(country=Own.COUNTRY, source=[Own.SOURCE], state=Own.STATE)
        return query.order_by(Own.ORDER).extra_params(later=Own.STATE)

    pairs = [("country", "CA"), ("state", "ON"), ("source__in", "SHOPIFY"), ("order_by", "city"), ("later", "ON")]
    assert (await sent("kintsugi", build))[:5] == pairs


# ---- values


class Unshowable:
    def __repr__(self):
        raise RuntimeError


WRONG_TYPES = [None, True, False, 1.5, float("nan"), b"US", bytearray(b"US"), {"US": 1}, object(), Ellipsis, str, 1j]
EMPTY = ["", " ", "   ", "\u00a0", "\u2003", "\u3000"]
CONTROL = ["\t", "\n", "a\nb", "a\r\nX-Evil: 1", "a\x00", "\x7f", "a\x1b[31m", "\x80b", "\x85", "\ud800", "a\udfffb"]


@pytest.mark.parametrize(("api", "field"), EVERY)
@pytest.mark.parametrize("wrong", WRONG_TYPES, ids=lambda wrong: type(wrong).__name__)
def test_a_value_of_another_type_is_refused(api, field, wrong):
    """None is not "no filter", True is not 1, and bytes are not text."""
    error = refused(api, lambda query: query.where(**{field: wrong}))
    kind = "text" if (api, field) in TEXTS else f"a value of {field.title()}"
    if wrong is None and field in {"country", "source", "state", "user_id"}:
        check(error, field, None, "cannot be compared with None", f"use fields.{field}.is_null()", f"leave {field} out")
    else:
        check(error, field, wrong, f"{field} must be {kind}", f", not {wrong!r}")


@pytest.mark.parametrize(("api", "field"), EVERY)
@pytest.mark.parametrize("wrong", EMPTY + CONTROL, ids=ascii)
def test_text_that_is_empty_or_cannot_be_sent_is_refused(api, field, wrong):
    """An empty filter would list everything; control characters and lone surrogates would not arrive as given."""
    error = refused(api, lambda query: query.where(**{field: wrong}))
    if (api, field) in TEXTS and not wrong.strip():
        check(error, field, wrong, f"{field} must not be {'blank' if wrong else 'empty'}")
    elif (api, field) in TEXTS:
        check(error, field, wrong, "must not contain control characters or lone surrogates; remove them from")
    else:
        check(error, field, wrong, f"{field} has no value {wrong!r}")


@pytest.mark.parametrize(("api", "field"), TEXTS)
@pytest.mark.parametrize("wrong", [[], ["x"], ("x", "y"), [["x"]], [None]], ids=repr)
def test_a_list_where_one_value_is_due_is_refused(api, field, wrong):
    """Several texts cannot be sent, and the list itself is not one."""
    error = refused(api, lambda query: query.where(**{field: wrong}))
    check(error, field, list(wrong), f"{field} takes one value, not a list")
    several = f"for several values use fields.{field}.in_(...)"
    assert (several in str(error)) == (field in {"state", "organization_id", "user_id"})


@pytest.mark.parametrize(("api", "field"), LISTS)
@pytest.mark.parametrize("wrong", [[], (), set(), frozenset()], ids=repr)
def test_an_empty_list_is_refused(api, field, wrong):
    """No value at all neither lists everything nor nothing."""
    for values in (wrong, iter(wrong)):
        error = refused(api, lambda query, values=values: query.where(**{field: values}))
        check(error, field, [], f"{field} needs at least one value", f"leave {field} out")


@pytest.mark.parametrize(("api", "field"), LISTS)
@pytest.mark.parametrize("wrong", [None, True, 1, "", " ", ["US"], ["SHOPIFY"], ("US",), {"US"}, "A\nB"], ids=repr)
def test_one_wrong_item_refuses_the_list(api, field, wrong):
    """Nested lists, None and empty text inside a list: the item is named."""
    right = {"country": "US", "source": "SHOPIFY"}[field]
    for values in ([right, wrong], iter([wrong, right])):
        error = refused(api, lambda query, values=values: query.where(**{field: values}))
        reason = "is_null()" if wrong is None else "has no value" if isinstance(wrong, str) else "must be a value of"
        check(error, field, wrong, reason)


@pytest.mark.asyncio
async def test_a_user_id_may_be_a_whole_number_and_nothing_else():
    """Sweet Spot's user ids are numbers or text; the value of an int enumeration counts as its number."""

    class User(int, enum.Enum):
        ME = 7

    for user, text in [(7, "7"), ("7", "7"), ("usr_1", "usr_1"), (0, "0"), (User.ME, "7")]:
        assert ("userId", text) in await sent("sweetspot", lambda query, user=user: query.where(user_id=user))
    for field in ("email", "name", "organization_id"):
        check(
            refused("sweetspot", lambda query, field=field: query.where(**{field: 7})),
            field,
            7,
            f"{field} must be text, not 7",
        )


def test_an_error_shows_any_value():
    """A value that cannot show itself, or is endless, does not replace the error by one of its own."""
    for wrong in (Unshowable(), [Unshowable()], 10**5000):
        for error in (
            refused("kintsugi", lambda query, wrong=wrong: query.where(state=wrong)),
            refused("kintsugi", lambda query, wrong=wrong: query.order_by(wrong)),
        ):
            assert isinstance(error, FilterError)
            assert f"<{type(wrong).__name__}>" in str(error)
    long = refused("kintsugi", lambda query: query.where(country="U" * 1_000_000))
    assert len(str(long)) < 1000
    assert long.value == "U" * 1_000_000


texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(str.strip)


@settings(max_examples=examples(200), deadline=None)
@given(st.sampled_from(EVERY), st.text(), st.sampled_from([*map(chr, range(32)), "\x7f", "\x9f", "\ud800"]), st.text())
@example(("kintsugi", "search"), "", "\x00", "")
def test_a_control_character_anywhere_is_refused(keyword, before, control, after):
    """Wherever it stands in the text, and whatever stands around it."""
    api, field = keyword
    with pytest.raises(FilterError) as caught:
        customers(api).where(**{field: before + control + after})
    assert caught.value.field == field


@settings(max_examples=examples(200), deadline=None)
@given(st.sampled_from(TEXTS), texts)
def test_any_other_text_is_taken(keyword, text):
    """What is neither blank nor a control character is the API's to judge; a comma is one too."""
    api, field = keyword
    customers(api).where(**{field: text})


# ---- sizes


@pytest.mark.parametrize("api", ["kintsugi", "sweetspot"])
@pytest.mark.parametrize("wrong", [0, -1, 101, 10**9, True, False, "10", 10.0, None, [10], b"10"], ids=repr)
def test_a_page_size_outside_1_to_100_is_refused(api, wrong):
    """And so is one that is no whole number."""
    check(
        refused(api, lambda query: query.page_size(wrong)),
        "page_size",
        wrong,
        f"page_size must be a whole number from 1 to 100, not {wrong!r}",
    )


@pytest.mark.parametrize("api", ["kintsugi", "sweetspot"])
@pytest.mark.parametrize("wrong", [0, -1, True, False, "10", 10.0, None, float("inf")], ids=repr)
def test_a_limit_below_1_is_refused(api, wrong):
    """A limit of nothing is a mistake, and None is not "all"."""
    check(
        refused(api, lambda query: query.limit(wrong)),
        "limit",
        wrong,
        f"limit must be a whole number of at least 1, not {wrong!r}",
    )


@pytest.mark.parametrize("api", ["kintsugi", "sweetspot"])
@pytest.mark.parametrize("wrong", [0, -1, 257, True, "8", 8.0, None], ids=repr)
def test_a_window_outside_1_to_256_is_refused(api, wrong):
    """Before the block is entered."""
    with pytest.raises(FilterError) as caught:
        customers(api).prefetch(window=wrong)
    check(caught.value, "window", wrong, f'window must be "auto" or a whole number from 1 to 256, not {wrong!r}')


def test_the_ends_of_each_range_are_taken():
    """1 and 100 rows in a page, 1 and very many rows in all, 1 and 256 pages at once."""
    query = customers("kintsugi")
    for rows in (1, 100):
        query.page_size(rows)
    for rows in (1, 10**12):
        query.limit(rows)
    for pages in (1, 256):
        query.prefetch(window=pages)


@pytest.mark.parametrize("wrong", ["", "Skip", "ignore", None, True])
def test_an_unknown_way_with_bad_rows_is_refused(wrong):
    """``on_bad_row`` names the two that there are."""
    with pytest.raises(UsageError, match=r"on_bad_row must be 'raise' or 'skip', not"):
        customers("kintsugi").prefetch(on_bad_row=wrong)


@pytest.mark.parametrize("wrong", ["", "Warn", "error", None, True])
def test_an_unknown_way_with_drift_is_refused(wrong):
    """``on_drift`` names the four that there are."""
    with pytest.raises(UsageError, match=r"on_drift must be 'ignore' or 'warn' or 'raise' or 'reread', not"):
        customers("kintsugi").prefetch(on_drift=wrong)


@pytest.mark.parametrize("api", ["kintsugi", "sweetspot"])
@pytest.mark.parametrize("wrong", [0, -1, 10_001, True, "8", 8.0, None], ids=repr)
@pytest.mark.asyncio
async def test_a_number_of_parts_outside_1_to_10000_is_refused(api, wrong):
    """Before their seams are looked for."""
    with pytest.raises(FilterError) as caught:
        await customers(api).partitions(wrong)
    check(caught.value, "parts", wrong, f"parts must be a whole number from 1 to 10000, not {wrong!r}")


# ---- order


@pytest.mark.parametrize(
    ("wrong", "value", "parts"),
    [
        (("name",), "name", ORDERS),
        (("createdat",), "createdat", ("did you mean 'created_at'",)),
        (("City",), "City", ("did you mean 'city'",)),
        (("city", "stat"), "stat", ("did you mean 'state'",)),
        (("-created_at",), "-created_at", (*ORDERS, "no descending order")),
        (("+city",), "+city", ORDERS),
        (("city,state",), "city,state", ORDERS),
        (("city desc",), "city desc", (*ORDERS, "no descending order")),
        ((" city",), " city", ORDERS),
        (("",), "", ORDERS),
        ((None,), None, ORDERS),
        ((True,), True, ORDERS),
        ((["city", "state"],), ["city", "state"], ORDERS),
        ((), (), ("order_by() needs at least one name; known are", *ORDERS)),
        (("city", "city"), "city", ("name each field once",)),
        (("city", "state", "city"), "city", ("name each field once",)),
    ],
    ids=repr,
)
def test_an_order_that_is_not_documented_is_refused(wrong, value, parts):
    """Unknown, descending, doubled, empty, or several names in one text."""
    error = refused("kintsugi", lambda query: query.order_by(*wrong))
    check(error, "order_by", value, "order_by()", *parts)
    if value not in ((), "city"):
        assert f"order_by() cannot sort by {value!r}" in str(error)


@pytest.mark.asyncio
async def test_every_order_of_the_reference_can_be_asked_for():
    """All eight, at once, joined by commas in the order given."""
    for names in (ORDERS, ORDERS[::-1]):
        assert ("order_by", ",".join(names)) in await sent(
            "kintsugi", lambda query, names=names: query.order_by(*names)
        )


@pytest.mark.parametrize("names", [("created_at",), ("createdAt",), ()])
def test_an_api_without_orders_refuses_each(names):
    """Sweet Spot documents none."""
    check(
        refused("sweetspot", lambda query: query.order_by(*names)),
        "order_by",
        names,
        "this API documents no order; sort the rows",
    )


# ---- parameters that the wrapper does not know


@pytest.mark.parametrize(
    ("api", "wrong"), [("kintsugi", "page"), ("kintsugi", "size"), ("sweetspot", "offset"), ("sweetspot", "limit")]
)
def test_paging_parameters_are_not_set_by_hand(api, wrong):
    """They belong to the listing."""
    error = refused(api, lambda query: query.extra_params({wrong: 2}))
    check(error, wrong, 2, "extra_params() cannot set paging parameters (", "use page_size() and limit()")


@pytest.mark.parametrize(
    ("api", "build", "wrong"),
    [
        ("kintsugi", lambda query: query.where(country="US"), "country"),
        ("kintsugi", lambda query: query.where(search="x"), "search_query"),
        ("kintsugi", lambda query: query.where(source="SHOPIFY"), "source__in"),
        ("kintsugi", lambda query: query.order_by("city"), "order_by"),
        ("kintsugi", lambda query: query.extra_params(later="x"), "later"),
        ("sweetspot", lambda query: query.where(organization_id="x"), "organizationId"),
        ("sweetspot", lambda query: query.where(user_id=1), "userId"),
    ],
)
def test_a_parameter_that_is_set_already_is_not_set_again(api, build, wrong):
    """Under its name on the wire, whichever method set it."""
    check(
        refused(api, lambda query: build(query).extra_params({wrong: "y"})),
        wrong,
        "y",
        f"extra_params() cannot set {wrong!r}",
        "sets it already; remove one",
    )


@pytest.mark.parametrize(
    ("wrong", "field", "message"),
    [
        ({"later": None}, "later", "must be text, a finite number, a boolean, or a list of these, not None"),
        ({"later": []}, "later", "cannot send an empty list as 'later'; leave the parameter out instead"),
        ({"later": [None]}, "later", "or a list of these, not None"),
        ({"later": [["x"]]}, "later", "or a list of these, not ['x']"),
        ({"later": {"x": 1}}, "later", "or a list of these, not {'x': 1}"),
        ({"later": ("x",)}, "later", "or a list of these, not ('x',)"),
        ({"later": b"x"}, "later", "or a list of these, not b'x'"),
        ({"later": float("nan")}, "later", "a finite number"),
        ({"later": float("inf")}, "later", "a finite number"),
        ({"later": ""}, "later", "later must not be empty"),
        ({"later": "a\nb"}, "later", "later must not contain control characters"),
        ({"later": ["x", " "]}, "later", "later must not be blank"),
        ({"": "x"}, "extra_params", "a name in extra_params() must not be empty"),
        ({"a\nb": "x"}, "extra_params", "a name in extra_params() must not contain control characters"),
        ({1: "x"}, "extra_params", "a name in extra_params() must be text, not 1"),
    ],
    ids=repr,
)
def test_an_extra_parameter_must_be_text_or_a_number(wrong, field, message):
    """None, nothing, nested lists and control characters are refused, in names too."""
    error = refused("kintsugi", lambda query: query.extra_params(wrong))
    assert isinstance(error, FilterError)
    assert error.field == field
    assert message in str(error)
