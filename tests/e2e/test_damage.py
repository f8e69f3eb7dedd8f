# SPDX-License-Identifier: Apache-2.0
"""A partition that the broker cannot read is left out alone, named, and taken back when it is well."""
import json
import subprocess

import harness
from conftest import Node

RECORDS = 300
TABLE = "spark_streams.created_users"


def fill_and_damage(node):
    """Two partitions of records in several batches each, the process gone, a byte flipped in the middle of partition 1.
    Returns the segment, to be flipped back."""
    node.command("topic", "create", "-b", node.kafka, "users_data")
    for partition in (0, 1):
        for first in range(0, RECORDS, 50):
            lines = "".join(json.dumps({"id": f"p{partition}-{i}"}) + "\n" for i in range(first, first + 50))
            subprocess.run(["kcat", "-P", "-b", node.kafka, "-t", "users_data", "-p", str(partition)],
                           input=lines.encode(), check=True, timeout=30)
    node.kill()  # after a clean stop the next start would trust the bytes
    (segment,) = node.data.glob("**/users_data-1/*.log")
    flip(segment)
    return segment


def flip(segment):
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 0xFF
    segment.write_bytes(data)


def ids(node):
    return {row["id"] for row in node.rows(f"SELECT id FROM {TABLE}")}


def of_partition(number):
    return {f"p{number}-{i}" for i in range(RECORDS)}


def test_one_damaged_partition_leaves_the_other_flowing(tmp_path):
    with Node(tmp_path, pipeline=False, partitions=2) as node:
        segment = fill_and_damage(node)
    with Node(tmp_path, partitions=2) as node:
        status = node.drained(RECORDS)
        assert ids(node) == of_partition(0)
        assert status["state"] == "running"
        assert list(status["leftOut"]["users_data"]) == ["1"], status
        assert "isk" in status["leftOut"]["users_data"]["1"], "the broker's own words"
        metrics = node.get("/metrics")
        paused = 'ingest_partition_paused{cause="damaged",partition="%d",pipeline="users",topic="users_data"} %d\n'
        assert paused % (1, 1) in metrics and paused % (0, 0) in metrics
        subprocess.run(["kcat", "-P", "-b", node.kafka, "-t", "users_data", "-p", "0"], input=b'{"id":"later"}', check=True, timeout=30)
        node.eventually("a later record", lambda: "later" in ids(node))
        assert node.stop() == 0
        flip(segment)
        node.start()
        node.eventually("the other partition's rows", lambda: ids(node) == of_partition(0) | of_partition(1) | {"later"})
        assert node.pipeline()["leftOut"] == {}


def test_a_partition_comes_back_to_a_pipeline_that_was_running_all_the_while(tmp_path):
    ports = {"kafka_port": harness.free_port(), "cql_port": harness.free_port()}
    node = Node(tmp_path, pipeline=False, partitions=2, **ports)
    with node:
        segment = fill_and_damage(node)
        node.start()
        pipeline = tmp_path / "away.yaml"
        pipeline.write_text(harness.PIPELINE % {"interval": "0ms", "max_rows": 1000})
        config = tmp_path / "run.yaml"
        config.write_text(f'kafka: {{bootstrap_servers: "{node.kafka}"}}\ncassandra: {{contact_points: ["%s:%d"]}}\n' % node.cql)
        with open(tmp_path / "run.txt", "wb") as log:
            running = subprocess.Popen([str(harness.BINARY), "run", "-c", str(config), str(pipeline)], stdout=log, stderr=log)
        try:
            has_table = lambda: [] != node.rows(f"SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'spark_streams'")  # noqa: E731
            node.eventually("the table", has_table)
            node.eventually("partition 0", lambda: ids(node) == of_partition(0))
            assert "leaves users_data[1] out" in (tmp_path / "run.txt").read_text()
            assert node.stop() == 0
            flip(segment)
            node.start()
            node.eventually("partition 1", lambda: ids(node) == of_partition(0) | of_partition(1), seconds=60)
            assert "reads users_data[1] again" in (tmp_path / "run.txt").read_text()
            assert running.poll() is None
        finally:
            running.terminate()
            assert running.wait(10) == 0
