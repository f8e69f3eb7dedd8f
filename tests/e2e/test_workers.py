# SPDX-License-Identifier: Apache-2.0
"""Several `penstock run` in one group: they share the partitions, replace who dies, and a restart under a lasting name moves nothing."""
import contextlib
import json
import re

import pytest
from confluent_kafka import Producer

import harness
from conftest import Node
from harness import Worker, eventually

PARTITIONS = 12
TOPIC = "users_data"
TABLE = "spark_streams.created_users"


def pipeline(properties="", more="", max_rows=200_000):
    """The sample pipeline; `properties` and `more` go into source.kafka."""
    text = harness.PIPELINE % {"interval": "0ms", "max_rows": max_rows}
    return text.replace("start: earliest", f"start: earliest, properties: {{{properties}}}{more}")


@pytest.fixture
def house(tmp_path):
    """Broker and store in a process of their own, with the topic."""
    with Node(tmp_path / "house", pipeline=False) as node:
        node.command("topic", "create", TOPIC, "--partitions", str(PARTITIONS), "-b", node.kafka)
        yield node


@pytest.fixture
def workers(house, tmp_path):
    """start(name, ...) makes one more; all are gone at the end."""
    with contextlib.ExitStack() as stack:
        def start(name, text, **how):
            return stack.enter_context(Worker(tmp_path, name, text, house.kafka, "%s:%d" % house.cql, **how))
        yield start


def fill(house, first, count):
    """Records with these ids, each once, over all partitions."""
    producer = Producer({"bootstrap.servers": house.kafka, "enable.idempotence": True, "linger.ms": 5})
    failed = []
    for number in range(first, first + count):
        value = json.dumps({"id": f"u{number}", "username": str(number)})
        while True:
            try:
                producer.produce(TOPIC, value, f"u{number}", on_delivery=lambda error, _: error and failed.append(error))
                break
            except BufferError:
                producer.poll(0.1)
    assert producer.flush(60) == 0 and not failed, failed[:3]


def group(house):
    done = house.run("group", "describe", "users", "--json", "-b", house.kafka)
    return json.loads(done.stdout) if done.returncode == 0 else {"state": "none", "members": [], "partitions": []}


def owners(described):
    """Partition -> member id, of those that have one."""
    return {p["partition"]: p["member"] for p in described["partitions"] if "member" in p}


def shares(house):
    """How many partitions each member has, once the group is at rest and every partition has an owner."""
    described = group(house)
    owned = owners(described)
    if described["state"] != "Stable" or len(owned) != PARTITIONS:
        return None
    return sorted(list(owned.values()).count(member["id"]) for member in described["members"])


def lag_is_zero(house):
    described = group(house)
    return len(described["partitions"]) == PARTITIONS and all("lag" in p for p in described["partitions"]) and described["lag"] == 0


def check_table(house, count):
    """Every id once, with the value it came with; checkpoints and group at the end of each partition; no letter."""
    rows = {row["id"]: row["username"] for row in house.rows(f"SELECT id, username FROM {TABLE}")}
    missing = [n for n in range(count) if rows.get(f"u{n}") != str(n)]
    assert not missing, f"{len(missing)} of {count} are missing, the first u{missing[0]}"
    assert len(rows) == count
    ends = {p["partition"]: p["end_offset"] for p in group(house)["partitions"]}
    assert sum(ends.values()) == count
    points = house.rows("SELECT \"partition\", next_offset FROM penstock.checkpoints WHERE pipeline = 'users'")
    assert {row["partition"]: row["next_offset"] for row in points} == ends
    topics = json.loads(house.command("topic", "list", "--json", "-b", house.kafka))
    assert f"{TOPIC}.dlq" not in {topic["name"] for topic in topics}


def rebalances(worker):
    return sum(float(value) for value in re.findall(r"^ingest_rebalances_total\{.*\} (\S+)$", worker.get("/metrics"), re.M))


def test_three_share_the_partitions_and_two_replace_the_one_that_is_killed(house, workers):
    text = pipeline("session.timeout.ms: 6000, heartbeat.interval.ms: 500", max_rows=500)
    three = [workers(f"w{i}", text) for i in range(3)]
    tails = lambda: "\n".join(w.tail() for w in three)  # noqa: E731
    eventually("four partitions each", lambda: shares(house) == [4, 4, 4], tail=tails)
    fill(house, 0, 40_000)
    eventually("a part of the work", lambda: three[0].status().get("rowsWritten", 0) > 0, every=0.005, tail=tails)
    fill(house, 40_000, 20_000)
    three[0].kill()
    fill(house, 60_000, 20_000)
    eventually("six partitions each", lambda: shares(house) == [6, 6], tail=tails)
    eventually("nothing left", lambda: lag_is_zero(house), tail=tails)
    check_table(house, 80_000)
    for worker in three[1:]:
        assert worker.stop() == 0


def test_who_stops_hands_over_at_once(house, workers):
    text = pipeline()  # a session of 45 s: nobody waits for it
    first, second = workers("first", text), workers("second", text)
    eventually("six partitions each", lambda: shares(house) == [6, 6])
    fill(house, 0, 5000)
    assert first.stop() == 0
    eventually("all twelve for the other", lambda: shares(house) == [12], seconds=8)
    fill(house, 5000, 5000)
    eventually("nothing left", lambda: lag_is_zero(house), tail=second.tail)
    check_table(house, 10_000)


