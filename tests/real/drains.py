# SPDX-License-Identifier: Apache-2.0
"""What the pipeline makes of the same records over one set of engines or another: rows with write times, dead letters, rejects, offsets."""
import json
import subprocess
import time

from cassandra.cluster import Cluster
from confluent_kafka import Consumer, Producer, TopicPartition

from engines import harness  # it has put tests/ on the path

PARTITIONS = 4
FIRST_TIMESTAMP = 1_700_000_000_000
COLUMNS = ["first_name", "last_name", "gender", "address", "post_code", "email", "username", "registered_date", "phone", "picture"]
PARTS = "rows and write times", "dead letters", "rejects", "offsets"


def letters():
    """(key, value, timestamp): ids that come again, rejects of every kind, records out of the order of time."""
    people = subprocess.run([str(harness.BINARY), "generate", "--count", "3000", "--seed", "11"], check=True, capture_output=True, text=True)
    ids = []
    for number, line in enumerate(people.stdout.splitlines()):
        person = json.loads(line)
        person["id"] = f"user_{number % 2000}"  # the last thousand are the first thousand again
        ids.append(person["id"])
        # Some of them are older than what is there already, and must lose.
        yield person["id"].encode(), json.dumps(person).encode(), FIRST_TIMESTAMP + (number if number % 7 else -number)
        if number % 100 == 0:
            yield b"bad", b'{"id":"broken%d"' % number, FIRST_TIMESTAMP + number
            yield b"bad", b'{"first_name":"nobody"}', FIRST_TIMESTAMP + number
            yield b"sparse", b'{"id":"sparse","phone":%d,"picture":null}' % number, FIRST_TIMESTAMP + number


def drain(folder, kafka, cassandra):
    """What the pipeline makes of letters(): (rows with the write time of each cell, letters, rejects, offsets of the group)."""
    harness.empty(kafka, cassandra)
    node = harness.Penstock(folder, bootstrap=kafka, contact_point=cassandra, partitions=PARTITIONS)
    if kafka:  # before the pipeline asks for it, which makes Kafka create it with partitions of its own
        node.command("topic", "create", "users_data", "-b", kafka, "--partitions", str(PARTITIONS))
    with node:
        producer = Producer({"bootstrap.servers": node.kafka, "partitioner": "murmur2_random", "enable.idempotence": True})
        sent = 0
        for key, value, timestamp in letters():
            producer.produce("users_data", value, key, timestamp=timestamp)
            sent += 1
        assert producer.flush(30) == 0
        status = node.drained(sent, 60)
        with Cluster([node.cql[0]], port=node.cql[1], protocol_version=4) as cluster:
            cells = ", ".join(f"{name}, writetime({name})" for name in COLUMNS)
            rows = sorted(map(tuple, cluster.connect().execute(f"SELECT id, {cells} FROM spark_streams.created_users")))
        dead = sorted(dead_letters(node, sum(status["rejected"].values())))
        offsets = node.eventually("the group's offsets", lambda: committed(node))
        assert node.stop() == 0
        return rows, dead, status["rejected"], offsets


def committed(node):
    """Offsets of the group by partition, once they are those of all records."""
    group = json.loads(node.command("group", "describe", "users", "-b", node.kafka, "--json"))
    return group["lag"] == 0 and sorted((p["partition"], p["offset"]) for p in group["partitions"])


def dead_letters(node, count):
    consumer = Consumer({"bootstrap.servers": node.kafka, "group.id": "reader", "enable.auto.commit": False})
    partitions = consumer.list_topics("users_data.dlq").topics["users_data.dlq"].partitions
    consumer.assign([TopicPartition("users_data.dlq", partition, 0) for partition in partitions])
    deadline, read, trouble = time.monotonic() + 60, 0, None
    while read < count:
        assert time.monotonic() < deadline, f"{read} letters of {count} in a minute; the client's last word: {trouble}"
        letter = consumer.poll(1)
        if letter is not None and letter.error():
            trouble = letter.error()  # a broker that is slow to begin; the client goes on by itself
        elif letter is not None:
            read += 1
            yield letter.key(), letter.value(), sorted(letter.headers())
    assert consumer.poll(0.3) is None, "more letters than rejects"
    consumer.close()


def compare(expected, actual):
    assert len(expected[0]) == 2001
    for what, one, other in zip(PARTS, expected, actual):
        assert one == other, what
