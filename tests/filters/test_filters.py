"""What cannot be asked is refused before anything is sent: the field, what was given, and what is allowed.

What the APIs have is written down here by hand, from their published reference pages.
"""

import enum
from urllib.parse import parse_qsl

import anyio
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from readahead.errors import FilterError, UsageError
from readahead.http.transport import client_for_app
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
    """What building and then reading the query raises, with nothing sent."""

    async def main():
        with pytest.raises(UsageError) as caught:
            await build(customers(api)).first()
        return caught.value

    return anyio.run(main)


def sent(api, build):
    """The query string that the query sends, decoded."""
    seen = []

    async def app(scope, receive, send):
        seen.append(parse_qsl(scope["query_string"].decode(), keep_blank_values=True, strict_parsing=True))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        body = b'{"items":[],"total":0,"page":1,"size":1,"pages":0}' if api == "kintsugi" else b"[]"
        await send({"type": "http.response.body", "body": body})

    anyio.run(build(customers(api, app)).first)
    return seen[0]


def check(error, field, given, *says):
    assert isinstance(error, FilterError)
    assert error.field == field
    assert error.given is given or error.given == given
    assert str(error).startswith(f"{field}: {given!r} was given; allowed is {error.allowed}")
    for part in says:
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
    check(error, wrong, "US", *names, f"Did you mean {near!r}")
    assert error.near[0] == near


@pytest.mark.parametrize("wrong", ["page", "size", "order_by", "status", "x", ""])
def test_a_keyword_like_no_other_is_refused_too(wrong):
    """Paging, order and fields that nothing filters on are not keywords of ``where``."""
    check(refused("kintsugi", lambda query: query.where(**{wrong: "1"})), wrong, "1", "search, country, state, source")


def test_one_wrong_keyword_among_right_ones_refuses_all():
    """A query is not narrowed by half of what was asked."""
    check(refused("kintsugi", lambda query: query.where(country="US", sate="CA")), "sate", "CA", "'state'")


def test_a_condition_by_position_is_refused():
    """``where(True)``, as ``where(row.country == "US")`` comes out, does not list everything."""

    async def main():
        with pytest.raises((TypeError, UsageError)):
            await customers("kintsugi").where(True).first()

    anyio.run(main)


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
    check(error, field, wrong, f"{near!r}", f"{field.title()}.unlisted(…)", "Did you mean")
    assert near in error.near


@pytest.mark.parametrize("wrong", ["XX", "US,CA", "United States", "US CA", " US", "US\n", "\uff35\uff33", "QQ", "EU"])
def test_a_country_that_is_none_is_refused(wrong):
    """Two in one text, names instead of codes, codes of no country, and look-alikes."""
    check(refused("kintsugi", lambda query: query.where(country=wrong)), "country", wrong, "251 values of Country")


def test_every_country_of_the_reference_page_can_be_asked_for():
    """All 251 are taken, as text or as constants, and are sent in the order given."""
    assert len(COUNTRIES) == len(set(COUNTRIES)) == 251
    for codes in (COUNTRIES, [Country(code) for code in COUNTRIES]):
        pairs = sent("kintsugi", lambda query, codes=codes: query.where(country=codes))
        assert [value for name, value in pairs if name == "country"] == COUNTRIES


def test_a_value_that_is_not_listed_can_be_asked_for_by_name():
    """The lists grow every few weeks: ``unlisted`` sends what the document does not know yet."""
    assert ("country", "QQ") in sent("kintsugi", lambda query: query.where(country=Country.unlisted("QQ")))
    pairs = sent("kintsugi", lambda query: query.where(source=["SHOPIFY", Source.unlisted("NEW_SHOP")]))
    assert ("source__in", "SHOPIFY,NEW_SHOP") in pairs


@pytest.mark.parametrize("wrong", ["A,B", ",", "SHOPIFY,", ",STRIPE"])
def test_a_comma_in_a_comma_separated_value_is_refused(wrong):
    """It would be two values at the server, even where the value is asked for by name."""
    error = refused("kintsugi", lambda query: query.where(source=[Source.unlisted(wrong)]))
    check(error, "source", Source.unlisted(wrong), "without a comma")
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
    )


@pytest.mark.parametrize("wrong", ["XX", "us", "", " US", "Country.US"])
def test_a_misspelt_constant_is_an_error(wrong):
    """``Country("usa")`` is not a country of its own."""
    with pytest.raises(ValueError, match="not a listed Country"):
        Country(wrong)


