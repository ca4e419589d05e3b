"""What the README shows is what happens."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text()


def test_the_example_prints_what_the_readme_says():
    """The first block of Python is a whole program; the block after it is its output."""
    program, printed = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", README, re.DOTALL).groups()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV_")}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == printed


def test_every_link_to_a_file_leads_somewhere():
    """No link of README, CONTRIBUTING or CHANGELOG is dead."""
    for page in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text()):
            assert (ROOT / target).exists(), f"{page} links to {target}"


def test_the_commands_are_there_and_can_be_run():
    """Each script that README and CONTRIBUTING name exists and is executable."""
    text = README + (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"scripts/(\w+)\b(?!/)", text)) - {"specs"}
    assert {"demo", "test", "check", "regenerate", "setup"} <= named
    for name in named:
        assert os.access(ROOT / "scripts" / name, os.X_OK), name
