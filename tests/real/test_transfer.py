# SPDX-License-Identifier: Apache-2.0
"""penstock export and import between the built-in engines and real ones, and back: the same on every side."""
import json
import pathlib
import re
import subprocess
import sys

from confluent_kafka import Producer

import harness

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import moving as e2e  # noqa: E402


def run(*arguments):
    done = subprocess.run([str(harness.BINARY), *arguments, "--json"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return json.loads(done.stdout)


class Real:
    """What the helpers of the end-to-end tests ask of a node."""

    def __init__(self, kafka=None, cassandra=None):
        self.kafka = kafka
        if cassandra:
            host, port = cassandra.rsplit(":", 1)
            self.cql = host, int(port)

    client, command, cql_command, rows, run = (vars(harness.Penstock)[name] for name in ("client", "command", "cql_command", "rows", "run"))


def test_a_topic_goes_to_kafka_and_back(real_kafka, tmp_path):
    harness.empty(bootstrap=real_kafka.address)
    real = Real(kafka=real_kafka.address)
    with harness.Penstock(tmp_path / "first", pipeline=False) as first, harness.Penstock(tmp_path / "second", pipeline=False) as second:
        first.command("topic", "create", "events", "-b", first.kafka, "--partitions", str(e2e.PARTITIONS), "--config", "retention.ms=-1",
                      "--config", "max.message.bytes=2000000")
        e2e.produce(first, "events", 3000)
        e2e.produce(first, "events", 3, value=b"x" * 1_200_000, first=3000)
        e2e.commit(first, "readers", {0: 7, 1: 1001})
        run("export", "topic", "events", "--to", str(tmp_path / "out"), "-b", first.kafka)
        assert run("import", str(tmp_path / "out"), "-b", real.kafka)["moved_now"] == 3003
        assert run("import", str(tmp_path / "out"), "-b", real.kafka)["moved_now"] == 0
        assert e2e.committed(real, "readers") == {0: 7, 1: 1001}
        expected = e2e.read(first, "events")
        assert e2e.read(real, "events") == expected

        # A transaction leaves a marker behind: offsets with gaps, which the way back closes.
        producer = Producer({"bootstrap.servers": real.kafka, "transactional.id": "one"})
        producer.init_transactions(30)
        for commit in (True, False, True):
            producer.begin_transaction()
            producer.produce("events", b"in a transaction" if commit else b"rolled back", partition=0, timestamp=e2e.FIRST)
            producer.commit_transaction(30) if commit else producer.abort_transaction(30)
        e2e.commit(real, "readers", {0: e2e.read(real, "events")[0][-1][0]})
        run("export", "topic", "events", "--to", str(tmp_path / "back"), "-b", real.kafka)
        run("import", str(tmp_path / "back"), "-b", second.kafka)
        here, there = e2e.read(second, "events"), e2e.read(real, "events")
        assert e2e.without_offsets(here) == e2e.without_offsets(there)
        assert len(there[0]) == len(expected[0]) + 2 and there[0][-1][0] > here[0][-1][0]
        assert e2e.committed(second, "readers")[0] == here[0][-1][0]


def test_kafkas_own_tool_reads_the_files(real_kafka, tmp_path):
    with harness.Penstock(tmp_path / "node", pipeline=False) as node:
        node.command("topic", "create", "events", "-b", node.kafka, "--partitions", str(e2e.PARTITIONS))
        e2e.produce(node, "events", 300)
        run("export", "topic", "events", "--to", str(tmp_path / "out"), "-b", node.kafka)
    # The tool wants a file named after its first offset, as segments are.
    segment = tmp_path / "00000000000000000000.log"
    segment.write_bytes((tmp_path / "out/partition-1.log").read_bytes())
    text = subprocess.run([*real_kafka.java, "kafka.tools.DumpLogSegments", "--deep-iteration", "--print-data-log", "--files", str(segment)],
                          check=True, capture_output=True, text=True, timeout=120).stdout
    assert [int(n) for n in re.findall(r"^\| offset: (\d+) ", text, re.M)] == list(range(100))
    assert "isvalid: false" not in text and "payload: value 1 " in text


def test_a_table_goes_to_cassandra_and_back(real_cassandra, tmp_path):
    harness.empty(contact_point=real_cassandra.address)
    real = Real(cassandra=real_cassandra.address)
    columns = ['"E"', "f", "g", "h", "i"]
    with harness.Penstock(tmp_path / "first", pipeline=False) as first, harness.Penstock(tmp_path / "second", pipeline=False) as second:
        first.cql_command(e2e.KINDS)
        at = [["--contact-points", "%s:%d" % each.cql] for each in (first, real, second)]
        run("export", "table", "ks.kinds", "--to", str(tmp_path / "out"), *at[0])
        first.eventually("the short row to go", lambda: first.rows("SELECT a FROM ks.kinds WHERE a = 'y' AND b = 2") == [])
        assert run("import", str(tmp_path / "out"), *at[1])["rows"] == 5
        run("export", "table", "ks.kinds", "--to", str(tmp_path / "back"), *at[1])
        assert run("import", str(tmp_path / "back"), *at[2])["rows"] == 4
        expected = e2e.table_rows(first, "ks.kinds", columns, "a, b, c, d")[0]
        assert len(expected) == 4
        for node in (real, second):
            assert e2e.table_rows(node, "ks.kinds", columns, "a, b, c, d")[0] == expected


def test_a_pipelines_table_goes_to_cassandra_and_back(real_cassandra, tmp_path):
    harness.empty(contact_point=real_cassandra.address)
    real = Real(cassandra=real_cassandra.address)
    table = "spark_streams.created_users"
    with harness.Penstock(tmp_path / "first") as first, harness.Penstock(tmp_path / "second", pipeline=False) as second:
        first.produce(*first.command("generate", "--count", "20000").splitlines())
        first.drained(20_000, 60)
        run("export", "table", table, "--to", str(tmp_path / "out"), "--contact-points", "%s:%d" % first.cql)
        assert run("import", str(tmp_path / "out"), "--contact-points", real_cassandra.address)["moved_now"] == 20_000
        assert run("import", str(tmp_path / "out"), "--contact-points", real_cassandra.address)["moved_now"] == 0
        run("export", "table", table, "--to", str(tmp_path / "back"), "--contact-points", real_cassandra.address)
        run("import", str(tmp_path / "back"), "--contact-points", "%s:%d" % second.cql)
        question = f"SELECT id, email, writetime(email), picture FROM {table}"
        assert real.cql_command(question, "--json") == first.cql_command(question, "--json") == second.cql_command(question, "--json")


def test_what_only_cassandra_has_is_refused(real_cassandra, tmp_path):
    harness.empty(contact_point=real_cassandra.address)
    real = Real(cassandra=real_cassandra.address)
    real.cql_command("CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    for number, (columns, why) in enumerate((("id int PRIMARY KEY, n counter", "counter"), ("id int PRIMARY KEY, v list<int>", "not frozen"),
                                             ("id int, c int, s int static, PRIMARY KEY (id, c)", "static"),
                                             ("id int PRIMARY KEY, v vector<float, 3>", "CQL's own"))):
        real.cql_command(f"CREATE TABLE ks.t{number} ({columns})")
        refused = real.run("export", "table", f"ks.t{number}", "--to", str(tmp_path / "out"), "--contact-points", real_cassandra.address)
        assert refused.returncode == 1 and why in refused.stderr, refused.stderr
