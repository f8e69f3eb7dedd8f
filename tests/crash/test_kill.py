# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the whole process at random moments under load. After the last restart: every acknowledged record is in the log
once, at the offset that was acknowledged; offsets are contiguous; every acknowledged id is in the table once, newest version."""
import json
import os
import pathlib
import random
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import harness  # noqa: E402
from cassandra.cluster import Cluster  # noqa: E402
from confluent_kafka import Consumer, Producer, TopicPartition  # noqa: E402

KILLS = int(os.environ.get("CRASH_KILLS", "50"))
SEED = int(os.environ.get("CRASH_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
PARTITIONS = 3
IDS = 20_000


class Load(threading.Thread):
    """Produces versions of IDS ids without a pause, idempotently, and notes what is acknowledged."""

    def __init__(self, bootstrap):
        super().__init__()
        self.producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 2,
                                  "message.timeout.ms": 300_000, "reconnect.backoff.max.ms": 200, "log_level": 0})
        self.acknowledged = {}  # (partition, offset) -> (id, version)
        self.failed = []
        self.produced = 0
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            number = self.produced
            key, version = f"user_{number % IDS}", str(number)
            value = json.dumps({"id": key, "username": version, "email": f"{key}@example.com", "post_code": number}).encode()
            try:
                self.producer.produce("users_data", value, key, on_delivery=lambda error, m, key=key, version=version:
                                      self.delivered(error, m, key, version))
                self.produced += 1
            except BufferError:
                self.producer.poll(0.05)
            self.producer.poll(0)
            if self.produced % 200 == 0:
                self.stopping.wait(0.004)  # leave the processor to the server now and then
        self.left = self.producer.flush(120)

    def delivered(self, error, message, key, version):
        if error is not None:
            self.failed.append(str(error))
        else:
            place = (message.partition(), message.offset())
            assert place not in self.acknowledged, f"{place} was acknowledged twice"
            self.acknowledged[place] = (key, version)


def read_log(bootstrap):
    """All records by place, read by a client that we did not write."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "audit", "enable.auto.commit": False, "enable.partition.eof": False,
                         "check.crcs": True, "auto.offset.reset": "error"})
    ends = {p: consumer.get_watermark_offsets(TopicPartition("users_data", p), timeout=10) for p in range(PARTITIONS)}
    consumer.assign([TopicPartition("users_data", p, low) for p, (low, _) in ends.items()])
    records, want = {}, sum(high - low for low, high in ends.values())
    while len(records) < want:
        batch = consumer.consume(10_000, timeout=10)
        assert batch, f"the log gave {len(records)} of {want} records and then nothing"
        for message in batch:
            assert message.error() is None, message.error()
            value = json.loads(message.value())
            records[(message.partition(), message.offset())] = (value["id"], value["username"])
    consumer.close()
    return ends, records


def wait_until_drained(node, ends, timeout=120):
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        pipeline = json.loads(node.get("/api/pipelines"))["pipelines"][0]
        assert pipeline["state"] not in ("failed", "stopped"), pipeline
        if pipeline["lag"] == 0:  # null until the first assignment
            return
        time.sleep(0.05)
    pytest.fail(f"still lagging: {node.get('/api/pipelines')}\n{node.tail()}")


def test_kill_at_random_moments_loses_and_doubles_nothing(tmp_path):
    print(f"seed {SEED}, {KILLS} kills")
    chance = random.Random(SEED)
    node = harness.Penstock(tmp_path, kafka_port=harness.free_port(), cql_port=harness.free_port(), console_port=harness.free_port(),
                            partitions=PARTITIONS)
    restarts = []
    with node:
        load = Load(node.kafka)
        load.start()
        for _ in range(KILLS):
            load.stopping.wait(chance.choice([0.01, 0.1, 0.3, 0.8]) * chance.random())
            node.kill()
            node.start()
            restarts.append(node.start_seconds)
        load.stopping.set()
        load.join()
        assert load.left == 0 and not load.failed, f"{load.left} unanswered, failed: {load.failed[:3]}\n{node.tail()}"
        assert len(load.acknowledged) > 50 * KILLS, "too little load to mean anything"

        ends, records = read_log(node.kafka)
        for partition, (low, high) in ends.items():
            offsets = sorted(o for p, o in records if p == partition)
            assert offsets == list(range(low, high)), f"partition {partition} has gaps"
        for place, record in load.acknowledged.items():
            assert records.get(place) == record, f"{place}: acknowledged {record}, the log has {records.get(place)}"
        assert len(set(records.values())) == len(records), "a record is in the log twice although its producer is idempotent"

        wait_until_drained(node, ends)
        newest = {}
        for (partition, offset), (key, version) in sorted(records.items()):
            newest[key] = version
        host, port = node.cql
        cluster = Cluster([host], port=port)
        rows = list(cluster.connect("spark_streams").execute("SELECT id, username, email FROM created_users"))
        cluster.shutdown()
        assert len(rows) == len({row.id for row in rows}), "an id is in the table twice"
        assert {row.id: row.username for row in rows} == newest
        assert all(row.email == f"{row.id}@example.com" for row in rows)
        assert node.stop() == 0
    print(f"{load.produced} produced, {len(load.acknowledged)} acknowledged, {len(rows)} rows; "
          f"restart {min(restarts):.2f} to {max(restarts):.2f} s")
