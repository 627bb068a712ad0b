"""Alertmanager's API, version 2: alerts are posted, again and again while they last."""

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path

from streams.config_alerts import AlertmanagerSettings
from streams.domain.errors import OperatorError, OutsideSystemError

PATH = "/api/v2/alerts"
_TOLD_CHARACTERS = 200
"""How much of a refusal is told."""


@dataclass(frozen=True, slots=True)
class PushedAlert:
    """An alert as Alertmanager takes it.

    Attributes:
        labels: Its identity.
        annotations: Its text.
        starts_at: Processing time from which on it fires, in seconds since the epoch.
        ends_at: Processing time at which it is over unless it is pushed again.
        source: Address of where it comes from.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: float
    ends_at: float
    source: str

    def document(self) -> dict[str, object]:
        """Give it as the API wants it."""
        return {
            "labels": dict(self.labels),
            "annotations": dict(self.annotations),
            "startsAt": _instant(self.starts_at),
            "endsAt": _instant(self.ends_at),
            "generatorURL": self.source,
        }


class Alertmanager:
    """One Alertmanager; any thread may use it, and nothing is kept open."""

    def __init__(self, settings: AlertmanagerSettings) -> None:
        """Take note of where it is; nothing is asked yet.

        Args:
            settings: Its address, which is not empty, and how to authenticate.
        """
        self._settings = settings

    def push(self, alerts: Sequence[PushedAlert]) -> None:
        """Post alerts, all or none.

        Raises:
            OperatorError: A file with a password or token cannot be read, or Alertmanager refuses
                what it is given.
            OutsideSystemError: Alertmanager does not answer, or cannot take them now.
        """
        request = urllib.request.Request(  # noqa: S310 the settings allow http and https only
            self._settings.url + PATH,
            data=json.dumps([one.document() for one in alerts]).encode(),
            headers={"Content-Type": "application/json", **self._authorisation()},
            method="POST",
        )
        timeout = self._settings.timeout.total_seconds()
        where = f"Alertmanager at {self._settings.url}"
        try:
            with urllib.request.urlopen(request, timeout=timeout):  # noqa: S310
                return
        except urllib.error.HTTPError as error:
            with error:
                said = error.read(_TOLD_CHARACTERS).decode("utf-8", "replace").strip()
            if error.code in _REFUSED:
                raise OperatorError(
                    f"{where} refuses alerts with status {error.code}: {said}; see [alertmanager]"
                ) from error
            raise OutsideSystemError(
                f"{where} cannot take alerts: status {error.code}: {said}"
            ) from error
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise OutsideSystemError(f"{where} does not answer: {reason}") from error

    def _authorisation(self) -> dict[str, str]:
        if self._settings.token_file:
            return {"Authorization": f"Bearer {_secret(self._settings.token_file)}"}
        if self._settings.username:
            pair = f"{self._settings.username}:{_secret(self._settings.password_file)}"
            return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        return {}


_REFUSED = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
    }
)
"""Answers that only a change of settings can mend."""


def _secret(file: str) -> str:
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise OperatorError(
            f"cannot read {file}, which [alertmanager] names: {reason.lower()}"
        ) from error


def _instant(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
