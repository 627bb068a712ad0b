"""Score opwatch on recorded faults of a real OpenStack: `make evaluate-openstack DATA=folder`.

Run: `python -m benchmarks.openstack_faults FOLDER [--seed 1954] [--trials 2] [--quick]`, from the
top of the repository. FOLDER holds `openstack_fault_injection`. The tables go to standard output,
or into the page named by `--page`, between its two marks. How it works and what came of it:
docs/openstack-faults.md.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.openstack.design import Design, quick
from benchmarks.openstack.experiment import run_experiment
from benchmarks.openstack.records import read_recordings
from benchmarks.openstack.tables import render
from streams.adapters.terminal import shown_progress
from streams.domain.errors import OperatorError

BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"


def main(arguments: Sequence[str]) -> int:
    """Run the experiment; give the exit status."""
    options = _parser().parse_args(arguments)
    full = Design(seed=options.seed, trials=options.trials)
    design = quick(options.seed) if options.quick else full
    try:
        page = options.page.read_text("utf-8") if options.page else None
        recordings = read_recordings(options.folder / "openstack_fault_injection")
        with shown_progress("faults") as progress:
            tables = render(run_experiment(design, recordings, progress), recordings)
        if page is None:
            sys.stdout.write(tables)
        else:
            options.page.write_text(placed(page, tables), "utf-8")
    except (OperatorError, OSError) as error:
        sys.stderr.write(f"openstack_faults: {error}\n")
        return 2
    return 0


def placed(page: str, tables: str) -> str:
    """Put the tables between the marks of a page.

    Raises:
        OperatorError: The page does not have the two marks.
    """
    before, begun, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (begun and ended):
        raise OperatorError(f"the page does not have the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{tables}\n{END}{after}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="openstack_faults", description="Faults of OpenStack.")
    parser.add_argument("folder", type=Path, help="holds the folder openstack_fault_injection")
    parser.add_argument("--seed", type=int, default=1954, help="of all random draws (1954)")
    parser.add_argument("--trials", type=int, default=2, help="of a row and a share, even (2)")
    parser.add_argument("--quick", action="store_true", help="see in a minute that it works")
    parser.add_argument("--page", type=Path, help="put the tables into this page")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
