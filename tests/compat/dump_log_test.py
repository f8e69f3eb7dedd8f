# SPDX-License-Identifier: Apache-2.0
"""Kafka's own kafka-dump-log reads our segments, indexes, time indexes and producer snapshots and finds nothing to complain of.

Needs Java, maven and, once, the network: the jars are kept in build/. Without them the test fails.
"""
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("PENSTOCK_BUILD", ROOT / "build/dev"))


@pytest.fixture(scope="session")
def partition(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    program = BUILD / "write_segments"
    assert program.exists(), f"build it first: cmake --build {BUILD} --target write_segments"
    end = subprocess.run([program, data], check=True, capture_output=True, text=True).stdout
    return data / "users-0", int(end)


@pytest.fixture(scope="session")
def dump(classpath):
    def run(files, *flags):
        command = ["java", "-cp", classpath, "kafka.tools.DumpLogSegments", *flags, "--files", ",".join(str(f) for f in files)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout
    return run


def test_segments_hold_every_record_in_order(partition, dump):
    directory, end = partition
    segments = sorted(directory.glob("*.log"))
    assert len(segments) > 3
    text = dump(segments, "--deep-iteration", "--print-data-log")
    offsets = [int(n) for n in re.findall(r"^\| offset: (\d+) ", text, re.M)]
    assert offsets == list(range(end))
    batches = re.findall(r"^baseOffset: .*$", text, re.M)
    assert len(batches) * 2 == end
    assert all("isvalid: true" in batch for batch in batches)
    assert {re.search(r"compresscodec: (\w+)", batch).group(1) for batch in batches} == {"none", "gzip", "snappy", "lz4", "zstd"}
    assert "payload: first 299" in text


def test_indexes_agree_with_their_segments(partition, dump):
    directory, _ = partition
    for suffix in (".index", ".timeindex"):
        files = sorted(f for f in directory.glob(f"*{suffix}") if f.stat().st_size > 0)
        assert files
        text = dump(files, "--verify-index-only") + dump(files)
        assert not re.search(r"mismatch|not found|out of order|Found timestamp", text, re.I), text
        assert re.search(r"^(offset|timestamp): \d+", text, re.M)


def test_producer_snapshot_is_read(partition, dump):
    directory, _ = partition
    snapshots = sorted(directory.glob("*.snapshot"))
    text = dump(snapshots)
    assert "producerId: 7 producerEpoch: 0" in text, text
