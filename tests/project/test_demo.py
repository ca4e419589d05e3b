"""The first thing that a newcomer runs."""

import pytest

from specs.pipeline.command import ROOT


@pytest.mark.asyncio
async def test_the_demo_lists_both_apis_page_by_page_and_ahead(capsys):
    """With few rows and no latency; what it prints is what it found."""
    demo: dict[str, object] = {"__name__": "demo", "__file__": str(ROOT / "scripts" / "demo")}
    exec(compile((ROOT / "scripts" / "demo").read_text(), "scripts/demo", "exec"), demo)
    demo["LATENCY"] = 0.0
    await demo["main"](5200)
    printed = capsys.readouterr().out
    assert printed.count("5,200 rows in") == 4
    assert printed.count("complete") == 4
    assert printed.count(" of 5,200 rows") == 4
    assert printed.count("times as fast") == 2
    assert "customers; the first three:" in printed
    assert "the same command again:" in printed
    assert "customers.ndjson has 5,200 rows, each once" in printed
