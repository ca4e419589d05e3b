"""The reference is made from docstrings: what it shows can be parsed, and describes what is there.

The builder says nothing of a parameter that does not exist, or of a section that cannot be read.
"""

import logging
import re

import griffe


def test_the_docstrings_of_the_reference_describe_what_is_there(pytestconfig, caplog):
    """Sections are Google style. Classes of attrs have ``Attributes:``, since their ``__init__`` is not written out."""
    root = pytestconfig.rootpath
    pages = "".join(page.read_text() for page in (root / "docs/reference").glob("*.md"))
    names = re.findall(r"^::: (\S+)$", pages, re.MULTILINE)
    assert len(names) > 20
    loader = griffe.GriffeLoader(search_paths=[root / "wrapper", root / "generated"], docstring_parser="google")
    with caplog.at_level(logging.WARNING, logger="griffe"):
        for package in ("readahead", "readahead_clients"):
            loader.load(package)
        loader.resolve_aliases()
        for name in names:
            parse(loader.modules_collection[name])
    assert [record.getMessage() for record in caplog.records] == []


def parse(shown):
    if shown.docstring is not None:
        assert shown.docstring.parsed
    for member in shown.members.values():
        if not (shown.is_module and member.is_alias):
            parse(member)
