"""The watermark of all sources together: how far windows may close.

It moves on recorded inputs only. A source that is idle (a recorded tick says so) does not hold it
back. When every source is idle nothing older is expected from anybody, so the windows up to the
latest event close.
"""

from dataclasses import dataclass

from streams.domain.outcomes import SourcePartition
from streams.domain.time import window_end, window_of
from streams.windows.blocks import SourceProgress


@dataclass(slots=True)
class Watermark:
    """Running state: the newest progress of every source partition.

    Attributes:
        progress: Newest progress by source partition.
    """

    progress: dict[SourcePartition, SourceProgress]

    def advance(self, news: SourceProgress) -> None:
        """Take in the progress of one source partition; what is older than known is passed over."""
        known = self.progress.get(news.source)
        if known is None or news.next_offset >= known.next_offset:
            self.progress[news.source] = news

    def instant(self, window_seconds: int) -> float | None:
        """Give the event time before which nothing more is expected.

        Args:
            window_seconds: Length of a window, for the case that all sources are idle.

        Returns:
            Seconds since the epoch, or None as long as a source partition has not been heard of.
        """
        if not self._complete():
            return None
        live = [one.watermark for one in self.progress.values() if not one.idle]
        if live:
            known = [watermark for watermark in live if watermark is not None]
            return min(known) if len(known) == len(live) else None
        seen = [one.latest for one in self.progress.values() if one.latest is not None]
        return window_end(window_of(max(seen), window_seconds), window_seconds) if seen else None

    def _complete(self) -> bool:
        """Tell whether all partitions of every topic have been heard of, as many as it ever had."""
        heard: dict[str, int] = {}
        wanted: dict[str, int] = {}
        for one in self.progress.values():
            topic = one.source.topic
            heard[topic] = heard.get(topic, 0) + 1
            wanted[topic] = max(wanted.get(topic, 0), one.partitions)
        return bool(heard) and all(heard[topic] >= count for topic, count in wanted.items())
