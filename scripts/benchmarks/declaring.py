"""``scripts/bench declaring``: what it costs to check a binding when it is declared, in a fresh process each time."""

import argparse
import json
import statistics
import subprocess
import sys
from typing import Any

from .rig import child_environment

GOAL = 1.0  # milliseconds

# The checks run in the constructor of each Endpoint, which the import of a binding calls.
_PROGRAM = """
import importlib, json, sys, time
from readahead.endpoint import Endpoint

began = time.process_time()
check, spent = Endpoint.__attrs_post_init__, []

def timed(self):
    start = time.process_time()
    check(self)
    spent.append((time.process_time() - start, len(self.fields.declared)))

Endpoint.__attrs_post_init__ = timed
importlib.import_module(sys.argv[1])
print(json.dumps({"import": time.process_time() - began, "endpoints": spent}))
"""


def main(arguments: list[str]) -> int:
    """Run the bench; the exit status tells whether every binding is checked within the goal."""
    parser = argparse.ArgumentParser(prog="scripts/bench declaring", description=__doc__)
    parser.add_argument("bindings", nargs="*", default=["readahead.kintsugi", "readahead.sweetspot"], metavar="MODULE")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args(arguments)
    print("| binding | endpoint | fields | check, CPU ms | least | share of the import |\n|" + " --- |" * 6)
    slow = False
    for binding in options.bindings:
        rounds = [_round(binding) for _ in range(options.rounds)]
        for number, (_, fields) in enumerate(rounds[0]["endpoints"], 1):
            spent = [1000 * each["endpoints"][number - 1][0] for each in rounds]
            share = statistics.median(each["endpoints"][number - 1][0] / each["import"] for each in rounds)
            middle = statistics.median(spent)
            slow = slow or middle > GOAL
            print(f"| {binding} | {number} | {fields} | {middle:.2f} | {min(spent):.2f} | {share:.1%} |", flush=True)
    print(f"\nThe goal, under {GOAL:.0f} ms for each endpoint, is {'not ' if slow else ''}reached.")
    return int(slow)


def _round(binding: str) -> dict[str, Any]:
    command = [sys.executable, "-P", "-c", _PROGRAM, binding]
    done = subprocess.run(command, env=child_environment(), capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found
