# SPDX-License-Identifier: Apache-2.0
"""What is moved in the tests of export and import, and how to look at it; `node` is anything with addresses and commands."""
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

PARTITIONS = 3
QUEUED = 20_000
FIRST = 1_700_000_000_000


def headers_of(number):
    # Few null values: this client counts its references to None wrongly.
    if number % 4 == 0:
        return [("number", b"%d" % number), ("again", None if number % 400 == 0 else b"x"), ("again", b"")]


def produce(node, topic, count, value=b"", first=0):
    """Records with and without keys, values and headers, in every partition."""
    producer = Producer({"bootstrap.servers": node.kafka, "linger.ms": 20, "message.max.bytes": 3_000_000})
    for number in range(first, first + count):
        while len(producer) >= QUEUED:  # a full queue refuses a record, it does not wait
            producer.poll(1)
        producer.produce(topic, None if number % 11 == 3 else b"value %d " % number + value,
                         None if number % 7 == 2 else b"" if number % 7 == 4 else b"key %d" % (number % 50),
                         partition=number % PARTITIONS, timestamp=FIRST + number * 3 - (number % 5) * 100,
                         headers=headers_of(number))
    assert producer.flush(60) == 0


def read(node, topic):
    """All records by partition: (offset, key, value, headers, timestamp)."""
    consumer = Consumer({"bootstrap.servers": node.kafka, "group.id": "reader", "auto.offset.reset": "earliest", "enable.auto.commit": False, "enable.partition.eof": True})
    partitions = list(consumer.list_topics(topic).topics[topic].partitions)
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    found = {partition: [] for partition in partitions}
    ended = set()
    while len(ended) < len(partitions):
        for message in consumer.consume(5000, 1):
            if message.error():
                assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                ended.add(message.partition())
            else:
                found[message.partition()].append((message.offset(), message.key(), message.value(), message.headers(), message.timestamp()))
    consumer.close()
    return found


def without_offsets(records):
    return {partition: [record[1:] for record in list_] for partition, list_ in records.items()}


def commit(node, group, offsets):
    consumer = Consumer({"bootstrap.servers": node.kafka, "group.id": group, "enable.auto.commit": False})
    consumer.commit(offsets=[TopicPartition("events", partition, offset) for partition, offset in offsets.items()], asynchronous=False)
    consumer.close()


def committed(node, group):
    consumer = Consumer({"bootstrap.servers": node.kafka, "group.id": group})
    found = consumer.committed([TopicPartition("events", partition) for partition in range(PARTITIONS)], 20)
    consumer.close()
    return {each.partition: each.offset for each in found if each.offset >= 0}


def table_rows(node, table, columns, key):
    """Every row with the write time of each cell, and whether it has a TTL."""
    cells = ", ".join(f"{c}, writetime({c}) AS w{i}, ttl({c}) AS t{i}" for i, c in enumerate(columns))
    rows = node.rows(f"SELECT {key}, {cells} FROM {table}")
    ttls = [[row.pop(f"t{i}") for i in range(len(columns))] for row in rows]
    return rows, ttls


KINDS = """
CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};
CREATE TABLE ks.kinds (a text, b int, c timestamp, d decimal, "E" text, f varint, g blob, h double, i uuid,
  PRIMARY KEY ((a, b), c, d)) WITH CLUSTERING ORDER BY (c DESC, d ASC) AND default_time_to_live = 5000 AND comment = 'it''s';
INSERT INTO ks.kinds (a, b, c, d, "E", f, g, h, i) VALUES ('x', 1, 1000, 1.50, 'one', 12345678901234567890, 0x00ff, 1.5, 123e4567-e89b-12d3-a456-426614174000)
  USING TTL 0 AND TIMESTAMP 1000;
UPDATE ks.kinds USING TTL 0 AND TIMESTAMP 2000 SET "E" = 'two' WHERE a = 'x' AND b = 1 AND c = 1000 AND d = 1.50;
UPDATE ks.kinds USING TTL 3000 AND TIMESTAMP 2500 SET h = 2.5 WHERE a = 'x' AND b = 1 AND c = 1000 AND d = 1.50;
INSERT INTO ks.kinds (a, b, c, d) VALUES ('x', 1, 3000, -7) USING TTL 0 AND TIMESTAMP 1000;
INSERT INTO ks.kinds (a, b, c, d, "E") VALUES ('x', 1, 2000, 7, '') USING TIMESTAMP 3000;
INSERT INTO ks.kinds (a, b, c, d, "E", g) VALUES ('y', 2, 2000, 7, 'short', 0x) USING TTL 12 AND TIMESTAMP 3000;
INSERT INTO ks.kinds (a, b, c, d, "E", g) VALUES ('z', 3, 2000, 7, 'gone', null) USING TTL 0 AND TIMESTAMP 3000;
DELETE "E" FROM ks.kinds USING TIMESTAMP 4000 WHERE a = 'z' AND b = 3 AND c = 2000 AND d = 7;
"""
