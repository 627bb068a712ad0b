"""Recorded runs: operations find their run, and files that do not fit are refused."""

import gzip
import json
from pathlib import Path

import pytest
from recorded_runs import SCRIPT, experiments

from benchmarks.openstack.records import join, read_recordings
from streams.domain.errors import OperatorError


def test_runs_are_told_apart_by_host_and_time() -> None:
    found = join(*experiments(["a", "b"], failing=["b"]))
    assert [run.release for run in found.ordinary] == ["release-a/1", "release-b/1"]
    assert [run.release for run in found.faulty["b"]] == ["release-b/0"]
    (faulty,) = found.faulty["b"]
    assert [one.operation for one in faulty.operations] == list(SCRIPT)
    assert [one.failed for one in faulty.operations] == [False, True, False]
    assert [one.started for one in faulty.operations] == [30.0, 90.0, 150.0]
    assert [one.finished for one in faulty.operations] == [60.0, 120.0, 180.0]
    assert faulty.failures == 1
    assert faulty.labelled_failure


def test_a_fault_whose_code_was_never_reached_makes_an_ordinary_run() -> None:
    ops, releases, labels = experiments(["a"])
    labels[0]["fault_activated_at"] = None
    found = join(ops, releases, labels)
    assert len(found.ordinary) == 2
    assert not found.faulty


def test_an_operation_outside_of_all_runs_is_refused() -> None:
    ops, releases, labels = experiments(["a"])
    ops[1]["started_at"] = "2020-01-01T00:09:30+00:00"
    with pytest.raises(OperatorError, match="a/0/attach_volume belongs to no run"):
        join(ops, releases, labels)


def test_a_run_with_other_operations_than_its_label_says_is_refused() -> None:
    ops, releases, labels = experiments(["a"])
    with pytest.raises(OperatorError, match="run a/1"):
        join(ops[:-1], releases, labels)


def test_a_run_without_a_release_is_refused() -> None:
    ops, releases, labels = experiments(["a"])
    with pytest.raises(OperatorError, match="run a/0: no release"):
        join(ops, releases[1:], labels)


def test_the_three_files_are_read(tmp_path: Path) -> None:
    records = experiments(["a", "b"])
    for name, ones in zip(("ops", "releases", "labels"), records, strict=True):
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt") as file:
            file.writelines(json.dumps(one) + "\n" for one in ones)
    assert read_recordings(tmp_path) == join(*records)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"ops\.jsonl\.gz: no such file"):
        read_recordings(tmp_path)