def test_members_of_a_users_own_enumeration_are_sent_by_value():
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
    assert sent("kintsugi", build)[:5] == pairs


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
    check(
        refused(api, lambda query: query.where(**{field: wrong})),
        field,
        wrong,
        "text" if (api, field) in TEXTS else "value",
    )


@pytest.mark.parametrize(("api", "field"), EVERY)
@pytest.mark.parametrize("wrong", EMPTY + CONTROL, ids=ascii)
def test_text_that_is_empty_or_cannot_be_sent_is_refused(api, field, wrong):
    """An empty filter would list everything; control characters and lone surrogates would not arrive as given."""
    check(refused(api, lambda query: query.where(**{field: wrong})), field, wrong)


@pytest.mark.parametrize(("api", "field"), TEXTS)
@pytest.mark.parametrize("wrong", [[], ["x"], ("x", "y"), [["x"]], [None]], ids=repr)
def test_a_list_where_one_value_is_due_is_refused(api, field, wrong):
    """Several texts cannot be sent, and the list itself is not one."""
    check(refused(api, lambda query: query.where(**{field: wrong})), field, list(wrong), "takes no list")


@pytest.mark.parametrize(("api", "field"), LISTS)
@pytest.mark.parametrize("wrong", [[], (), set(), frozenset()], ids=repr)
def test_an_empty_list_is_refused(api, field, wrong):
    """No value at all neither lists everything nor nothing."""
    check(refused(api, lambda query: query.where(**{field: wrong})), field, [], "at least one", f"leave {field} out")
    check(refused(api, lambda query: query.where(**{field: iter(wrong)})), field, [])


@pytest.mark.parametrize(("api", "field"), LISTS)
@pytest.mark.parametrize("wrong", [None, True, 1, "", " ", ["US"], ["SHOPIFY"], ("US",), {"US"}, "A\nB"], ids=repr)
def test_one_wrong_item_refuses_the_list(api, field, wrong):
    """Nested lists, None and empty text inside a list: the item is named."""
    right = {"country": "US", "source": "SHOPIFY"}[field]
    check(refused(api, lambda query: query.where(**{field: [right, wrong]})), field, wrong)
    check(refused(api, lambda query: query.where(**{field: iter([wrong, right])})), field, wrong)


def test_a_user_id_may_be_a_whole_number_and_nothing_else():
    """Sweet Spot's user ids are numbers or text; the value of an int enumeration counts as its number."""

    class User(int, enum.Enum):
        ME = 7

    for user, text in [(7, "7"), ("7", "7"), ("usr_1", "usr_1"), (0, "0"), (User.ME, "7")]:
        assert ("userId", text) in sent("sweetspot", lambda query, user=user: query.where(user_id=user))
    for field in ("email", "name", "organization_id"):
        check(refused("sweetspot", lambda query, field=field: query.where(**{field: 7})), field, 7)


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
    assert long.given == "U" * 1_000_000


texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(str.strip)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(EVERY), st.text(), st.sampled_from([*map(chr, range(32)), "\x7f", "\x9f", "\ud800"]), st.text())
@example(("kintsugi", "search"), "", "\x00", "")
def test_a_control_character_anywhere_is_refused(keyword, before, control, after):
    """Wherever it stands in the text, and whatever stands around it."""
    api, field = keyword
    with pytest.raises(FilterError) as caught:
        customers(api).where(**{field: before + control + after})
    assert caught.value.field == field


@settings(max_examples=200, deadline=None)
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
    check(refused(api, lambda query: query.page_size(wrong)), "page_size", wrong, "a whole number from 1 to 100")


@pytest.mark.parametrize("api", ["kintsugi", "sweetspot"])
@pytest.mark.parametrize("wrong", [0, -1, True, False, "10", 10.0, None, float("inf")], ids=repr)
def test_a_limit_below_1_is_refused(api, wrong):
    """A limit of nothing is a mistake, and None is not "all"."""
    check(refused(api, lambda query: query.limit(wrong)), "limit", wrong, "a whole number, at least 1.")


@pytest.mark.parametrize("api", ["kintsugi", "sweetspot"])
@pytest.mark.parametrize("wrong", [0, -1, 257, True, "8", 8.0, None], ids=repr)
def test_a_window_outside_1_to_256_is_refused(api, wrong):
    """Before the block is entered."""
    with pytest.raises(FilterError) as caught:
        customers(api).prefetch(window=wrong)
    check(caught.value, "window", wrong, '"auto" or a whole number from 1 to 256')


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
    with pytest.raises(UsageError, match=r"on_bad_row: .* allowed is 'raise' or 'skip'"):
        customers("kintsugi").prefetch(on_bad_row=wrong)