def test_a_rolling_restart_under_lasting_names_moves_no_partition(house, workers):
    # Names by the file and by the flag; the flag wins.
    text = pipeline(more=', group_instance: "users-${WORKER}"')
    three = [workers("zero", text, env={"WORKER": "0"}), workers("one", text, env={"WORKER": "1"}),
             workers("two", text, env={"WORKER": "0"}, instance="users-2")]
    eventually("four partitions each", lambda: shares(house) == [4, 4, 4], tail=lambda: "\n".join(w.tail() for w in three))

    def by_name():
        described = group(house)
        names = {m["id"]: m["instance"] for m in described["members"]}
        return {p: names[member] for p, member in owners(described).items()} if described["state"] == "Stable" else {}

    before = by_name()
    assert set(before.values()) == {"users-0", "users-1", "users-2"}
    fill(house, 0, 5000)
    calm = [rebalances(worker) for worker in three]
    for number, worker in enumerate(three):
        if number == 1:
            worker.kill()  # also without a goodbye
        else:
            assert worker.stop() == 0
        assert by_name() == before, "while it is away, its partitions wait for it"
        fill(house, 5000 * (number + 1), 5000)
        worker.start()
        eventually("its partitions again", lambda: len(worker.assigned()) == 4, seconds=10, tail=worker.tail)
        assert by_name() == before
        others = [w for i, w in enumerate(three) if i > number]
        assert [rebalances(w) for w in others] == calm[number + 1:], "those that were not restarted noticed nothing"
    eventually("nothing left", lambda: lag_is_zero(house))
    check_table(house, 20_000)


def test_two_workers_of_one_name_the_newer_one_stays(house, workers):
    first = workers("first", pipeline(), instance="same")
    eventually("all partitions", lambda: shares(house) == [12], tail=first.tail)
    second = workers("second", pipeline(), instance="same")
    assert first.process.wait(30) == 1, first.tail()
    assert "same" in first.tail() and "another worker" in first.tail(), first.tail()
    eventually("all partitions for the second", lambda: len(second.assigned()) == 12, tail=second.tail)


def test_an_impossible_name_is_refused(house, tmp_path):
    file = tmp_path / "p.yaml"
    file.write_text(pipeline())
    done = house.run("run", str(file), "--group-instance", "a b")
    assert done.returncode == 2 and "a worker's name holds" in done.stderr
    file.write_text(pipeline(more=', group_instance: "a/b"'))
    done = house.run("validate", str(file))
    assert done.returncode != 0 and "group_instance 'a/b'" in done.stdout + done.stderr


def test_an_operators_reset_is_honoured(house, workers):
    def reset(*flags):
        done = json.loads(house.command("group", "reset-offsets", "users", *flags, "--json", "-b", house.kafka))
        return done["executed"], {p["partition"]: (p.get("old_offset"), p["new_offset"]) for p in done["partitions"]}

    fill(house, 0, 6000)
    worker = workers("w", pipeline())
    eventually("nothing left", lambda: lag_is_zero(house), tail=worker.tail)
    ends = {p["partition"]: p["end_offset"] for p in group(house)["partitions"]}
    busy = house.run("group", "reset-offsets", "users", "--topic", TOPIC, "--to-earliest", "--execute", "-b", house.kafka)
    assert busy.returncode == 1 and "stop them first" in busy.stderr, busy.stderr
    assert worker.stop() == 0

    assert reset("--topic", TOPIC, "--to-earliest") == (False, {p: (end, 0) for p, end in ends.items()})
    assert lag_is_zero(house), "a dry run changes nothing"
    assert reset("--all-topics", "--shift-by", "-100", "--execute") == (True, {p: (end, end - 100) for p, end in ends.items()})
    assert reset("--topic", f"{TOPIC}:0,3", "--to-offset", "7", "--execute") == (True, {p: (ends[p] - 100, 7) for p in (0, 3)})
    want = sum(ends[p] - 7 if p in (0, 3) else 100 for p in ends)
    worker.start()
    eventually("nothing left", lambda: lag_is_zero(house), tail=worker.tail)
    eventually("so many read again", lambda: worker.status().get("rowsRead") == want, tail=worker.tail)
    assert "somebody set the group's offset" in worker.tail(20_000)
    check_table(house, 6000)
    assert worker.stop() == 0

    assert reset("--topic", TOPIC, "--to-datetime", "2000-01-01T00:00:00Z")[1] == {p: (end, 0) for p, end in ends.items()}
    assert reset("--topic", TOPIC, "--to-datetime", "2999-01-01T00:00:00Z")[1] == {p: (end, end) for p, end in ends.items()}
    assert reset("--topic", f"{TOPIC}:1", "--to-offset", "999999")[1] == {1: (ends[1], ends[1])}
    for wrong in (["--to-earliest"], ["--topic", TOPIC], ["--topic", TOPIC, "--to-earliest", "--to-latest"], ["--topic", TOPIC, "--to-datetime", "soon"],
                  ["--topic", f"{TOPIC}:77", "--to-latest"]):
        assert house.run("group", "reset-offsets", "users", *wrong, "-b", house.kafka).returncode != 0, wrong
