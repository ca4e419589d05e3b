"""``scripts/bench``: run benches, print a table for each, and keep the results."""

import argparse
import json
import sys
import time
from pathlib import Path

from .adversary import main as adversary
from .benches import BENCHES
from .declaring import main as declaring
from .documents import main as documents
from .gate import main as gate
from .hostile import main as hostile
from .readme import KEPT, write_plot, write_readme
from .recognise import main as recognise
from .rig import TINY, Result, Rig, Sizes, environment
from .scaling import main as workers
from .soak import main as soak


def main(arguments: list[str]) -> int:
    """Run the named benches. The exit status tells whether they ran, not whether every goal was reached."""
    apart = {
        "adversary": adversary,
        "declaring": declaring,
        "documents": documents,
        "gate": gate,
        "hostile": hostile,
        "recognise": recognise,
        "soak": soak,
        "workers": workers,
    }
    if arguments and arguments[0] in apart:
        return apart[arguments[0]](arguments[1:])
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    known = f"all, or some of: {' '.join(BENCHES)}; or {' or '.join(apart)}, with options of their own"
    parser.add_argument("names", nargs="*", metavar="NAME", help=known)
    parser.add_argument("--json", type=Path, metavar="FILE", help="add the results to this file")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="plot pages per second by window (PNG)")
    parser.add_argument("--readme", action="store_true", help=f"update the tables of README and docs from {KEPT}")
    parser.add_argument("--tiny", action="store_true", help="run with tiny numbers, to test the benches themselves")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - {"all", *BENCHES})
    if unknown or not (options.names or options.readme):
        problem = f"unknown bench {', '.join(unknown)}" if unknown else "no bench is named"
        print(f"scripts/bench: {problem}; choose from:", "all", *BENCHES, sep="\n  ", file=sys.stderr)
        return 1
    names = [name for name in BENCHES if name in options.names or "all" in options.names]
    results = measure(names, TINY if options.tiny else Sizes()) if names else []
    if options.json:
        keep(results, options.json)
    if options.plot:
        write_plot(results, options.plot)
    if options.readme:
        write_readme()
    return 0


def measure(names: list[str], sizes: Sizes) -> list[Result]:
    """Run the benches in turn and print each table when it is ready."""
    machine = environment()
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    print(f"Python {machine['python']}, {machine['cores']} cores; {packages}\n", flush=True)
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
    print(
        f"{reached} of {reached + len(missed)} goals reached." + "".join(f"\n  not reached: {line}" for line in missed)
    )
    return results


def keep(results: list[Result], file: Path) -> None:
    """Write results; they replace earlier ones of the same benches."""
    kept = json.loads(file.read_text()) if file.exists() else {}
    kept |= {result.name: result.as_json() for result in results}
    ordered = {name: kept[name] for name in BENCHES if name in kept}
    file.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
