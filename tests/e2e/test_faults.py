# SPDX-License-Identifier: Apache-2.0
"""What a person does to topics and tables while a worker runs, and a broker that goes away: waited for or refused loudly, never half done."""
import json
import time

import pytest

import harness
from conftest import Node
from harness import Worker, eventually

TOPIC = "users_data"
TABLE = "spark_streams.created_users"
PIPELINE = harness.PIPELINE % {"interval": "0ms", "max_rows": 200_000}


@pytest.fixture
def house(tmp_path):
    with Node(tmp_path / "house", pipeline=False, kafka_port=harness.free_port(), cql_port=harness.free_port()) as node:
        node.command("topic", "create", TOPIC, "--partitions", "2", "-b", node.kafka)
        yield node


def worker(house, tmp_path, text=PIPELINE):
    return Worker(tmp_path, "worker", text, house.kafka, "%s:%d" % house.cql)


def send(house, first, count):
    house.produce(*(json.dumps({"id": f"u{n}", "phone": str(n)}) for n in range(first, first + count)), topic=TOPIC)


def ids(house):
    return {row["id"] for row in house.rows(f"SELECT id FROM {TABLE}")}


def wanted(first, count):
    return {f"u{n}" for n in range(first, first + count)}


def error_of(running):
    return running.status().get("error") or ""


def test_a_dropped_table_is_waited_for(house, tmp_path):
    with worker(house, tmp_path) as running:
        send(house, 0, 100)
        eventually("the first rows", lambda: running.status().get("rowsWritten") == 100, tail=running.tail)
        (described,) = house.rows("SELECT * FROM system_schema.tables WHERE keyspace_name = 'spark_streams' AND table_name = 'created_users'")
        assert described
        columns = ", ".join(f"{name} text" for name in ("first_name", "last_name", "gender", "address", "post_code", "email", "username",
                                                        "registered_date", "phone", "picture"))
        house.cql_command(f"DROP TABLE {TABLE}")
        send(house, 100, 100)
        eventually("the reason", lambda: f"table {TABLE} is gone" in error_of(running), tail=running.tail)
        assert running.status()["state"] == "running" and running.status()["rejected"] == {}
        house.cql_command(f"CREATE TABLE {TABLE} (id text PRIMARY KEY, {columns}, one_more int)")
        eventually("what was sent meanwhile", lambda: ids(house) == wanted(100, 100), tail=running.tail)
        send(house, 200, 10)
        eventually("what comes then", lambda: ids(house) == wanted(100, 110), tail=running.tail)
        assert error_of(running) == ""


def test_a_column_may_come_and_one_that_is_gone_is_waited_for(house, tmp_path):
    with worker(house, tmp_path) as running:
        send(house, 0, 10)
        eventually("the first rows", lambda: running.status().get("rowsWritten") == 10, tail=running.tail)
        house.cql_command(f"ALTER TABLE {TABLE} ADD more int")
        send(house, 10, 10)
        eventually("the next rows", lambda: running.status().get("rowsWritten") == 20, tail=running.tail)
        house.cql_command(f"ALTER TABLE {TABLE} DROP phone")
        send(house, 20, 10)
        eventually("the reason", lambda: "no column phone any more" in error_of(running), tail=running.tail)
        house.cql_command(f"ALTER TABLE {TABLE} ADD phone text")
        eventually("all rows", lambda: ids(house) == wanted(0, 30), tail=running.tail)
        assert running.status()["rejected"] == {}


@pytest.mark.parametrize("records", [50, 500], ids=["shorter than before", "longer than before"])
def test_a_topic_that_is_created_anew_stops_the_worker_or_is_read_from_its_start(house, tmp_path, records):
    with worker(house, tmp_path) as running:
        send(house, 0, 200)
        eventually("the first rows", lambda: running.status().get("lag") == 0 and ids(house) == wanted(0, 200), tail=running.tail)
        house.command("topic", "delete", TOPIC, "-b", house.kafka)
        eventually("the reason", lambda: "has been deleted" in error_of(running), seconds=40, tail=running.tail)
        assert TOPIC not in house.command("topic", "list", "-b", house.kafka), "it is not ours to make again"
        house.command("topic", "create", TOPIC, "--partitions", "2", "-b", house.kafka)
        send(house, 1000, records)
        assert running.process.wait(40) == 1
        assert "deleted and created anew" in running.tail(), running.tail()
    with worker(house, tmp_path, PIPELINE.replace("start: earliest", "start: earliest, fail_on_data_loss: false")) as running:
        if records < 200:  # a longer one is told from the old one only by who saw it go
            eventually("the new records", lambda: ids(house) == wanted(0, 200) | wanted(1000, records), tail=running.tail)


@pytest.mark.parametrize("partitions", ["2", "1"])
def test_a_topic_that_is_created_anew_under_a_running_worker_is_read_from_its_start(house, tmp_path, partitions):
    with worker(house, tmp_path, PIPELINE.replace("start: earliest", "start: earliest, fail_on_data_loss: false")) as running:
        send(house, 0, 200)
        eventually("the first rows", lambda: ids(house) == wanted(0, 200), tail=running.tail)
        house.command("topic", "delete", TOPIC, "-b", house.kafka)
        eventually("the reason", lambda: "has been deleted" in error_of(running), seconds=40, tail=running.tail)
        house.command("topic", "create", TOPIC, "--partitions", partitions, "-b", house.kafka)
        send(house, 1000, 500)
        eventually("every new record", lambda: ids(house) == wanted(0, 200) | wanted(1000, 500), tail=running.tail)


def test_a_broker_that_goes_and_comes_back(house, tmp_path):
    with worker(house, tmp_path) as running:
        send(house, 0, 100)
        eventually("the first rows", lambda: running.status().get("rowsWritten") == 100, tail=running.tail)
        house.stop()
        eventually("the reason", lambda: error_of(running) != "", tail=running.tail)
        house.start()
        send(house, 100, 100)
        eventually("all rows", lambda: ids(house) == wanted(0, 200), tail=running.tail)
        eventually("no reason any more", lambda: error_of(running) == "", seconds=40, tail=running.tail)
        house.stop()
        before = time.monotonic()
        assert running.stop() == 0, running.tail()
        assert time.monotonic() - before < 8, "the coordinator is not waited for any longer"
