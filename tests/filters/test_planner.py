"""Which listings a condition comes to, and what is refused."""

import copy
import pickle
from datetime import UTC, datetime, timedelta, timezone

import pytest

from readahead.errors import FilterError, UsageError
from readahead.filters import Fields, Text, read_condition, write_condition
from readahead.filters.conditions import Comparison
from readahead.filters.planner import NormalForm
from readahead.kintsugi import Country, Source
from readahead.kintsugi import fields as k
from readahead.sweetspot import fields as s


def from_json(op, name, *values):
    """A comparison as a partition carries it: of no API."""
    return Comparison(name, op, values)


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def listings(condition, fields=k):
    """Each listing: what is sent, what rows have to meet, what they skip, and whether keys are kept."""
    return [
        (
            dict(branch.pushed),
            *(None if each is None else repr(each) for each in (branch.local, branch.skip)),
            branch.blind,
        )
        for branch in NormalForm(fields).narrowed(condition).branches()
    ]


def one(pushed, local=None):
    return [(pushed, local, None, False)]


CASES = {
    "or of one field is one listing": (
        (k.country == "US") | (k.country == "CA"),
        one({"country": ("US", "CA")}),
    ),
    "so is in_": (k.country.in_(["US", "CA", "US"]), one({"country": ("US", "CA")})),
    "in_ meets in_": (k.country.in_(["US", "CA"]) & k.country.in_(["CA", "MX"]), one({"country": ("CA",)})),
    "nothing is left": (k.country.in_(["US", "CA"]) & (k.country == "MX"), []),
    "a value and not it": ((k.country == "US") & (k.country != "US"), []),
    "a value less another": (k.country.in_(["US", "CA"]) & (k.country != "US"), one({"country": ("CA",)})),
    "a value and null": ((k.source == "SHOPIFY") & k.source.is_null(), []),
    "one value, looked at": ((k.state == "CA") & k.state.startswith("N"), []),
    "and found to be right": ((k.state == "CA") & k.state.startswith("C"), one({"state": ("CA",)})),
    "two values on rows": ((k.email == "a") & (k.email == "b"), []),
    "a condition and its opposite": (k.email.contains("a") & ~k.email.contains("a"), []),
    "a range that is empty": (((s.created_at < NOON) & (s.created_at >= NOON)), []),
    "one impossible side": (
        ((k.country == "US") & (k.country == "CA")) | (k.source == "SHOPIFY"),
        one({"source": ("SHOPIFY",)}),
    ),
    "not equal is left to rows": (k.country != "US", one({}, "country != 'US'")),
    "so is null": (k.country.is_null(), one({}, "country.is_null()")),
    "de morgan": (~((k.country != "US") | (k.source != "API")), one({"country": ("US",), "source": ("API",)})),
    "two fields are two listings": (
        (k.source == "SHOPIFY") | (k.country == "CA"),
        [
            ({"source": ("SHOPIFY",)}, None, None, False),
            ({"country": ("CA",)}, None, "source == 'SHOPIFY'", False),
        ],
    ),
    "a product is one listing": (
        ((k.country == "US") | (k.country == "CA")) & ((k.source == "API") | (k.source == "ETSY")),
        one({"country": ("US", "CA"), "source": ("API", "ETSY")}),
    ),
    "also when it is written out": (
        ((k.country == "US") & (k.source == "API"))
        | ((k.country == "CA") & (k.source == "API"))
        | ((k.country == "CA") & (k.source == "ETSY"))
        | ((k.country == "US") & (k.source == "ETSY")),
        one({"country": ("US", "CA"), "source": ("API", "ETSY")}),
    ),
    "one inside another is absorbed": (
        (k.country == "US") | ((k.country == "US") & (k.source == "API")),
        one({"country": ("US",)}),
    ),
    "inside, with a condition on rows": (
        ((k.country == "US") & k.email.is_null()) | ((k.country == "US") & (k.source == "API")),
        one({"country": ("US",)}, "email.is_null() | (source == 'API')"),
    ),
    "what lists everything takes the rest along": (
        k.email.endswith("@gmail.com") | (k.country == "US"),
        one({}, "email.endswith('@gmail.com') | (country == 'US')"),
    ),
    "beside, with different conditions on rows": (
        ((k.country == "US") & k.email.is_null()) | ((k.country == "CA") & k.phone.is_null()),
        one(
            {"country": ("US", "CA")},
            "((country == 'US') & email.is_null()) | ((country == 'CA') & phone.is_null())",
        ),
    ),
    "a parameter that takes one value": (
        k.state.in_(["CA", "QC"]) & (k.status == "ACTIVE"),
        [({"state": (state,)}, "status == 'ACTIVE'", None, False) for state in ("CA", "QC")],
    ),
    "a search is sent as it is": (k.search.matches("ada"), one({"search": ("ada",)})),
    "and contains is never one": (k.name.contains("ada"), one({}, "name.contains('ada')")),
    "two searches": (
        k.search.matches("a") | k.search.matches("b"),
        [({"search": ("a",)}, None, None, False), ({"search": ("b",)}, None, None, True)],
    ),
    "what rows can tell goes first": (
        k.search.matches("a") | (k.country == "US"),
        [
            ({"country": ("US",)}, None, None, False),
            ({"search": ("a",)}, None, "country == 'US'", False),
        ],
    ),
    "a search within what is listed anyway": (
        (k.search.matches("a") & (k.country == "US")) | (k.country == "US"),
        one({"country": ("US",)}),
    ),
    "one search, two sides": (
        k.search.matches("a") & ((k.country == "US") | (k.source == "API")),
        [
            ({"search": ("a",), "country": ("US",)}, None, None, False),
            ({"search": ("a",), "source": ("API",)}, None, "country == 'US'", False),
        ],
    ),
    "sweet spot's partial matches": (
        s.email.icontains("gmail") & s.name.icontains("Ada") & (s.country == "CA"),
        one({"email": ("gmail",), "name": ("Ada",)}, "country == 'CA'"),
    ),
    "an id": ((s.user_id == 17) | (s.user_id == "17"), one({"user_id": ("17",)})),
    "organizations": (
        s.organization_id.in_(["a", "b"]),
        [({"organization_id": ("a",)}, None, None, False), ({"organization_id": ("b",)}, None, None, True)],
    ),
}


