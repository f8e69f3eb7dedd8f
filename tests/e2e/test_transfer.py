# SPDX-License-Identifier: Apache-2.0
"""penstock export and import: a topic or a table moves from one built-in engine to another and is the same there."""
import json
import signal
import subprocess
import time

import pytest
from confluent_kafka import Producer

import harness
from conftest import Node
from moving import FIRST, KINDS, PARTITIONS, commit, committed, produce, read, table_rows, without_offsets


@pytest.fixture
def two(tmp_path):
    """A source and a target, each a whole process of its own, without a pipeline."""
    with Node(tmp_path / "old", pipeline=False) as old, Node(tmp_path / "new", pipeline=False) as new:
        yield old, new


def moved(node, *arguments):
    return json.loads(node.command(*arguments, "--json", timeout=120))


def test_a_topic_is_the_same_on_the_other_side(two, tmp_path):
    old, new = two
    old.command("topic", "create", "events", "-b", old.kafka, "--partitions", str(PARTITIONS), "--config", "retention.ms=-1",
                "--config", "max.message.bytes=2000000")
    produce(old, "events", 3000)
    produce(old, "events", 3, value=b"x" * 1_200_000, first=3000)
    done = moved(old, "export", "topic", "events", "--to", str(tmp_path / "out"), "-b", old.kafka)
    assert (done["records"], done["moved_now"], done["partitions"]) == (3003, 3003, PARTITIONS)
    done = moved(new, "import", str(tmp_path / "out"), "-b", new.kafka)
    assert (done["records"], done["moved_now"]) == (3003, 3003)
    assert read(new, "events") == read(old, "events")
    (described,) = json.loads(new.command("topic", "describe", "events", "-b", new.kafka, "--json"))
    assert described["configs"]["retention.ms"] == "-1" and described["configs"]["max.message.bytes"] == "2000000"

    again = moved(old, "export", "topic", "events", "--to", str(tmp_path / "out"), "-b", old.kafka)
    assert (again["records"], again["moved_now"]) == (3003, 0)
    again = moved(new, "import", str(tmp_path / "out"), "-b", new.kafka)
    assert (again["records"], again["moved_now"]) == (3003, 0)
    assert len(read(new, "events")[0]) == len(read(old, "events")[0])


