"""When librdkafka cannot serve as the demo's broker, the error says which part of it is missing."""

import ctypes.util
from types import SimpleNamespace

import pytest

from streams.adapters.embedded_broker import EmbeddedBroker, EmbeddedBrokerError

A_CLIENT = 4711
NOTHING = None


def _librdkafka(client: int | None, cluster: int | None, destroyed: list[int]) -> SimpleNamespace:
    """A librdkafka that hands out ``client`` and ``cluster`` and notes whom it destroyed."""

    def explain(
        _kind: int, _settings: None, error: ctypes.Array[ctypes.c_char], _size: int
    ) -> int | None:
        error.value = b"no threads left"
        return client

    return SimpleNamespace(
        rd_kafka_conf_new=lambda: None,
        rd_kafka_conf_set=lambda *_: 0,
        rd_kafka_new=explain,
        rd_kafka_destroy=destroyed.append,
        rd_kafka_mock_cluster_new=lambda *_: cluster,
    )


def _use(library: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.adapters.embedded_broker._load", lambda: library)


def test_a_client_that_cannot_be_made_is_reported_in_librdkafkas_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _use(_librdkafka(NOTHING, NOTHING, []), monkeypatch)
    with pytest.raises(EmbeddedBrokerError, match="made no client: no threads left"):
        EmbeddedBroker()


def test_a_cluster_that_does_not_start_leaves_no_client_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    destroyed: list[int] = []
    _use(_librdkafka(A_CLIENT, NOTHING, destroyed), monkeypatch)
    with pytest.raises(EmbeddedBrokerError, match="could not start its mock cluster"):
        EmbeddedBroker()
    assert destroyed == [A_CLIENT]


def test_a_library_without_a_mock_cluster_is_named_as_the_cause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    c_library = SimpleNamespace(__file__=ctypes.util.find_library("c"))
    monkeypatch.setattr("streams.adapters.embedded_broker.cimpl", c_library)
    with pytest.raises(EmbeddedBrokerError, match="confluent-kafka has no rd_kafka_conf_new"):
        EmbeddedBroker()
