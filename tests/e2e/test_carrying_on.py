# SPDX-License-Identifier: Apache-2.0
"""librdkafka's producer and group consumer stay while the node is stopped and then killed, and each time started again on its port."""
import threading

from confluent_kafka import Consumer, Producer, TopicPartition

import harness
from conftest import Node

TOPIC = "work"
PARTITIONS = 3
ENOUGH = 300


class Client(threading.Thread):
    """Does one step after the other until told to stop; what went wrong is raised by stop()."""

    def __init__(self, client, step):
        super().__init__(daemon=True)
        self.client, self.step = client, step
        self.stopping = threading.Event()
        self.failure = None

    def run(self):
        try:
            while not self.stopping.is_set():
                self.step()
        except BaseException as failure:
            self.failure = failure

    def stop(self):
        self.stopping.set()
        self.join()
        if self.failure:
            raise self.failure


def test_librdkafka_carries_on_over_restarts(tmp_path):
    acknowledged, read, sent = {}, set(), 0  # value -> place

    def delivered(error, message):
        assert error is None, error
        acknowledged[message.value()] = (message.partition(), message.offset())

    def send():
        nonlocal sent
        producer.produce(TOPIC, b"v%d" % sent, partition=sent % PARTITIONS, on_delivery=delivered)
        sent += 1
        producer.poll(0.001)

    def receive():
        for message in reader.consume(1000, 0.1):
            # What it says of a broker that is away is news, not an end: it goes on looking for it.
            if message.error() is None:
                read.add(message.value())

    with Node(tmp_path, kafka_port=harness.free_port(), pipeline=False) as node:
        node.command("topic", "create", TOPIC, "--partitions", str(PARTITIONS), "-b", node.kafka)
        how = {"bootstrap.servers": node.kafka, "log_level": 0}
        producer = Producer({**how, "enable.idempotence": True, "acks": "all"})
        reader = Consumer({**how, "group.id": "team", "auto.offset.reset": "earliest"})
        reader.subscribe([TOPIC])
        clients = [Client(producer, send), Client(reader, receive)]
        for client in clients:
            client.start()

        def flows():
            acks, reads = len(acknowledged), len(read)
            node.eventually("records are acknowledged and read", lambda: len(acknowledged) >= acks + ENOUGH and len(read) >= reads + ENOUGH, 30)

        flows()
        for end in (node.stop, node.kill):
            assert not end()
            node.start()
            flows()
        clients[0].stop()
        assert producer.flush(30) == 0 and len(acknowledged) == sent
        node.eventually("every record is read", lambda: read >= acknowledged.keys(), 30)
        clients[1].stop()
        reader.close()
        assert in_the_log(node) == sorted((place, value) for value, place in acknowledged.items())
        assert node.stop() == 0


def in_the_log(node):
    """(place, value) of every record."""
    consumer = Consumer({"bootstrap.servers": node.kafka, "group.id": "audit", "enable.auto.commit": False})
    parts = [TopicPartition(TOPIC, partition, 0) for partition in range(PARTITIONS)]
    count = sum(consumer.get_watermark_offsets(part, timeout=10)[1] for part in parts)
    consumer.assign(parts)
    records = []
    while len(records) < count:
        batch = consumer.consume(10_000, 10)
        assert batch, f"the log gave {len(records)} of {count} records and then nothing"
        for message in batch:
            assert message.error() is None, message.error()
            records.append(((message.partition(), message.offset()), message.value()))
    consumer.close()
    return sorted(records)