@pytest.mark.parametrize("wrong", ["", "Warn", "error", None, True])
def test_an_unknown_way_with_drift_is_refused(wrong):
    """``on_drift`` names the four that there are."""
    with pytest.raises(UsageError, match=r"on_drift: .* allowed is 'ignore' or 'warn' or 'raise' or 'reread'"):
        customers("kintsugi").prefetch(on_drift=wrong)


@pytest.mark.parametrize("api", ["kintsugi", "sweetspot"])
@pytest.mark.parametrize("wrong", [0, -1, 10_001, True, "8", 8.0, None], ids=repr)
def test_a_number_of_parts_outside_1_to_10000_is_refused(api, wrong):
    """Before their seams are looked for."""

    async def main():
        with pytest.raises(FilterError) as caught:
            await customers(api).partitions(wrong)
        check(caught.value, "parts", wrong, "a whole number from 1 to 10000")

    anyio.run(main)


# ---- order


@pytest.mark.parametrize(
    ("wrong", "given", "says"),
    [
        (("name",), "name", ORDERS),
        (("createdat",), "createdat", ("Did you mean 'created_at'",)),
        (("City",), "City", ("Did you mean 'city'",)),
        (("city", "stat"), "stat", ("Did you mean 'state'",)),
        (("-created_at",), "-created_at", (*ORDERS, "no descending order")),
        (("+city",), "+city", ORDERS),
        (("city,state",), "city,state", ORDERS),
        (("city desc",), "city desc", (*ORDERS, "no descending order")),
        ((" city",), " city", ORDERS),
        (("",), "", ORDERS),
        ((None,), None, ORDERS),
        ((True,), True, ORDERS),
        ((["city", "state"],), ["city", "state"], ORDERS),
        ((), (), ("at least one of", *ORDERS)),
        (("city", "city"), "city", ("each name once",)),
        (("city", "state", "city"), "city", ("each name once",)),
    ],
    ids=repr,
)
def test_an_order_that_is_not_documented_is_refused(wrong, given, says):
    """Unknown, descending, doubled, empty, or several names in one text."""
    check(refused("kintsugi", lambda query: query.order_by(*wrong)), "order_by", given, *says)


def test_every_order_of_the_reference_can_be_asked_for():
    """All eight, at once, joined by commas in the order given."""
    for names in (ORDERS, ORDERS[::-1]):
        assert ("order_by", ",".join(names)) in sent("kintsugi", lambda query, names=names: query.order_by(*names))


@pytest.mark.parametrize("names", [("created_at",), ("createdAt",), ()])
def test_an_api_without_orders_refuses_each(names):
    """Sweet Spot documents none."""
    check(refused("sweetspot", lambda query: query.order_by(*names)), "order_by", names, "documents no order")


# ---- parameters that the wrapper does not know


@pytest.mark.parametrize(
    ("api", "wrong"), [("kintsugi", "page"), ("kintsugi", "size"), ("sweetspot", "offset"), ("sweetspot", "limit")]
)
def test_paging_parameters_are_not_set_by_hand(api, wrong):
    """They belong to the listing."""
    check(refused(api, lambda query: query.extra_params({wrong: 2})), wrong, 2, "paging")


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
    check(refused(api, lambda query: build(query).extra_params({wrong: "y"})), wrong, "y", "set it already")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"later": None}, "later"),
        ({"later": []}, "later"),
        ({"later": [None]}, "later"),
        ({"later": [["x"]]}, "later"),
        ({"later": {"x": 1}}, "later"),
        ({"later": ("x",)}, "later"),
        ({"later": b"x"}, "later"),
        ({"later": float("nan")}, "later"),
        ({"later": float("inf")}, "later"),
        ({"later": ""}, "later"),
        ({"later": "a\nb"}, "later"),
        ({"later": ["x", " "]}, "later"),
        ({"": "x"}, "extra_params"),
        ({"a\nb": "x"}, "extra_params"),
        ({1: "x"}, "extra_params"),
    ],
    ids=repr,
)
def test_an_extra_parameter_must_be_text_or_a_number(wrong, field):
    """None, nothing, nested lists and control characters are refused, in names too."""
    error = refused("kintsugi", lambda query: query.extra_params(wrong))
    assert isinstance(error, FilterError)
    assert error.field == field
