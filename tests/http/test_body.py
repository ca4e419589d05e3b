"""Whether a body without a length came whole: all that shows it is JSON that ends early."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readahead.http.body import is_cut_short

texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from('"\\\\{}[],:'), max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
bodies = st.builds(
    lambda value, escaped, indent: json.dumps(value, ensure_ascii=escaped, indent=indent).encode(),
    st.lists(values, max_size=4) | st.dictionaries(texts, values, max_size=4),
    st.booleans(),
    st.sampled_from([None, 1]),
)


@given(bodies, st.data())
def test_every_cut_is_seen(body, data):
    """Wherever it is: inside a text, a number, an escape, a character, or between two values. The whole is none."""
    assert not is_cut_short(200, {}, body)
    assert not is_cut_short(200, {}, body + b"\r\n")
    assert is_cut_short(200, {}, body[: data.draw(st.integers(0, len(body) - 1))])


@pytest.mark.parametrize("headers", [{"content-length": "7"}, {"transfer-encoding": "chunked"}])
def test_a_body_that_says_how_long_it_is_is_judged_by_the_library(headers):
    """Broken JSON in it is what the server sent."""
    assert not is_cut_short(200, headers, b'{"a": [')
    assert not is_cut_short(200, headers, b"")


@pytest.mark.parametrize("status", [204, 205, 301, 404, 500])
def test_only_a_success_with_a_body_is_judged(status):
    """Other statuses are errors by themselves, or have no body."""
    assert not is_cut_short(status, {}, b"")
    assert not is_cut_short(status, {}, b'{"a": [')


@pytest.mark.parametrize("body", [b"<html", b"text", b'{"a": [}]}', b"[1,]", b"[1]]", b"{}{}", b'"x', b"7"])
def test_what_is_broken_otherwise_or_no_page_is_not_cut(body):
    """It would come again as it is."""
    assert not is_cut_short(200, {}, body)


@pytest.mark.parametrize("body", [b'{"a": "' + b"\\\\" * 500_000, b'["' + b"x" * 1_000_000, b"[" * 1_000_000])
def test_a_large_body_that_is_cut_is_seen_at_once(body):
    """The time it takes grows with its length alone; were it with the square, this would not end."""
    assert is_cut_short(200, {}, body)
