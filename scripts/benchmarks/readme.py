"""The README's section of figures, and the plot, made of the results that are kept."""

import json
import re
from pathlib import Path

from .rig import ROOT, Line, Result

FOLDER = Path("tests/benchmarks")
KEPT = FOLDER / "results.json"
PLOT = FOLDER / "pages-per-second.png"
BEGIN, END = "<!-- scripts/bench --readme: begin -->", "<!-- end -->"


def write_readme(readme: Path = ROOT / "README.md", kept: Path = ROOT / KEPT, plot: Path = ROOT / PLOT) -> None:
    """Replace what stands between the markers, and draw the plot anew."""
    found = json.loads(kept.read_text())
    results = {name: Result.from_json(one) for name, one in found.items()}
    if "listing" in results:
        write_plot([results["listing"]], plot)
    before, marker, rest = readme.read_text().partition(BEGIN)
    if not marker or END not in rest:
        raise SystemExit(f"{readme} has no {BEGIN} and {END}")
    readme.write_text(before + BEGIN + "\n" + section(results, found) + END + rest.partition(END)[2])


def section(results: dict[str, Result], found: dict[str, dict[str, object]]) -> str:
    """Asked against measured; then what a window gives."""
    told = {json.dumps(one["environment"], sort_keys=True) for one in found.values()}
    machine = json.loads(told.pop()) if len(told) == 1 else {"python": "?", "cores": "?"}
    text = [
        "| bench | what | asked | measured: median (least to most) | |",
        "|---|---|---|---|---|",
    ]
    for result in results.values():
        text += [_row(result.name, line) for line in result.lines if line.asked is not None]
    conditions = (
        f"Python {machine['python']}, {machine['cores']} cores, server and client on one machine, pace off, paired "
        f"rounds. `scripts/bench all` measures it anew; every line, round and condition is in [`{KEPT}`]({KEPT})."
    )
    text += ["", conditions, "", f"![Pages a second over the window]({PLOT})", ""]
    if "window" in results:
        text += _windows(results["window"])
    return "\n".join(text) + "\n"


def _row(name: str, line: Line) -> str:
    verdict = "" if line.reached else "not reached"
    what = re.sub(r"\|", "\\|", line.what)
    return f"| `{name}` | {what} | {line.said_asked} | {line} | {verdict} |"


def _windows(result: Result) -> list[str]:
    table: dict[str, dict[str, dict[str, float]]] = result.data["table"]
    windows = list(next(iter(table.values())))
    most = max(row[each]["rate"] for row in table.values() for each in windows)
    text = [
        "What a window gives: pages of 100 rows a second, and in brackets CPU a page.",
        "",
        "| latency | " + " | ".join(f"window {each}" if each.isdigit() else f'`"{each}"`' for each in windows) + " |",
        "|---" * (len(windows) + 1) + "|",
    ]
    for latency, row in table.items():
        cells = [f"{row[each]['rate']:,.0f} ({row[each]['cpu']:.2f} ms)" for each in windows]
        text.append(f"| {latency} ms | " + " | ".join(cells) + " |")
    said = (
        f"A window multiplies pages a second until one core is busy, at about {most:,.0f} here; the longer an answer "
        "takes, the larger the window that gets there. It hardly changes what a page costs, but it is what the server "
        "must bear at once. Which one is right depends on latency and server, and both vary: so the default, "
        '`"auto"`, starts at 4, doubles while that helps, and gives way when answers queue or the API pushes back. '
        "For a list of a few dozen pages, over before it has grown, a fixed window is faster."
    )
    return [*text, "", said, ""]


def write_plot(results: list[Result], file: Path) -> None:
    """Pages a second over the window, for every contender."""
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
    axes.set_xlabel("window: pages asked for at once")
    axes.set_ylabel("pages of 100 rows a second")
    axes.set_title(f"{result.data['latency'] * 1000:.0f} ms latency")
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend()
    # No software version and no date: the same results draw the same file.
    figure.savefig(file, dpi=110, metadata={"Software": None})
    plt.close(figure)
