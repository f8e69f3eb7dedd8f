# SPDX-License-Identifier: Apache-2.0
"""Consumer groups seen by kafka-python 2.0.2, librdkafka and our own command."""
import json

import pytest

kafka = pytest.importorskip("kafka")


def consumer(node, **more):
    return kafka.KafkaConsumer("work", bootstrap_servers=[node.kafka], group_id="team", auto_offset_reset="earliest",
                               enable_auto_commit=False, session_timeout_ms=6000, heartbeat_interval_ms=300,
                               max_poll_interval_ms=30000, **more)


def poll_both(a, b, seconds, until):
    import time
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        a.poll(50)
        b.poll(50)
        if until():
            return True
    return False


def test_two_members_share_the_partitions_and_the_one_left_takes_all(node):
    node.command("topic", "create", "work", "--partitions", "4", "-b", node.kafka)
    first, second = consumer(node), consumer(node)
    try:
        assert poll_both(first, second, 20, lambda: len(first.assignment()) == 2 and len(second.assignment()) == 2), (
            first.assignment(), second.assignment())
        assert not first.assignment() & second.assignment()
        second.close()
        assert poll_both(first, first, 20, lambda: len(first.assignment()) == 4), first.assignment()
    finally:
        first.close()


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