@pytest.mark.parametrize(("condition", "expected"), CASES.values(), ids=CASES)
def test_a_condition_comes_to_the_fewest_listings(condition, expected):
    """What is sent, what is left to rows, and what later listings skip."""
    fields = (
        s if "created_at" in repr(condition) or "user_id" in repr(condition) or "organization" in repr(condition) else k
    )
    fields = s if "email.icontains" in repr(condition) else fields
    assert listings(condition, fields) == expected


REFUSED = {
    "not a partial match": (
        ~s.email.icontains("x"),
        s,
        "email",
        r"~email.*: the API has no parameter for it, and rows carry no email; list all rows",
    ),
    "not a search, far inside": (
        (k.country == "US") | ~(k.search.matches("x") | (k.state == "CA")),
        k,
        "search",
        "rows carry no search; list all rows and leave out those that search.matches",
    ),
    "not an organization": (~(s.organization_id == "o"), s, "organization_id", "rows carry no organization_id"),
    "two searches at once": (
        k.search.matches("a") & k.search.matches("b"),
        k,
        "search",
        "'a' and 'b' cannot both be sent, and rows carry no search; make a query of each",
    ),
    "two organizations at once": (
        (s.organization_id == "a") & (s.organization_id == "b"),
        s,
        "organization_id",
        "takes one value in a query.* make a query of each",
    ),
    "too many listings": (k.state.in_([f"S{n}" for n in range(101)]), k, "where", "at most 100 listings; make several"),
}


class OnlyAsked(Fields):
    """A parameter whose value rows do not carry, of a kind with more comparisons than the API can make."""

    order = Text(param="order")


asked = OnlyAsked()
REFUSED |= {
    "what the API has no parameter for": (
        asked.order.contains("x"),
        asked,
        "order",
        "the API has no parameter for it, and rows carry no order; leave it out",
    ),
    "and so null": ((asked.order == "x") & asked.order.is_null(), asked, "order", "rows carry no order; leave it out"),
}


