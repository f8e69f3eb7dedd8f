# SPDX-License-Identifier: Apache-2.0
"""Consumer groups seen by kafka-python 2.0.2, librdkafka and our own command."""
import json
import threading

import confluent_kafka
import kafka


def consumer(node, **more):
    return kafka.KafkaConsumer("work", bootstrap_servers=[node.kafka], group_id="team", auto_offset_reset="earliest",
                               enable_auto_commit=False, session_timeout_ms=6000, heartbeat_interval_ms=300,
                               max_poll_interval_ms=30000, **more)


class Member(threading.Thread):
    """A consumer that polls on a thread of its own, as an application does: joining blocks until all members have joined."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.consumer = consumer(node)
        self.leaving = threading.Event()
        self.assigned = set()
        self.start()

    def run(self):
        while not self.leaving.is_set():
            self.consumer.poll(50)
            self.assigned = self.consumer.assignment()
        self.consumer.close()

    def leave(self):
        self.leaving.set()
        self.join()


def test_two_members_share_the_partitions_and_the_one_left_takes_all(node):
    node.command("topic", "create", "work", "--partitions", "4", "-b", node.kafka)
    first, second = Member(node), Member(node)
    node.eventually("two partitions each", lambda: len(first.assigned) == 2 and len(second.assigned) == 2)
    assert not first.assigned & second.assigned
    second.leave()
    node.eventually("all four for the one left", lambda: len(first.assigned) == 4)
    first.leave()


class StaticMember(threading.Thread):
    """A member of librdkafka's with a group.instance.id; counts what its group makes it give up and take."""

    def __init__(self, node, instance):
        super().__init__(daemon=True)
        self.consumer = confluent_kafka.Consumer({
            "bootstrap.servers": node.kafka, "group.id": "statics", "group.instance.id": instance, "session.timeout.ms": 20_000,
            "heartbeat.interval.ms": 300, "auto.offset.reset": "earliest"})
        self.changes = 0
        self.assigned = set()
        self.leaving = threading.Event()
        self.consumer.subscribe(["work"], on_assign=self.on_assign, on_revoke=self.on_revoke)
        self.start()

    def on_assign(self, _, partitions):
        self.changes += 1
        self.assigned = {p.partition for p in partitions}

    def on_revoke(self, *_):
        self.changes += 1
        self.assigned = set()

    def run(self):
        while not self.leaving.is_set():
            self.consumer.poll(0.05)

    def stop(self):
        self.leaving.set()
        self.join()
        self.consumer.close()


def test_static_member_that_restarts_moves_no_partition_of_the_other(node):
    node.command("topic", "create", "work", "--partitions", "4", "-b", node.kafka)
    first, second = StaticMember(node, "first"), StaticMember(node, "second")
    node.eventually("two partitions each", lambda: len(first.assigned) == 2 and len(second.assigned) == 2)
    had, changes = first.assigned, second.changes
    first.stop()  # a static member does not say that it leaves
    first = StaticMember(node, "first")
    node.eventually("its partitions again", lambda: first.assigned)
    assert first.assigned == had
    assert (second.changes, len(second.assigned)) == (changes, 2), "the other one noticed nothing"
    described = json.loads(node.command("group", "describe", "statics", "--json", "-b", node.kafka))
    assert described["state"] == "Stable" and len(described["members"]) == 2
    first.stop()
    second.stop()


def test_committed_offsets_and_lag_are_shown_and_survive_a_restart(node):
    node.command("topic", "create", "work", "--partitions", "1", "-b", node.kafka)
    node.produce(*(f"r{i}" for i in range(10)), topic="work")
    reader = consumer(node, max_poll_records=4)
    read = []
    while len(read) < 4:
        for records in reader.poll(1000).values():
            read += records
    reader.commit({kafka.TopicPartition("work", 0): kafka.OffsetAndMetadata(4, "")})
    described = json.loads(node.command("group", "describe", "team", "--json", "-b", node.kafka))
    assert described["state"] == "Stable" and len(described["members"]) == 1
    assert described["partitions"][0] | {"member": ""} == {"topic": "work", "partition": 0, "offset": 4, "end_offset": 10, "lag": 6, "member": ""}
    reader.close()

    assert node.stop() == 0
    node.start()
    described = json.loads(node.command("group", "describe", "team", "--json", "-b", node.kafka))
    assert (described["state"], described["lag"]) == ("Empty", 6)
    listed = json.loads(node.command("group", "list", "--json", "-b", node.kafka))
    assert {"team", "users"} <= {g["group"] for g in listed}
    node.command("group", "delete", "team", "-b", node.kafka)
    assert "team" not in {g["group"] for g in json.loads(node.command("group", "list", "--json", "-b", node.kafka))}


def test_the_pipelines_own_lag_is_visible_to_lag_tools(node):
    node.produce('{"id":"a"}', '{"id":"b"}')
    node.drained(2)
    described = node.eventually("the committed offset", lambda: (
        d := json.loads(node.command("group", "describe", "users", "--json", "-b", node.kafka)))["partitions"] and d["partitions"][0].get("offset") == 2 and d)
    assert described["lag"] == 0
