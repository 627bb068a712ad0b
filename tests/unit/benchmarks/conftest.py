"""Benchmarks are scripts, not part of the installed package: they are found beside the tests."""

import sys
from pathlib import Path

# At the end, so that the packages under test still come from the installation.
sys.path.append(str(Path(__file__).parents[3]))