@pytest.mark.parametrize(("condition", "fields", "field", "says"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_listed_is_refused_with_the_reason(condition, fields, field, says):
    """And with what to do instead."""
    with pytest.raises(FilterError, match=says) as caught:
        NormalForm(fields).narrowed(condition).branches()
    assert caught.value.field == field


def test_a_product_without_end_is_refused_at_once():
    """Not after a minute."""
    condition = (k.country == "US") | (k.state == "S")
    for n in range(40):
        condition &= (k.state == f"S{n}") | (k.search.matches("x") & (k.source == "API")) | (k.country == "CA")
    try:
        assert len(NormalForm(k).narrowed(condition).branches()) <= 100
    except FilterError as error:
        assert error.field == "where"


# ---- conditions


SPELLED = [
    ((k.source == "SHOPIFY") | (k.country == "CA"), "(source == 'SHOPIFY') | (country == 'CA')"),
    (~(k.country == "US"), "country != 'US'"),
    (k.country != Country.US, "country != 'US'"),
    (~k.country.in_(["US", "CA"]), "~country.in_(['US', 'CA'])"),
    (k.source == Source.unlisted("NEW"), "source == 'NEW'"),
    (
        (k.country == "US") & (k.state == "CA") & k.email.is_null(),
        "(country == 'US') & (state == 'CA') & email.is_null()",
    ),
    (~(k.email.contains("a") | k.email.contains("b")), "~(email.contains('a') | email.contains('b'))"),
    (~~k.email.icontains("a"), "email.icontains('a')"),
    (s.created_at >= NOON, "created_at >= 2026-01-01T12:00:00+00:00"),
    (
        s.created_at.between(NOON, NOON + timedelta(days=1)),
        "(created_at >= 2026-01-01T12:00:00+00:00) & (created_at <= 2026-01-02T12:00:00+00:00)",
    ),
    (s.user_id == 7, "user_id == '7'"),
    (k.search.matches("it's"), 'search.matches("it\'s")'),
]


@pytest.mark.parametrize(("condition", "text"), SPELLED, ids=[text for _, text in SPELLED])
def test_a_condition_is_a_value_that_can_be_read(condition, text):
    """Its repr is how it is written; it compares, hashes, copies, pickles and goes through JSON."""
    fields = s if "created_at" in text or "user_id" in text else k
    assert repr(condition) == text
    for same in (
        copy.deepcopy(condition),
        pickle.loads(pickle.dumps(condition)),
        fields.checked(condition),
        fields.checked(read_condition(write_condition(condition), fields)),
    ):
        assert same == condition
        assert hash(same) == hash(condition)
    assert condition != ~condition
    with pytest.raises(AttributeError):
        condition.parts = ()


def test_names_are_compared_and_not_fields():
    """A field's own == makes conditions, so two conditions that held fields would always be equal."""
    assert (k.name == "x") != (k.city == "x")
    assert (k.name == "x") == (k.name == "x")
    assert len({k.name == "x", k.city == "x", k.name == "x"}) == 2
    assert (k.country == "CA") != (k.country == "US")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: bool(k.country == "US"),
        lambda: (k.country == "US") and (k.state == "CA"),
        lambda: (k.country == "US") or (k.state == "CA"),
        lambda: not k.email.is_null(),
        lambda: NOON < s.created_at < NOON,
    ],
)
def test_a_condition_is_neither_true_nor_false(wrong):
    """``and`` would take one side alone, without a word."""
    with pytest.raises(UsageError, match=r"join conditions with & \| ~ instead of and"):
        wrong()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: k.country == "US" & k.state == "CA",
        lambda: k.country & (k.state == "CA"),
        lambda: (k.state == "CA") | k.country,
        lambda: ~k.country,
        lambda: bool(k.country),
    ],
)
def test_a_field_is_no_condition(wrong):
    """& binds more tightly than ==: the message says to put brackets."""
    with pytest.raises((UsageError, TypeError), match=r"put each comparison in brackets|unsupported operand"):
        wrong()


@pytest.mark.parametrize(("other"), [True, "x", None, 1])
def test_a_condition_is_joined_with_conditions_alone(other):
    """A type error, as Python says it."""
    for join in (lambda: (k.country == "US") & other, lambda: other | (k.country == "US")):
        with pytest.raises(TypeError, match="unsupported operand"):
            join()


# ---- what there is