def interrupted(node, arguments, reached):
    """Runs the command and kills it as soon as `reached` says that it is under way."""
    process = subprocess.Popen([str(harness.BINARY), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not reached():
        assert process.poll() is None, f"it ended before it could be killed\n{process.communicate()}"
        assert time.monotonic() < deadline
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def manifest(folder):
    try:
        return json.loads((folder / "manifest.json").read_text())
    except FileNotFoundError:
        return None


def test_an_interrupted_export_and_import_go_on(two, tmp_path):
    old, new = two
    old.command("topic", "create", "events", "-b", old.kafka, "--partitions", str(PARTITIONS))
    produce(old, "events", 150_000, value=bytes(range(256)) * 3)
    out = tmp_path / "out"
    export = ["export", "topic", "events", "--to", str(out), "-b", old.kafka]
    done = 0
    for _ in range(2):
        def under_way():
            now = manifest(out)
            return now is not None and sum(p["records"]["count"] for p in now["topic"]["partitions"]) > done
        interrupted(old, export, under_way)
        now = manifest(out)
        assert not now["complete"]
        done = sum(p["records"]["count"] for p in now["topic"]["partitions"])
    assert 0 < done < 150_000
    refused = new.run("import", str(out), "-b", new.kafka)
    assert refused.returncode == 1 and "not finished" in refused.stderr
    result = moved(old, *export)
    assert (result["records"], result["moved_now"]) == (150_000, 150_000 - done)

    load = ["import", str(out), "-b", new.kafka]

    def held():
        described = new.run("topic", "describe", "events", "-b", new.kafka, "--json")
        if described.returncode != 0:
            return 0
        return sum(p.get("end_offset", 0) for p in json.loads(described.stdout)[0]["partitions"])
    interrupted(new, load, lambda: held() > 0)
    there = held()
    assert 0 < there < 150_000
    result = moved(new, *load)
    assert result["records"] == 150_000 and result["moved_now"] <= 150_000 - there
    assert read(new, "events") == read(old, "events")


def test_a_damaged_export_changes_nothing(two, tmp_path):
    old, new = two
    old.command("topic", "create", "events", "-b", old.kafka, "--partitions", str(PARTITIONS))
    produce(old, "events", 300)
    out = tmp_path / "out"
    moved(old, "export", "topic", "events", "--to", str(out), "-b", old.kafka)
    for name in ("partition-1.log", "manifest.json"):
        whole = (out / name).read_bytes()
        for place in (5, len(whole) // 2):
            damaged = bytearray(whole)
            damaged[place] ^= 4
            (out / name).write_bytes(damaged)
            refused = new.run("import", str(out), "-b", new.kafka)
            assert refused.returncode == 1 and name in refused.stderr, refused.stderr
            assert refused.stderr.count("\n") == 1
        (out / name).write_bytes(whole[:-10])
        refused = new.run("import", str(out), "-b", new.kafka)
        assert refused.returncode == 1 and name in refused.stderr, refused.stderr
        (out / name).write_bytes(whole)
    assert json.loads(new.command("topic", "list", "-b", new.kafka, "--json")) == []
    moved(new, "import", str(out), "-b", new.kafka)


def test_a_target_that_is_something_else_is_refused(two, tmp_path):
    old, new = two
    old.command("topic", "create", "events", "-b", old.kafka, "--partitions", str(PARTITIONS))
    produce(old, "events", 300)
    out = str(tmp_path / "out")
    moved(old, "export", "topic", "events", "--to", out, "-b", old.kafka)
    new.command("topic", "create", "two", "-b", new.kafka, "--partitions", "2")
    new.command("topic", "create", "other", "-b", new.kafka, "--partitions", str(PARTITIONS))
    produce(new, "other", 30, first=9)
    new.command("topic", "create", "longer", "-b", new.kafka, "--partitions", str(PARTITIONS))
    produce(new, "longer", 330)
    for name, why in (("two", "2 partitions"), ("other", "are not the first"), ("longer", "somebody wrote")):
        before = json.loads(new.command("topic", "describe", name, "-b", new.kafka, "--json"))
        refused = new.run("import", out, "--as", name, "-b", new.kafka)
        assert refused.returncode == 1 and why in refused.stderr, refused.stderr
        assert json.loads(new.command("topic", "describe", name, "-b", new.kafka, "--json")) == before
    refused = old.run("export", "topic", "events", "--to", str(tmp_path), "-b", old.kafka)
    assert refused.returncode == 1 and "empty folder" in refused.stderr
    refused = old.run("export", "topic", "nobody", "--to", str(tmp_path / "none"), "-b", old.kafka)
    assert refused.returncode == 1 and "nobody" in refused.stderr


def test_offsets_of_groups_mean_the_same_records(tmp_path):
    """The source has lost its first records, so the copy's offsets are others."""
    with Node(tmp_path / "old", pipeline=False, kafka_extra="  log_retention_check_interval_ms: 20\n") as old, \
            Node(tmp_path / "new", pipeline=False) as new:
        old.command("topic", "create", "events", "-b", old.kafka, "--partitions", str(PARTITIONS),
                    "--config", "segment.bytes=20000", "--config", "retention.bytes=20000", "--config", "retention.ms=-1")
        for first in range(0, 1500, 100):  # batches of some size, so that segments are closed
            produce(old, "events", 100, value=b"x" * 200, first=first)
        ends = {partition: 500 for partition in range(PARTITIONS)}

        def first_offsets():
            (described,) = json.loads(old.command("topic", "describe", "events", "-b", old.kafka, "--json"))
            return {p["partition"]: p["first_offset"] for p in described["partitions"]}
        old.eventually("retention at work in every partition", lambda: all(first > 50 for first in first_offsets().values()))
        firsts = first_offsets()
        middle = {partition: (firsts[partition] + 500) // 2 for partition in ends}
        commit(old, "in the middle", middle)
        commit(old, "at the end", ends)
        commit(old, "before the first", {0: 3})
        moved(old, "export", "topic", "events", "--to", str(tmp_path / "out"), "-b", old.kafka)

        commit_elsewhere = {0: 1}
        done = moved(new, "import", str(tmp_path / "out"), "--no-groups", "-b", new.kafka)
        assert done["groups"] == 0 and json.loads(new.command("group", "list", "-b", new.kafka, "--json")) == []
        commit(new, "before the first", commit_elsewhere)
        loaded = new.run("import", str(tmp_path / "out"), "--json", "-b", new.kafka)
        assert loaded.returncode == 0 and json.loads(loaded.stdout)["groups"] == 3
        assert "stays at 1" in loaded.stderr and "before the first" in loaded.stderr
        there, here = read(old, "events"), read(new, "events")
        assert without_offsets(there) == without_offsets(here)
        for partition in ends:
            assert here[partition][0][0] == 0 and there[partition][0][0] == firsts[partition]
            place = committed(new, "in the middle")[partition]
            at = [record[0] for record in there[partition]].index(middle[partition])
            assert here[partition][place][1:] == there[partition][at][1:]
            assert committed(new, "at the end")[partition] == len(here[partition])
        assert committed(new, "before the first") == commit_elsewhere


def test_a_table_is_the_same_on_the_other_side(two, tmp_path):
    old, new = two
    old.cql_command(KINDS)
    out = str(tmp_path / "out")
    done = moved(old, "export", "table", "ks.kinds", "--to", out, "--contact-points", "%s:%d" % old.cql)
    assert (done["rows"], done["expiring_cells"]) == (5, 4)
    old.eventually("the short row to go", lambda: old.rows("SELECT a FROM ks.kinds WHERE a = 'y' AND b = 2") == [])
    columns = ['"E"', "f", "g", "h", "i"]
    load = ["import", out, "--contact-points", "%s:%d" % new.cql]
    for attempt in range(2):  # the second finds everything there
        done = moved(new, *load)
        assert (done["rows"], done["expired_cells"]) == (5, 2), attempt
        there, ttls = table_rows(old, "ks.kinds", columns, "a, b, c, d")
        here, ttls_here = table_rows(new, "ks.kinds", columns, "a, b, c, d")
        assert here == there and len(there) == 4
        for one, other in zip(sum(ttls, []), sum(ttls_here, [])):
            assert (one is None) == (other is None) and (one is None or abs(one - other) <= 5)
    assert sum(ttl is not None for ttl in sum(ttls_here, [])) == 2
    for node in two:  # the newest write wins in the copy, too, and an older one loses
        node.cql_command("UPDATE ks.kinds USING TTL 0 AND TIMESTAMP 1500 SET \"E\" = 'old' WHERE a = 'x' AND b = 1 AND c = 1000 AND d = 1.50;"
                         "UPDATE ks.kinds USING TTL 0 AND TIMESTAMP 2600 SET h = 9 WHERE a = 'x' AND b = 1 AND c = 1000 AND d = 1.50")
    assert table_rows(new, "ks.kinds", columns, "a, b, c, d")[0] == table_rows(old, "ks.kinds", columns, "a, b, c, d")[0]
    described = [node.cql_command("DESCRIBE TABLE ks.kinds").replace(" ", "") for node in two]
    assert described[0] == described[1]
    refused = new.run(*load)
    assert refused.returncode == 1 and "did it hold other or newer rows" in refused.stderr
    renamed = moved(new, *load, "--as", "Other.copy")
    assert renamed["name"] == "other.copy" and len(new.rows("SELECT * FROM other.copy")) == 4


def test_a_table_that_cannot_be_carried_over_is_refused(node, tmp_path):
    node.cql_command("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};"
                     "CREATE TABLE ks.t (id int, c int, s int static, PRIMARY KEY (id, c))")
    refused = node.run("export", "table", "ks.t", "--to", str(tmp_path / "out"), "--contact-points", "%s:%d" % node.cql)
    assert refused.returncode == 1 and "column s: it is static" in refused.stderr and "ks.t" in refused.stderr
    assert not (tmp_path / "out").exists()


def test_other_columns_and_damage_are_refused(two, tmp_path):
    old, new = two
    old.cql_command(KINDS)
    out = tmp_path / "out"
    moved(old, "export", "table", "ks.kinds", "--to", str(out), "--contact-points", "%s:%d" % old.cql)
    load = ["import", str(out), "--contact-points", "%s:%d" % new.cql]
    file = max(out.glob("range-*.rows"), key=lambda each: each.stat().st_size)
    whole = file.read_bytes()
    for damaged in (whole[:-1], whole[:20] + bytes([whole[20] ^ 1]) + whole[21:]):
        file.write_bytes(damaged)
        refused = new.run(*load)
        assert refused.returncode == 1 and file.name in refused.stderr and refused.stderr.count("\n") == 1
    file.write_bytes(whole)
    assert new.rows("SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = 'ks'") == []
    new.cql_command("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};"
                    "CREATE TABLE ks.kinds (a text, b int, c timestamp, d decimal, \"E\" int, PRIMARY KEY ((a, b), c, d)) WITH CLUSTERING ORDER BY (c DESC, d ASC)")
    refused = new.run(*load)
    assert refused.returncode == 1 and "other columns" in refused.stderr and "E text" in refused.stderr


ROWS = 100_000


def test_an_interrupted_export_and_import_of_a_table_go_on(tmp_path):
    with Node(tmp_path / "old") as old, Node(tmp_path / "new", pipeline=False) as new:
        old.produce(*old.command("generate", "--count", str(ROWS)).splitlines())
        old.drained(ROWS, 60)
        table = "spark_streams.created_users"
        out = tmp_path / "out"
        export = ["export", "table", table, "--to", str(out), "--contact-points", "%s:%d" % old.cql]

        def done():
            now = manifest(out)
            return sum(each["rows"] for each in now["table"]["ranges"] if each["complete"]) if now else 0
        interrupted(old, export, lambda: done() > 0)
        before = done()
        assert 0 < before < ROWS
        result = moved(old, *export)
        assert (result["rows"], result["moved_now"]) == (ROWS, ROWS - before)

        load = ["import", str(out), "--contact-points", "%s:%d" % new.cql]

        def some_there():
            asked = new.run("cql", "%s:%d" % new.cql, "-e", f"SELECT id FROM {table} LIMIT 1", "--json")
            return asked.returncode == 0 and asked.stdout != ""
        interrupted(new, load, some_there)
        result = moved(new, *load)
        assert result["rows"] == ROWS and 0 < result["moved_now"] < ROWS
        question = f"SELECT id, email, writetime(email) FROM {table}"
        assert old.cql_command(question, "--json") == new.cql_command(question, "--json")
        assert moved(new, *load)["moved_now"] == 0


def test_a_pipeline_goes_on_where_it_was(tmp_path):
    """Topic, table and checkpoint move; the pipeline reads what it had not read, once, and its clock goes on."""
    def send(node, *people):
        producer = Producer({"bootstrap.servers": node.kafka})
        for person in people:
            producer.produce("users_data", json.dumps(person).encode(), timestamp=FIRST)
        assert producer.flush(20) == 0
    with Node(tmp_path / "old", pipeline=False) as old:
        old.command("topic", "create", "users_data", "-b", old.kafka, "--config", "segment.bytes=20000", "--config", "retention.bytes=20000", "--config", "retention.ms=-1")
    with Node(tmp_path / "old") as old:
        for number in range(30):
            send(old, *({"id": f"user_{number}", "picture": "x" * 2000} for _ in range(5)))
        send(old, {"id": "filler"}, {"id": "same", "email": "before"})
        old.drained(152)
        old.eventually("the group's offset", lambda: json.loads(
            old.command("group", "describe", "users", "-b", old.kafka, "--json"))["partitions"][0]["offset"] == 152)
        assert old.stop() == 0
    retention = "  log_retention_check_interval_ms: 20\n"
    with Node(tmp_path / "old", pipeline=False, kafka_extra=retention) as old, Node(tmp_path / "new", pipeline=False) as new:
        send(old, {"id": "same", "email": "after"}, *({"id": f"later_{number}"} for number in range(9)))
        old.eventually("retention at work", lambda: json.loads(
            old.command("topic", "describe", "users_data", "-b", old.kafka, "--json"))[0]["partitions"][0]["first_offset"] > 0)
        moved(old, "export", "topic", "users_data", "--to", str(tmp_path / "topic"), "-b", old.kafka)
        moved(new, "import", str(tmp_path / "topic"), "-b", new.kafka)
        for table in ("spark_streams.created_users", "penstock.checkpoints"):
            moved(old, "export", "table", table, "--to", str(tmp_path / table), "--contact-points", "%s:%d" % old.cql)
            moved(new, "import", str(tmp_path / table), "--contact-points", "%s:%d" % new.cql)
        assert new.stop() == 0
    with Node(tmp_path / "new") as new:
        new.drained(10)
        assert new.pipeline()["rowsRead"] == 10
        assert new.rows("SELECT email FROM spark_streams.created_users WHERE id = 'same'") == [{"email": "after"}]
        assert len(new.rows("SELECT id FROM spark_streams.created_users")) == 30 + 2 + 9
        assert any("was moved here" in line.get("msg", line.get("message", "")) for line in new.log())
