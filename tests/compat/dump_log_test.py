# SPDX-License-Identifier: Apache-2.0
"""Kafka's own kafka-dump-log reads our segments, indexes, time indexes and producer snapshots and finds nothing to complain of.

Needs Java, maven and, once, the network (conftest.py).
"""
import os
import pathlib
import re
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import harness  # noqa: E402

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


@pytest.fixture(scope="session")
def stopped_node(tmp_path_factory):
    """The broker's part of the data directory of the binary after a group has read and committed what was produced."""
    node = harness.Penstock(tmp_path_factory.mktemp("node"), pipeline=False, kafka_extra="  log_segment_bytes: 16384\n")
    with node:
        for i in range(6):
            lines = "".join(f"{i} {k} {os.urandom(50).hex()}\n" for k in range(100))
            subprocess.run(["kcat", "-b", node.kafka, "-P", "-t", "users", "-X", "enable.idempotence=true", "-X", "batch.size=4000",
                            "-z", ("none", "gzip", "snappy", "lz4", "zstd")[i % 5]], input=lines, text=True, check=True, timeout=60)
        done = subprocess.run(["kcat", "-b", node.kafka, "-G", "team", "-X", "auto.offset.reset=earliest", "-c", "600", "-q", "users"],
                              check=True, capture_output=True, text=True, timeout=60)
        assert len(done.stdout.splitlines()) == 600
        assert node.stop() == 0
    return node.data / "kafka"


def test_data_directory_of_the_binary_is_read(stopped_node, dump):
    directory = stopped_node / "users-0"
    segments = sorted(directory.glob("*.log"))
    assert len(segments) > 2
    text = dump(segments, "--deep-iteration")
    assert [int(n) for n in re.findall(r"^\| offset: (\d+) ", text, re.M)] == list(range(600))
    assert all("isvalid: true" in batch for batch in re.findall(r"^baseOffset: .*$", text, re.M))
    indexes = [f for f in sorted(directory.glob("*index")) if f.stat().st_size > 0]
    assert indexes
    text = dump(indexes)
    assert not re.search(r"mismatch|not found|out of order|Found timestamp", text, re.I), text
    newest = dump(sorted(directory.glob("*.snapshot"))[-1:])
    assert len(set(re.findall(r"producerId: (\d+) producerEpoch: 0", newest))) == 6


def test_committed_offsets_of_the_binary_are_decoded(stopped_node, dump):
    segments = [f for f in sorted(stopped_node.glob("__consumer_offsets-*/*.log")) if f.stat().st_size > 0]
    assert len(segments) == 1, "all of a group is in one partition"
    text = dump(segments, "--offsets-decoder")
    assert "isvalid: false" not in text
    commits = re.findall(r'key: (.*"group":"team".*) payload: (.*)$', text, re.M)
    assert commits, text
    assert any('"topic":"users"' in key and '"partition":0' in key and '"offset":600' in value for key, value in commits), text
    assert any('"protocolType":"consumer"' in value and '"members":[{' in value for _, value in commits), text
