"""What of an installation's settings its dashboards depend on."""

from dataclasses import dataclass
from datetime import timedelta

from streams.telemetry import dimension_labels

REGION = "region"
_TAKEN = frozenset({"datasource", "incident", "release", "rows"})


@dataclass(frozen=True, slots=True)
class Installation:
    """Settings that shape dashboards.

    Attributes:
        dimensions: What makes a series, `region` among them.
        window: Length of a window; no query looks closer.
    """

    dimensions: tuple[str, ...]
    window: timedelta

    @property
    def labels(self) -> tuple[str, ...]:
        """Give the labels of a series."""
        return dimension_labels(self.dimensions)

    @property
    def variables(self) -> tuple[str, ...]:
        """Give the names of the dashboards' variables, one for each label of a series."""
        return tuple(f"dimension_{label}" if label in _TAKEN else label for label in self.labels)

    @property
    def step(self) -> str:
        """Give the length of a window as Prometheus writes it."""
        return f"{int(self.window.total_seconds())}s"

    @property
    def breakdowns(self) -> tuple[str, ...]:
        """Give the labels besides the region."""
        return tuple(label for label in self.labels if label != REGION)

    @property
    def matchers(self) -> tuple[str, ...]:
        """Give the matchers of the series that the variables select."""
        pairs = zip(self.labels, self.variables, strict=True)
        return tuple(f'{label}=~"${{{variable}}}"' for label, variable in pairs)
