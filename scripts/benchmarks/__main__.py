"""``scripts/bench``: measures, prints a table for each bench, keeps what was found."""

import argparse
import json
import sys
import time
from pathlib import Path

from .adversary import main as adversary
from .benches import BENCHES
from .hostile import main as hostile
from .readme import KEPT, write_plot, write_readme
from .rig import TINY, Result, Rig, Sizes, environment


def main(arguments: list[str]) -> int:
    """Run what was named; the exit status says whether it ran, not whether all was reached."""
    apart = {"adversary": adversary, "hostile": hostile}
    if arguments and arguments[0] in apart:
        return apart[arguments[0]](arguments[1:])
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"all, or some of: {' '.join(BENCHES)}; or {', '.join(apart)}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the results there, beside those of others")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw pages a second over the window (PNG)")
    parser.add_argument("--readme", action="store_true", help=f"bring the README's section to what {KEPT} says")
    parser.add_argument("--tiny", action="store_true", help="numbers so small that they show only that it runs")
    given = parser.parse_args(arguments)
    unknown = sorted(set(given.names) - {"all", *BENCHES})
    if unknown or not (given.names or given.readme):
        said = f"no bench is named {', '.join(unknown)}" if unknown else "a bench is to be named"
        print(f"scripts/bench: {said}; there are:", "all", *BENCHES, sep="\n  ", file=sys.stderr)
        return 1
    names = [name for name in BENCHES if name in given.names or "all" in given.names]
    results = measure(names, TINY if given.tiny else Sizes()) if names else []
    if given.json:
        keep(results, given.json)
    if given.plot:
        write_plot(results, given.plot)
    if given.readme:
        write_readme()
    return 0


def measure(names: list[str], sizes: Sizes) -> list[Result]:
    """Every bench in turn; its table as soon as it is there."""
    told = environment()
    packages = ", ".join(f"{name} {version}" for name, version in told["packages"].items())
    print(f"Python {told['python']}, {told['cores']} cores; {packages}\n", flush=True)
    results: list[Result] = []
    with Rig(sizes) as rig:
        for name in names:
            began = time.perf_counter()
            result = BENCHES[name](rig)
            result.rounds = sizes.rounds
            results.append(result)
            print(result.table() + f"\n  - It took {time.perf_counter() - began:.0f} s.\n", flush=True)
    missed = [f"{result.name}: {line.what}" for result in results for line in result.lines if line.reached is False]
    reached = sum(line.reached is True for result in results for line in result.lines)
    print(f"{reached} of {reached + len(missed)} asked lines reached." + "".join(f"\n  not: {one}" for one in missed))
    return results


def keep(results: list[Result], file: Path) -> None:
    """Write results, in the place of earlier ones of the same benches."""
    kept = json.loads(file.read_text()) if file.exists() else {}
    kept |= {result.name: result.as_json() for result in results}
    ordered = {name: kept[name] for name in BENCHES if name in kept}
    file.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
