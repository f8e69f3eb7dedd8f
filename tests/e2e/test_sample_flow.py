# SPDX-License-Identifier: Apache-2.0
"""The sample flow of the stack, word for word: a line in, the batch printed as df.show() prints it, the row selected."""
import json
import subprocess

import pytest

from conftest import SAMPLE, Node, python_of

SHOWN = """\
-------------------------------------------
Batch: 0
-------------------------------------------
+----------+----------+---------+------+-----------+---------+--------------------+--------+--------------------+---------------+--------------------+
|        id|first_name|last_name|gender|    address|post_code|               email|username|     registered_date|          phone|             picture|
+----------+----------+---------+------+-----------+---------+--------------------+--------+--------------------+---------------+--------------------+
|user_12345|      John|      Doe|  male|123 Main St|    10001|john.doe@example.com| johndoe|2023-10-01T12:00:00Z|+1-555-123-4567|https://example.c...|
+----------+----------+---------+------+-----------+---------+--------------------+--------+--------------------+---------------+--------------------+
"""
SELECT = "SELECT id, email, registered_date FROM spark_streams.created_users;"
SELECTED = """
 id         | email                | registered_date
------------+----------------------+----------------------
 user_12345 | john.doe@example.com | 2023-10-01T12:00:00Z

(1 rows)
"""


def by_kcat(node):
    subprocess.run(["kcat", "-P", "-b", node.kafka, "-t", "users_data"], input=SAMPLE.encode() + b"\n", check=True, timeout=30)


def by_penstock(node):
    done = node.run("produce", "--bootstrap-server", node.kafka, "--topic", "users_data", stdin=SAMPLE + "\n")
    assert done.returncode == 0, done.stderr


def by_kafka_python(node):
    kafka = pytest.importorskip("kafka")
    assert kafka.__version__ == "2.0.2"
    producer = kafka.KafkaProducer(bootstrap_servers=[node.kafka], max_block_ms=5000)
    producer.send("users_data", SAMPLE.encode()).get(timeout=10)
    producer.close()


def by_confluent_kafka(node):
    from confluent_kafka import Producer
    acknowledged = []
    producer = Producer({"bootstrap.servers": node.kafka})
    producer.produce("users_data", SAMPLE.encode(), on_delivery=lambda error, message: acknowledged.append(error))
    assert producer.flush(10) == 0 and acknowledged == [None]


NEWEST_CONFLUENT_KAFKA = """
import sys
from confluent_kafka import Producer
acknowledged = []
producer = Producer({"bootstrap.servers": sys.argv[1], "enable.idempotence": True, "compression.type": "zstd"})
producer.produce("users_data", sys.argv[2].encode(), on_delivery=lambda error, message: acknowledged.append(error))
assert producer.flush(10) == 0 and acknowledged == [None], acknowledged
"""


def by_newest_confluent_kafka(node):
    subprocess.run([python_of("kafka"), "-c", NEWEST_CONFLUENT_KAFKA, node.kafka, SAMPLE], check=True, timeout=30)


@pytest.mark.mixes
@pytest.mark.parametrize("produce", [by_kcat, by_penstock, by_kafka_python, by_confluent_kafka, by_newest_confluent_kafka])
def test_a_produced_line_is_printed_and_can_be_selected(node, produce):
    produce(node)
    node.eventually("the batch is printed", lambda: SHOWN in node.printed())
    assert node.cql_command(SELECT) == SELECTED


@pytest.mark.mixes
def test_printed_means_selectable(node):
    """Both sinks are fed from one batch: whoever sees the print finds the row."""
    for i in range(5):
        node.produce(json.dumps({"id": f"seen_{i}", "email": f"{i}@example.com"}))
        node.eventually("printed", lambda: f"seen_{i}" in node.printed())
        node.eventually("selected", lambda: node.rows(f"SELECT id FROM spark_streams.created_users WHERE id = 'seen_{i}'"), 2)


DRIVER = """
import sys
from cassandra.cluster import Cluster
cluster = Cluster([sys.argv[1]], port=int(sys.argv[2]))
session = cluster.connect()
rows = [tuple(row) for row in session.execute(sys.argv[3])]
print(cluster.protocol_version, rows)
cluster.shutdown()
"""


@pytest.mark.parametrize("venv", ["debian", "driver328", "driver"])
def test_python_drivers_read_the_row(node, venv):
    node.produce(SAMPLE)
    node.drained(1)
    host, port = node.cql
    done = subprocess.run([python_of(venv), "-c", DRIVER, host, str(port), SELECT], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "4 [('user_12345', 'john.doe@example.com', '2023-10-01T12:00:00Z')]\n"


@pytest.mark.mixes
def test_table_is_created_with_eleven_text_columns(node):
    node.produce(SAMPLE)
    node.drained(1)
    columns = node.rows("SELECT column_name, kind, type FROM system_schema.columns "
                        "WHERE keyspace_name = 'spark_streams' AND table_name = 'created_users'")
    assert len(columns) == 11
    assert {c["type"] for c in columns} == {"text"}
    assert [c["column_name"] for c in columns if c["kind"] == "partition_key"] == ["id"]


@pytest.mark.mixes
def test_same_id_again_is_one_row_and_the_newest_wins(node):
    newer = json.loads(SAMPLE) | {"email": "new@example.com"}
    node.produce(SAMPLE, json.dumps(newer))
    node.drained(2)
    assert node.rows(SELECT) == [{"id": "user_12345", "email": "new@example.com", "registered_date": "2023-10-01T12:00:00Z"}]
    node.produce(json.dumps(newer | {"email": "newest@example.com"}))
    node.drained(3)
    assert node.rows(SELECT)[0]["email"] == "newest@example.com"


@pytest.mark.mixes
def test_unknown_field_is_ignored_and_a_number_becomes_text(node):
    node.produce(json.dumps({"id": "n", "post_code": 10001, "surprise": {"a": [1]}, "gender": None, "phone": True}))
    node.drained(1)
    assert node.rows("SELECT id, post_code, gender, phone, email FROM spark_streams.created_users") == [
        {"id": "n", "post_code": "10001", "gender": None, "phone": "true", "email": None}]


@pytest.mark.mixes
def test_many_records_arrive_each_once(node):
    people = node.command("generate", "--count", "20000", "--seed", "3").splitlines()
    assert len({json.loads(line)["id"] for line in people}) == 20000
    node.produce(*people)
    node.drained(20000, 60)
    assert node.rows("SELECT count(*) FROM spark_streams.created_users") == [{"count": 20000}]


def test_second_listener_has_its_own_advertised_address(tmp_path, kcat):
    with Node(tmp_path, pipeline=False) as node:
        node.stop()
    text = node.config.read_text().replace("listeners: {", 'listeners: {INTERNAL: "127.0.0.1:0", ')
    text = text.replace("kafka:\n", 'kafka:\n  advertised: {INTERNAL: "localhost:0"}\n', 1)
    node.config.write_text(text)
    with node:
        internal, plain = node.endpoints["kafka"]["INTERNAL"], node.kafka
        assert internal.startswith("localhost:") and internal != plain
        for address in (internal, plain):
            done = subprocess.run(["kcat", "-L", "-J", "-b", address], capture_output=True, check=True, timeout=30)
            assert [b["name"] for b in json.loads(done.stdout)["brokers"]] == [address]
