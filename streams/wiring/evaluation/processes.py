"""Work in several processes, which end when this one is interrupted."""

import functools
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.pool import Pool
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def results(
    work: Callable[[Task], Result], todo: Sequence[Task], jobs: int
) -> Iterator[tuple[Task, Result]]:
    """Do tasks, as they come.

    Args:
        work: Does one; a function of a module, since other processes have to find it.
        todo: The tasks.
        jobs: Number of processes; 1 for this one alone.

    Yields:
        Each task with its result, in any order.
    """
    if jobs == 1 or len(todo) <= 1:
        for task in todo:
            yield task, work(task)
        return
    # Leaving the pool's context ends its processes at once, whatever they are doing.
    with _deaf_pool(min(jobs, len(todo))) as pool:
        yield from pool.imap_unordered(functools.partial(_done, work), todo)


def _deaf_pool(jobs: int) -> Pool:
    """Start processes that Ctrl-C never reaches, not even while they start: this one ends them."""
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return multiprocessing.get_context("spawn").Pool(jobs)
    finally:
        signal.signal(signal.SIGINT, heard)


def _done(work: Callable[[Task], Result], task: Task) -> tuple[Task, Result]:
    return task, work(task)