@pytest.mark.parametrize(
    ("wrong", "field", "says"),
    [
        (lambda: s.email == "x", "email", "email can only be asked with icontains(...), not with =="),
        (lambda: s.email != "x", "email", "icontains"),
        (lambda: s.name == "x", "name", "icontains"),
        (lambda: s.organization_id != "x", "organization_id", "can only be asked with ==, in_(...), not with !="),
        (lambda: k.search == "x", "search", "search can only be asked with matches(...)"),
        (lambda: k.email < "x", "email", "contains"),
        (lambda: k.country >= "US", "country", "in_"),
        (lambda: s.created_at == NOON, "created_at", "between"),
        (lambda: k.country == "us", "country", "did you mean 'US'"),
        (lambda: k.status == "ACTVE", "status", "did you mean 'ACTIVE'"),
        (lambda: k.country.in_([]), "country", "at least one"),
        (lambda: k.country.in_("US"), "country", "a list"),
        (lambda: k.country.in_(["US", "XX"]), "country", "251 values"),
        (
            lambda: k.country == ["US"],
            "country",
            "takes one value, not a list: ['US']; for several values use fields.country.in_(...)",
        ),
        (lambda: k.country == None, "country", "use fields.country.is_null()"),  # noqa: E711
        (lambda: k.email != None, "email", "use fields.email.is_null()"),  # noqa: E711
        (lambda: s.created_at == None, "created_at", "use fields.created_at.is_null()"),  # noqa: E711
        (lambda: s.created_at < None, "created_at", "use fields.created_at.is_null()"),
        (lambda: k.search.matches(None), "search", "search must be text, not None"),
        (lambda: k.state == "", "state", "state must not be empty"),
        (lambda: k.email.contains(""), "email", "email must not be empty"),
        (lambda: k.email.endswith("a\n"), "email", "control"),
        (lambda: k.email == 7, "email", "text"),
        (lambda: s.user_id == 1.5, "user_id", "whole number"),
        (lambda: s.user_id == True, "user_id", "whole number"),  # noqa: E712
        (lambda: s.created_at < datetime(2026, 1, 1), "created_at", "time zone"),  # noqa: DTZ001
        (lambda: s.created_at < NOON.date(), "created_at", "time zone"),
        (lambda: s.created_at < "2026-01-01", "created_at", "time zone"),
        (lambda: s.created_at.between(NOON, NOON - timedelta(1)), "created_at", "takes the lower value first; swap"),
        (lambda: s.checked(k.search.matches("x")), "search", "search is a field of readahead.kintsugi.CustomerFields"),
        (lambda: k.checked(s.country == "US"), "country", "import fields from readahead.kintsugi"),
        (lambda: k.checked((k.city == "x") & ~(s.zip == "1")), "zip", "have readahead.kintsugi.CustomerFields; import"),
        (lambda: s.checked(from_json("in", "search", "x")), "search", "unknown field 'search'; known are organization"),
        (lambda: k.checked(from_json("in", "country", "Atlantis")), "country", "251 values"),
        (
            lambda: s.checked(from_json("in", "email", "x")),
            "email",
            "only be asked with icontains(...), not with",
        ),
        (lambda: k.checked(True), "where", "conditions made of fields"),
        (lambda: k.checked(k.country), "where", "conditions made of fields"),
    ],
)
def test_what_a_field_does_not_offer_is_refused(wrong, field, says):
    """By name, with what was given and what there is, before there is a query."""
    with pytest.raises(FilterError) as caught:
        wrong()
    assert caught.value.field == field
    assert says in str(caught.value)


def test_a_misspelt_field_names_the_nearest():
    """And an operator that a field does not have names those it has."""
    with pytest.raises(AttributeError, match=r"unknown field 'contry'; known are search, .*did you mean 'country'"):
        _ = k.contry
    with pytest.raises(
        AttributeError,
        match=r"country can only be asked with ==, !=, in_\(...\), is_null\(\); there is no 'startswith'",
    ):
        _ = k.country.startswith
    with pytest.raises(AttributeError, match=r"email can only be asked with icontains\(...\); there is no 'contains'"):
        _ = s.email.contains
    assert not hasattr(k, "page")


def test_a_time_of_any_zone_is_the_same_time():
    """Only a naive one is no time at all."""
    vienna = NOON.astimezone(timezone(timedelta(hours=1)))
    assert (s.created_at < NOON) == (s.created_at < vienna)
