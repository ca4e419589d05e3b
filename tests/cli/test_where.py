"""What `--where` takes is what `where` takes, and what it does not take is refused at its place."""

import datetime as dt
import operator
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import readahead.kintsugi
import readahead.sweetspot
from effort import examples
from readahead.cli.where import parse_where
from readahead.errors import FilterError, UsageError
from readahead.filters import Date, Fields, Flag, Id, Number, Text, Timestamp
from readahead.kintsugi import Country, fields


class OrderFields(Fields):
    """Kinds of field that neither API has as a parameter."""

    amount = Number(param="amount", attr="amount")
    since = Timestamp(param="since", attr="since")
    number = Id(attr="number")
    day = Date(param="day", attr="day")
    paid = Flag(param="paid", attr="paid")
    name = Text(attr="name")


orders = OrderFields()
seen = readahead.sweetspot.fields
GMAIL_OR_CANADA = fields.email.endswith("@gmail.com") | (fields.country == "CA")
JANUARY = dt.datetime(2026, 1, 31, tzinfo=dt.UTC)


def parsed(*texts, of=readahead.kintsugi):
    return parse_where(texts, of.fields, vars(of))


def condition(text, of=fields):
    (made,) = parse_where([text], of, vars(readahead.kintsugi)).conditions
    return made


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("country=US", "US"),
        ("country=US,CA", ["US", "CA"]),
        (" country = US , CA ", ["US", "CA"]),
        ('country="US"', "US"),
        ("country='US',CA", ["US", "CA"]),
        ('country=Country.unlisted("QQ"),US', [Country.unlisted("QQ"), "US"]),
        ("state=O'Higgins", "O'Higgins"),
        ('state="CA, the state"', "CA, the state"),
        ("state=a=b", "a=b"),
        ("search=Smith, John", "Smith, John"),
        ("search='Smith, John'", "Smith, John"),
        ("search=country == 5", "country == 5"),
    ],
)
def test_a_keyword_is_one_of_where(text, value):
    """Commas make a list where the filter takes several values; quotes keep them in a value."""
    assert dict(parsed(text).keywords) == {text.partition("=")[0].strip(): value}


def test_keywords_and_conditions_are_all_to_be_met():
    """Each --where narrows the query."""
    selected = parsed("country=CA", 'email.endswith("x")', "state=ON", "~name.is_null()")
    assert dict(selected.keywords) == {"country": "CA", "state": "ON"}
    assert selected.conditions == (fields.email.endswith("x"), ~fields.name.is_null())


def test_keywords_of_other_kinds_are_read_as_their_kind():
    """Numbers and times are text on a command line."""
    assert parse_where(["amount=5"], orders, {}).keywords == {"amount": 5}
    assert parse_where(["amount=-0.5"], orders, {}).keywords == {"amount": -0.5}
    assert parse_where(["day=2026-01-31"], orders, {}).keywords == {"day": JANUARY.date()}
    assert parse_where(["paid=true"], orders, {}).keywords == {"paid": True}
    assert parse_where(["paid=False"], orders, {}).keywords == {"paid": False}
    with pytest.raises(UsageError, match="paid must be True or False, not 'yes'"):
        parse_where(["paid=yes"], orders, {})
    with pytest.raises(UsageError, match="day must be a date, such as 2026-01-31, not '31 January'"):
        parse_where(["day=31 January"], orders, {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('country == "CA"', fields.country == "CA"),
        ('"CA" == country', fields.country == "CA"),
        ('fields.country != "CA"', fields.country != "CA"),
        ('email.endswith("@gmail.com") | (country == "CA")', GMAIL_OR_CANADA),
        ('email.endswith("a") or country == "CA"', fields.email.endswith("a") | (fields.country == "CA")),
        ('email.endswith("a") and not country == "CA"', fields.email.endswith("a") & ~(fields.country == "CA")),
        ('country.in_(["US", "CA"])', fields.country.in_(["US", "CA"])),
        ('country in ("US", "CA")', fields.country.in_(["US", "CA"])),
        ('country not in {"US"}', ~fields.country.in_(["US"])),
        ("country == Country.CA", fields.country == Country.CA),
        ('country == Country.unlisted("QQ")', fields.country == Country.unlisted("QQ")),
        ("~email.is_null()", ~fields.email.is_null()),
        ('search.matches("x, y")', fields.search.matches("x, y")),
        ('name.icontains("a" "b")', fields.name.icontains("ab")),
        ('name == "2026-01-31T00:00:00Z"', fields.name == "2026-01-31T00:00:00Z"),
        ('name ==\n\t"x"', fields.name == "x"),
    ],
)  # fmt: skip
def test_a_condition_is_what_python_makes_of_it(text, expected):
    """With &, |, ~ or and, or, not; with or without `fields.`."""
    assert condition(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("created_at >= 2026-01-31T00:00:00+00:00", seen.created_at >= JANUARY),
        ("created_at >= '2026-01-31T00:00Z'", seen.created_at >= JANUARY),
        ("2026-01-31T00:00:00Z < created_at", seen.created_at > JANUARY),
        ("created_at < datetime(2026, 1, 31, tzinfo=UTC)", seen.created_at < JANUARY),
        ("created_at < dt.datetime(2026, 1, 31, tzinfo=timezone.utc)", seen.created_at < JANUARY),
        (
            "created_at.between(2026-01-31T00:00:00Z, 2026-02-01T00:00:00.5Z)",
            seen.created_at.between(JANUARY, JANUARY + dt.timedelta(days=1, seconds=0.5)),
        ),
        ("user_id == 17", seen.user_id == 17),
    ],
)
def test_times_are_written_as_explain_prints_them_or_as_python_does(text, expected):
    """In quotes or without."""
    assert condition(text, seen) == expected


