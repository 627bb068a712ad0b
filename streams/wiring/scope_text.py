"""A scope in words."""

from collections.abc import Mapping, Sequence


def scope_text(scope: Mapping[str, Sequence[str]]) -> str:
    """Write a scope in one line, such as `os=windows operation=create|start`; `everything` if it names nothing."""
    parts = [f"{name}={'|'.join(values)}" for name, values in sorted(scope.items())]
    return " ".join(parts) or "everything"
