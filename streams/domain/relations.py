"""How an incident relates to earlier ones, in the words of the incident record."""

import enum
from dataclasses import dataclass


class Relation(enum.Enum):
    """Why an incident names an earlier one: what its reader should do about the other."""

    AFTER_MITIGATION = "after_mitigation"
    """Look at the mitigation of the other one first: this may be its doing."""
    FOLLOWS = "follows"
    """Look at what the other one left behind, such as backlogs and retries."""
    CONCURRENT = "concurrent"
    """Do not wait for the other one to end: what explains it does not explain this."""
    OUTLASTS = "outlasts"
    """Was secondary impact of the other one, but does not end with it: mend it too."""
    OUTGROWS = "outgrows"
    """Was taken for secondary impact of the other one, and is too much for that."""


@dataclass(frozen=True, slots=True)
class RelatedIncident:
    """An earlier incident, why it is named, and the same in a sentence."""

    incident: str
    relation: Relation
    statement: str

    def record(self) -> dict[str, object]:
        """Give the plain record of the contract."""
        return {
            "incident": self.incident,
            "relation": self.relation.value,
            "statement": self.statement,
        }