def test_numbers_may_have_a_sign():
    """Both in conditions and in lists."""
    assert condition("amount.in_([-1, 2.5])", orders) == orders.amount.in_([-1, 2.5])


def test_a_long_chain_is_no_deep_one():
    """As in Python, where `a | b | c` is one level."""
    names = [f"name{number}" for number in range(600)]
    text = " | ".join(f'(name == "{name}")' for name in names)
    assert condition(text) == reduce(operator.or_, [fields.name == name for name in names])


texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(str.strip)
times = st.datetimes(timezones=st.sampled_from([dt.UTC, dt.timezone(dt.timedelta(hours=5, minutes=30, seconds=7))]))
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**20), 10**20)
comparisons = st.one_of(
    texts.map(lambda text: orders.name == text),
    texts.map(lambda text: orders.name != text),
    texts.map(orders.name.endswith),
    st.lists(texts, min_size=1).map(orders.name.in_),
    st.just(orders.name.is_null()),
    numbers.map(lambda number: orders.amount == number),
    numbers.map(lambda number: orders.amount <= number),
    times.map(lambda time: orders.since > time),
    times.map(lambda time: orders.day <= time.date()),
    st.booleans().map(lambda paid: orders.paid == paid),
    st.integers(0, 10**9).map(lambda number: orders.number != number),
)
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        inner.map(operator.invert),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: reduce(operator.and_, parts)),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: reduce(operator.or_, parts)),
    ),
    max_leaves=8,
)


@settings(max_examples=examples(300), deadline=None)
@given(conditions)
def test_every_condition_is_read_as_it_is_printed(made):
    """So that what explain prints can be pasted."""
    assert condition(repr(made), orders) == made


