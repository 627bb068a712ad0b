"""The watermark of all sources: the slowest that is not idle decides, and nobody is forgotten."""

from itertools import permutations

from streams.domain.outcomes import SourcePartition
from streams.windows.blocks import SourceProgress
from streams.windows.watermark import Watermark


def said(
    partition: int,
    watermark: float | None,
    *,
    latest: float | None = None,
    offset: int = 1,
    partitions: int = 2,
    idle: bool = False,
) -> SourceProgress:
    source = SourcePartition("vm-operations", partition)
    return SourceProgress(source, partitions, 0, offset, watermark, latest, idle)


def instant_after(*news: SourceProgress) -> float | None:
    watermark = Watermark({})
    for one in news:
        watermark.advance(one)
    return watermark.instant(60)


def test_nothing_is_known_before_every_partition_has_been_heard_of() -> None:
    assert instant_after() is None
    assert instant_after(said(0, 600.0)) is None
    assert instant_after(said(0, 600.0), said(1, 500.0)) == 500.0


def test_every_topic_waits_for_its_own_partitions() -> None:
    other = SourceProgress(SourcePartition("others", 0), 1, 0, 1, 300.0, 330.0, idle=False)
    assert instant_after(other) == 300.0
    assert instant_after(other, said(0, 600.0)) is None
    assert instant_after(other, said(0, 600.0), said(1, 500.0)) == 300.0


def test_a_topic_that_has_grown_is_waited_for_whatever_the_order() -> None:
    news = [said(0, 600.0, partitions=3), said(1, 500.0, partitions=2)]
    assert {instant_after(*order) for order in permutations(news)} == {None}


def test_a_partition_without_events_holds_the_windows_open() -> None:
    assert instant_after(said(0, 600.0), said(1, None)) is None


def test_an_idle_partition_does_not() -> None:
    assert instant_after(said(0, 600.0), said(1, 100.0, idle=True)) == 600.0
    assert instant_after(said(0, 600.0), said(1, None, idle=True)) == 600.0


def test_when_all_are_idle_windows_close_through_the_latest_event() -> None:
    news = [
        said(0, 600.0, latest=630.0, idle=True),
        said(1, 500.0, latest=659.9, idle=True),
    ]
    assert instant_after(*news) == 660.0


def test_an_event_at_a_window_s_start_is_in_that_window_when_all_are_idle() -> None:
    news = [said(0, 570.0, latest=600.0, idle=True), said(1, None, idle=True)]
    assert instant_after(*news) == 660.0


def test_when_all_are_idle_and_nothing_ever_came_nothing_closes() -> None:
    assert instant_after(said(0, None, idle=True), said(1, None, idle=True)) is None


def test_progress_that_is_older_than_what_is_known_is_passed_over() -> None:
    news = [said(0, 600.0, offset=9), said(1, 650.0), said(0, 300.0, offset=5)]
    assert instant_after(*news) == 600.0


def test_a_tick_without_new_records_is_heard() -> None:
    news = [said(0, 600.0, offset=9), said(1, 650.0), said(0, 600.0, offset=9, idle=True)]
    assert instant_after(*news) == 650.0
