"""The figures of README and docs/performance.md, and the plot, made from the results that are kept."""

import json
from pathlib import Path

from .rig import ROOT, Line, Result

KEPT = Path("tests/benchmarks/results.json")
PLOT = Path("docs/pages-per-second.png")
BEGIN, END = "<!-- scripts/bench --readme: begin -->", "<!-- end -->"
HEADLINES = ("listing", "cpu", "first", "memory")  # the benches that README shows


def write_readme(
    readme: Path = ROOT / "README.md",
    performance: Path = ROOT / "docs/performance.md",
    kept: Path = ROOT / KEPT,
    plot: Path = ROOT / PLOT,
) -> None:
    """Replace what stands between the markers of both pages, and draw the plot anew."""
    documents = json.loads(kept.read_text())
    results = {name: Result.from_json(document) for name, document in documents.items()}
    if "listing" in results:
        write_plot([results["listing"]], plot)
    machine = _machine(documents)
    _replace(readme, _headlines(results))
    _replace(performance, _section(results, machine))


def _replace(page: Path, section: str) -> None:
    before, marker, rest = page.read_text().partition(BEGIN)
    if not marker or END not in rest:
        raise SystemExit(f"{page} has no {BEGIN} and {END}")
    page.write_text(before + BEGIN + "\n" + section + END + rest.partition(END)[2])


def _machine(documents: dict[str, dict[str, object]]) -> dict[str, object]:
    environments = {json.dumps(document["environment"], sort_keys=True) for document in documents.values()}
    known: dict[str, object] = json.loads(environments.pop()) if len(environments) == 1 else {}
    return {"python": "?", "cores": "?", **known}


def _headlines(results: dict[str, Result]) -> str:
    text = ["| bench | ratio or figure | goal | median |", "|---|---|---|---|"]
    for result in (results[name] for name in HEADLINES if name in results):
        title = _escaped(result.title)
        for line in result.lines:
            if line.asked is not None:
                missed = "" if line.reached else " (not reached)"
                text.append(f"| {title} | {_escaped(line.what)} | {line.said_asked} | {_median(line)}{missed} |")
                title = ""
    return "\n".join(text) + "\n"


def _section(results: dict[str, Result], machine: dict[str, object]) -> str:
    text = [
        "| bench | what | goal | measured: median (least to most) | |",
        "|---|---|---|---|---|",
    ]
    for result in results.values():
        text += [_row(result.name, line) for line in result.lines if line.asked is not None]
    conditions = (
        f"Python {machine['python']}, {machine['cores']} cores, server and client on one machine, no pacing, paired "
        f"rounds. `scripts/bench all` measures it again; every line, round and condition is in `{KEPT}`."
    )
    text += ["", *(f"- `{result.name}`: {result.title}" for result in results.values())]
    text += ["", conditions, "", f"![Pages per second by window]({PLOT.name})", ""]
    if "window" in results:
        text += _windows(results["window"])
    return "\n".join(text) + "\n"


def _row(name: str, line: Line) -> str:
    verdict = "" if line.reached else "not reached"
    return f"| `{name}` | {_escaped(line.what)} | {line.said_asked} | {line} | {verdict} |"


def _median(line: Line) -> str:
    return str(line).partition(" (")[0]


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _windows(result: Result) -> list[str]:
    table: dict[str, dict[str, dict[str, float]]] = result.data["table"]
    windows = list(next(iter(table.values())))
    most = max(row[each]["rate"] for row in table.values() for each in windows)
    names = [f"window {each}" if each.isdigit() else f'`"{each}"`' for each in windows]
    text = [
        "What a window gives: pages of 100 rows per second, and in brackets CPU time per page.",
        "",
        f"| latency | {' | '.join(names)} |",
        "|---" * (len(windows) + 1) + "|",
    ]
    for latency, row in table.items():
        cells = [f"{row[each]['rate']:,.0f} ({row[each]['cpu']:.2f} ms)" for each in windows]
        text.append(f"| {latency} ms | " + " | ".join(cells) + " |")
    advice = (
        f"A larger window gives proportionally more pages per second until one core is busy, here at {most:,.0f}. "
        "The longer an answer takes, the larger the window that gets there. The window hardly changes the CPU time per "
        'page, but it is the load that the server has to bear. Latency and servers vary, so the default is `"auto"`: '
        "it starts at 4, doubles while that helps, and shrinks when answers queue or the API pushes back. A list of a "
        "few dozen pages ends before the window has grown; there a fixed window is faster."
    )
    return [*text, "", advice, ""]


def write_plot(results: list[Result], file: Path) -> None:
    """Pages per second by window, for every contender."""
    import matplotlib as mpl  # noqa: PLC0415  slow to import, and only plots need it

    mpl.use("agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    result = next(result for result in results if result.name == "listing")
    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for name, points in result.data["plot"].items():
        if name == "official":
            axes.axhline(points[0][1], linestyle=":", color="grey", label="official, as shipped")
        else:
            style = {"ours": "o-", "floor": "k--"}.get(name, "s-")
            axes.plot([at for at, _ in points], [rate for _, rate in points], style, label=name)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_minor_formatter("")
    axes.set_yticks([10, 20, 50, 100, 200, 500, 1000, 2000])
    axes.set_xlabel("window: pages requested at once")
    axes.set_ylabel("pages of 100 rows per second")
    axes.set_title(f"{result.data['latency'] * 1000:.0f} ms latency")
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend()
    # No software version and no date: the same results draw the same file.
    figure.savefig(file, dpi=110, metadata={"Software": None})
    plt.close(figure)