WRONG = [
    ("contry=US", "contry", "did you mean 'country'?"),
    ("email=x", "email", "use a condition on fields.email"),
    ("country=UX", "UX", "country has no value 'UX'"),
    ("country=United States", "United States", "Country.unlisted(...)"),
    ("country=US,", "US,", "country must not be empty"),
    ("country=", None, "country must not be empty"),
    ("state=CA,NY", "CA,NY", "state takes one value, not a list"),
    ("state=\x1b[31m", None, "control characters"),
    ("limit=5", None, "use the option --limit"),
    ("order_by=name", None, "use the option --order-by"),
    ('contry == "US"', "contry", "did you mean 'country'"),
    ('"US" == contry', "contry", "did you mean 'country'"),
    ("country == CA", "CA", 'text stands in quotes: country == "CA"'),
    ('country == "UX"', '"UX"', "country has no value 'UX'"),
    ('country == ["US"]', '["US"]', "country takes one value, not a list"),
    ("country == Country.QQQ", "Country.QQQ", "Country has no QQQ"),
    ("country == Contry.CA", "Contry.CA", "did you mean 'Country'?"),
    ("country == Country.__class__", "Country.__class__", "Country has no __class__"),
    ("country == Country.listed", "Country.listed", "Country has no listed"),
    ('email.endwith("x")', "email.endwith", "did you mean endswith?"),
    ('search.endswith("x")', 'search.endswith("x")', "search can only be asked with matches(...)"),
    ('search == "x"', '"x"', "search can only be asked with matches(...), not with =="),
    ('email.endswith("x", "y")', 'email.endswith("x", "y")', "takes one value"),
    ('email.endswith(text="x")', 'email.endswith(text="x")', "takes one value"),
    ('email.is_null("x")', 'email.is_null("x")', "takes no value"),
    ("email.endswith(5)", "email.endswith(5)", "email must be text, not 5"),
    ('email.in_("x")', 'email.in_("x")', "takes a list of values"),
    ("email.in_([])", "email.in_([])", "needs at least one value"),
    ("email == None", "None", "use fields.email.is_null()"),
    ("email is None", "email is None", "write email.is_null()"),
    ('"x" in email', '"x" in email', "write email.contains(...)"),
    ("email < 'x'", "'x'", "not with <"),
    ('country == "CA" & email.endswith("x")', None, "& and | bind more tightly"),
    ('country == "CA" | country == "US"', None, "& and | bind more tightly"),
    ('(country == "CA") | "US"', '"US"', "this is a value, not a condition"),
    ('~country == "CA"', None, "put each comparison in brackets"),
    ('"A" < name < "B"', None, "between(LOW, HIGH)"),
    ("email == name", "name", "not with another field"),
    ("email", "email", "email is a field, not a condition"),
    ("not email", "email", "email is a field, not a condition"),
    ("emial", "emial", "did you mean 'email'"),
    ("5", "5", "a condition is a comparison of a field"),
    ("'x' == 'y'", "'x'", "a field is needed here"),
    ("email.name == 'x'", "email.name", "a field is needed here"),
    ("email.endswith('x') and", None, "neither name=value nor a condition"),
    ("(country == 'CA'", None, "neither name=value nor a condition"),
    ("country == 'CA", None, "neither name=value nor a condition"),
    ("country: 'CA'", None, "neither name=value nor a condition"),
    ('country="CA', None, "neither name=value nor a condition"),
    ("", None, "must not be empty"),
    ("  ", None, "must not be empty"),
    ("email.endswith(name)", "name", "text stands in quotes"),
    ("email.endswith(f'{name}')", "f'{name}'", "is compared with text in quotes, numbers"),
    ("email == b'x'", "b'x'", "is compared with text in quotes, numbers"),
    ("email == open('/etc/passwd').read()", "open('/etc/passwd').read()", "is compared with text in quotes, numbers"),
    ("email == (lambda: 1)()", None, "is compared with text in quotes, numbers"),
    ("email == [x for x in 'ab']", None, "is compared with text in quotes, numbers"),
    ("email == 'a' 'b' if 1 else 'c'", None, "a condition is a comparison"),
    ("__import__('os').system('true')", "__import__('os')", "a field is needed here"),
    ("email.__class__.__mro__", None, "a field is needed here"),
    ("email.__eq__('x')", "email.__eq__", "there is no '__eq__'"),
    ("fields.declared", "fields.declared", "unknown field 'declared'"),
    ("(x := email) == 'a'", None, "a field is needed here"),
    ("é == 'x'", "é", "unknown field 'é'"),
    ("name == 'é' and nme == 'x'", "nme", "did you mean 'name'?"),
    ("name == '\0'", None, ""),
    ("name == '\ud800'", None, "cannot be read"),
    ("~" * 500 + "(email == 'x')", None, ""),
    ("(" * 5_000 + "email", None, ""),
    ("not " * 3_000 + "email == 'x'", None, "nested too deep"),
    ("name == '" + "x" * 30_000 + "'", None, "at most 20,000 characters"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "place", "message"), WRONG, ids=[repr(text)[:40] for text, *_ in WRONG])
def test_what_is_wrong_is_refused_at_its_place(text, place, message):
    """The message says what to do, and its note underlines the place."""
    if text.startswith("~~"):
        assert condition(text) == (fields.email == "x")  # an even number of them is none
        return
    with pytest.raises(UsageError) as refused:
        parsed(text)
    assert message in str(refused.value)
    assert str(refused.value).startswith("--where")
    if place is not None:
        shown, marks = refused.value.__notes__[0].split("\n")
        begin, end = marks.index("^"), marks.rindex("^") + 1
        assert shown[begin:end] == place


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("created_at >= 2026-01-31", "created_at must be a time with a zone, such as 2026-01-31T00:00:00Z"),
        ("created_at >= '2026-01-31T00:00:00'", "created_at must be a time with a zone"),
        ("created_at >= 'yesterday'", "created_at must be a time with a zone"),
        ("created_at >= datetime(2026, 1, 31)", "created_at must be a datetime with a time zone"),
        ("created_at >= datetime(2026, 13, 1, tzinfo=UTC)", "this is no time"),
        ("created_at >= datetime(2026, 1, 1, tzinfo=here)", "write a time as datetime(2026, 1, 31, tzinfo=UTC)"),
        ("created_at >= datetime.now()", "is compared with text in quotes, numbers, times"),
        ("created_at >= 5", "created_at must be a datetime with a time zone"),
        ("user_id=17,18", "user_id takes one value, not a list"),
        ("name=x|y==", None),
    ],
)
def test_values_of_another_kind_are_refused(text, message):
    """A time without a zone is no point in time."""
    if message is None:
        assert parsed(text, of=readahead.sweetspot).keywords == {"name": "x|y=="}
        return
    with pytest.raises(UsageError) as refused:
        parsed(text, of=readahead.sweetspot)
    assert message in str(refused.value)


def test_a_filter_twice_is_refused():
    """Rows would have to meet both, and users mean either."""
    with pytest.raises(UsageError, match="write country=A,B for either of two values"):
        parsed("country=US", "country=CA")


def test_what_no_list_can_tell_is_refused_by_where_itself():
    """The parser knows fields; the planner knows what can be evaluated."""
    selected = parsed('~search.matches("x")')
    with pytest.raises(FilterError, match="rows carry no search"):
        readahead.kintsugi.Kintsugi(api_key="k", organization_id="o").customers.where(*selected.conditions)
