# SPDX-License-Identifier: Apache-2.0
"""The broker as operators meet it: damage, retention, clients that do not read."""
import json
import socket
import struct

import kafka.protocol.fetch
import kafka.protocol.offset
import kafka.protocol.produce
from kafka.record.memory_records import MemoryRecordsBuilder

from conftest import Node

KAFKA_STORAGE_ERROR = 56


class Connection:
    """Sends requests of kafka-python's protocol classes, so that a test sees the very error codes."""

    def __init__(self, node, receive_buffer=None):
        host, port = node.kafka.rsplit(":", 1)
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect((host, int(port)))

    def send(self, request):
        body = struct.pack(">hhih", request.API_KEY, request.API_VERSION, 1, -1) + request.encode()
        self.socket.sendall(struct.pack(">i", len(body)) + body)

    def ask(self, request):
        self.send(request)
        (size,) = struct.unpack(">i", self.take(4))
        return request.RESPONSE_TYPE.decode(self.take(size)[4:])

    def take(self, size):
        taken = b""
        while len(taken) < size:
            piece = self.socket.recv(size - len(taken))
            assert piece, "the broker closed the connection"
            taken += piece
        return taken

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def fetch_request(topic, partitions, max_bytes=50 << 20):
    return kafka.protocol.fetch.FetchRequest[4](-1, 500, 1, max_bytes, 0, [(topic, [(p, 0, max_bytes) for p in partitions])])


def metric(node, name):
    return next(float(line.split()[-1]) for line in node.get("/metrics").splitlines() if line.startswith(name + " "))


def test_damaged_partition_answers_storage_error_while_the_other_serves(tmp_path, kcat):
    with Node(tmp_path, pipeline=False) as node:
        node.command("topic", "create", "users", "--partitions", "2", "-b", node.kafka)
        for partition in "01":
            kcat(node, "-P", "-t", "users", "-p", partition, stdin=b"".join(b"record %d\n" % i for i in range(100)))
        assert metric(node, "penstock_log_offline_partitions") == 0
        node.kill()
        segment = node.data / "kafka" / "users-0" / "00000000000000000000.log"
        content = bytearray(segment.read_bytes())
        content[len(content) // 2] ^= 1
        segment.write_bytes(content)
        node.start()

        batch = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=1000)
        batch.append(timestamp=None, key=None, value=b"new")
        batch.close()
        with Connection(node) as client:
            produced = client.ask(kafka.protocol.produce.ProduceRequest[3](
                None, -1, 1000, [("users", [(0, batch.buffer()), (1, batch.buffer())])]))
            (_, partitions), = produced.topics
            assert [(p[0], p[1]) for p in partitions] == [(0, KAFKA_STORAGE_ERROR), (1, 0)]
            (_, partitions), = client.ask(fetch_request("users", (0, 1))).topics
            assert [(p[0], p[1]) for p in partitions] == [(0, KAFKA_STORAGE_ERROR), (1, 0)]
            (_, partitions), = client.ask(kafka.protocol.offset.OffsetRequest[1](-1, [("users", [(0, -1), (1, -1)])])).topics
            assert [(p[0], p[1], p[3]) for p in partitions] == [(0, KAFKA_STORAGE_ERROR, -1), (1, 0, 101)]

        assert kcat(node, "-C", "-t", "users", "-p", "1", "-e", "-q").splitlines()[-1] == b"new"
        assert metric(node, "penstock_log_offline_partitions") == 1
        line = next(line for line in (node.folder / "err.txt").read_text().splitlines() if "users-0 is offline" in line)
        assert str(segment) in line and "(offset 0)" in line, line


def test_retention_moves_the_low_watermark_and_leaves_the_pipeline_unharmed(tmp_path):
    limits = "  log_segment_bytes: 65536\n  log_retention_bytes: 131072\n  log_retention_check_interval_ms: 100\n"
    with Node(tmp_path, kafka_extra=limits) as node:
        def describe():
            topic, = json.loads(node.command("topic", "describe", "users_data", "--json", "-b", node.kafka))
            return topic["partitions"][0]

        rounds, each = 12, 100
        for i in range(rounds):
            node.produce(*(json.dumps({"id": f"u{i * each + k}", "address": "x" * 400}) for k in range(each)))
            node.drained((i + 1) * each)
        node.eventually("retention", lambda: describe()["first_offset"] > 0)
        segments = node.data / "kafka" / "users_data-0"

        def small_enough():
            try:
                return sum(f.stat().st_size for f in segments.glob("*.log")) <= 131072 + 65536  # what is kept, and the open segment
            except FileNotFoundError:  # one went meanwhile
                return False

        node.eventually("room on the disk", small_enough)
        before = describe()
        assert before["end_offset"] == rounds * each

        assert node.stop() == 0
        node.start()
        assert describe()["first_offset"] >= before["first_offset"]
        node.produce('{"id": "after"}')
        node.eventually("the next record", lambda: node.rows("SELECT id FROM spark_streams.created_users WHERE id = 'after'"))
        assert node.rows("SELECT count(*) FROM spark_streams.created_users") == [{"count": rounds * each + 1}]
        assert node.pipeline()["state"] == "running"


def test_clients_that_do_not_read_cost_bounded_memory(tmp_path, kcat):
    budget = 16 << 20
    with Node(tmp_path, pipeline=False, kafka_extra=f"  queued_max_request_bytes: {budget}\n") as node:
        lines = b"".join(b"%0999d\n" % i for i in range(20_000))
        kcat(node, "-P", "-t", "big", stdin=lines)
        before = metric(node, "process_resident_memory_bytes")
        slow = [Connection(node, receive_buffer=4096) for _ in range(60)]
        try:
            for client in slow:
                client.send(fetch_request("big", [0]))
            assert kcat(node, "-C", "-t", "big", "-e", "-q") == lines, "who reads is served"
            grown = metric(node, "process_resident_memory_bytes") - before
            assert grown < 6 * budget, f"{grown / 2**20:.0f} MiB for 60 clients that asked for 20 MB each"
            assert kcat(node, "-P", "-t", "other", stdin=b"one\n") == b""
        finally:
            for client in slow:
                client.socket.close()
