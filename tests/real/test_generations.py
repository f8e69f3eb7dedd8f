# SPDX-License-Identifier: Apache-2.0
"""Kafka's generations: the one with ZooKeeper, the last that speaks to old clients, and the newest. The pipeline and the commands
hold over each of them as over the built-in broker."""
import json

import pytest

import drains
from engines import KAFKA, KAFKA_NEWEST, KAFKA_ZOOKEEPER, RealKafka, ZooKeeperKafka, harness

PRODUCTS = {KAFKA_ZOOKEEPER: "Apache Kafka 3.4 (ZooKeeper)", KAFKA: "Apache Kafka 3.9 (KRaft)", KAFKA_NEWEST: "Apache Kafka 4 or newer (KRaft)"}


@pytest.fixture(scope="module", params=PRODUCTS)
def kafka(request, tmp_path_factory):
    if request.param == KAFKA:
        yield request.getfixturevalue("real_kafka")
        return
    folder = tmp_path_factory.mktemp(f"kafka-{request.param}")
    with ZooKeeperKafka(folder) if request.param == KAFKA_ZOOKEEPER else RealKafka(folder, version=request.param) as engine:
        yield engine


@pytest.fixture
def topic(request):
    """A name of its own for each test: with ZooKeeper a topic that was deleted is for a while neither there nor gone."""
    return request.function.__name__


@pytest.fixture
def run(kafka):
    """A command against an empty Kafka; fails the test when it fails."""
    harness.empty(kafka.address)

    def command(*arguments, **how):
        done = harness.Penstock.client(*arguments, "-b", kafka.address, **how)
        assert done.returncode == 0, f"penstock {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout
    return command


def test_the_same_records_give_the_same_table(kafka, all_built_in, tmp_path):
    drains.compare(all_built_in, drains.drain(tmp_path, kafka.address, None))


def test_topics(kafka, run, topic):
    run("topic", "create", topic, "--partitions", "3", "--config", "retention.ms=60000")
    again = harness.Penstock.client("topic", "create", topic, "-b", kafka.address)
    assert again.returncode == 1 and "exists" in again.stderr, again.stderr
    run("topic", "create", topic, "--if-not-exists")
    assert {"name": topic, "partitions": 3} in json.loads(run("topic", "list", "--json"))
    (described,) = json.loads(run("topic", "describe", topic, "--json"))
    assert len(described["partitions"]) == 3 and described["configs"]["retention.ms"] == "60000"
    run("topic", "delete", topic)
    assert topic not in run("topic", "list").splitlines()
    assert harness.Penstock.client("topic", "describe", topic, "-b", kafka.address).returncode == 1


def test_groups(run, topic):
    run("topic", "create", topic, "--partitions", "1")
    run("produce", "--topic", topic, "--property", "parse.key=true", "--property", "key.separator=:", stdin="k1:one\nk2:two\nk3:three\n")
    read = ("consume", "--topic", topic, "--group", "readers", "--from-beginning", "--property", "print.key=true")
    assert run(*read, "--max-messages", "2") == "k1\tone\nk2\ttwo\n"
    group = json.loads(run("group", "describe", "readers", "--json"))
    assert (group["state"], group["lag"], group["partitions"][0]["offset"]) == ("Empty", 1, 2)
    assert run(*read, "--max-messages", "1") == "k3\tthree\n"

    reset = json.loads(run("group", "reset-offsets", "readers", "--topic", topic, "--shift-by", "-2", "--json"))
    assert (reset["executed"], reset["partitions"][0]["new_offset"]) == (False, 1)
    assert json.loads(run("group", "describe", "readers", "--json"))["lag"] == 0, "a dry run changes nothing"
    run("group", "reset-offsets", "readers", "--topic", topic, "--shift-by", "-2", "--execute")
    assert run(*read, "--max-messages", "2") == "k2\ttwo\nk3\tthree\n"
    for flags, offset in ((["--to-earliest"], 0), (["--to-latest"], 3), (["--to-datetime", "2000-01-01T00:00:00Z"], 0),
                          (["--to-datetime", "2999-01-01T00:00:00Z"], 3), (["--to-offset", "1"], 1)):
        run("group", "reset-offsets", "readers", "--topic", topic, *flags, "--execute")
        assert json.loads(run("group", "describe", "readers", "--json"))["partitions"][0]["offset"] == offset, flags

    assert "readers" in {one["group"] for one in json.loads(run("group", "list", "--json"))}
    run("group", "delete", "readers")
    assert "readers" not in {one["group"] for one in json.loads(run("group", "list", "--json"))}


def test_consume_without_a_group(run, topic):
    run("topic", "create", topic, "--partitions", "1")
    run("produce", "--topic", topic, "--compression-codec", "zstd", stdin="".join(f"v{number}\n" for number in range(1000)))
    assert run("consume", "--topic", topic, "--from-beginning", "--max-messages", "1000").splitlines() == [f"v{number}" for number in range(1000)]
    assert run("consume", "--topic", topic, "--partition", "0", "--offset", "998", "--timeout-ms", "2000") == "v998\nv999\n"


def test_doctor(kafka, run, tmp_path):
    node = harness.Penstock(tmp_path, bootstrap=kafka.address)
    run("topic", "create", "users_data", "--partitions", "2")
    run("produce", "--topic", "users_data", stdin='{"id": "u1"}\n')
    run("consume", "--topic", "users_data", "--group", "users", "--from-beginning", "--max-messages", "1")
    done = node.run("doctor", "-c", str(node.config), "--json")
    found = {one["subject"]: one for one in json.loads(done.stdout)["findings"]}
    assert found[f"kafka {kafka.address}"]["found"].startswith(PRODUCTS[kafka.version]), done.stdout
    assert found["topic users_data"]["found"].startswith("2 partitions, 1 record, group users is 0 behind"), done.stdout
    assert done.returncode == 0, done.stdout
