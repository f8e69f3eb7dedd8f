# SPDX-License-Identifier: Apache-2.0
"""`penstock doctor`: what answers, what is missing, and what to do about it."""
import json
import socket

import harness
from harness import Penstock


def findings(done):
    """{subject: finding} of doctor --json."""
    return {one["subject"]: one for one in json.loads(done.stdout)["findings"]}


def test_everything_is_well(tmp_path):
    with Penstock(tmp_path) as node:
        node.produce('{"id": "u1"}', '{"id": "u2"}')
        node.drained(2)
        node.eventually("the group's offsets", lambda: "2" in node.command("group", "describe", "users", "-b", node.kafka))
        done = node.run("doctor", "-c", str(node.config), "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        found = findings(done)
        broker = found[f"kafka {node.kafka}"]
        assert broker["found"].startswith("Penstock ") and 0 < broker["latency_ms"] < 5000
        store = found["cassandra %s:%d" % node.cql]
        assert store["found"].startswith("Penstock") and "datacenter1" in store["found"] and 0 < store["latency_ms"] < 5000
        assert found["topic users_data"]["found"] == "1 partition, 2 records, group users is 0 behind"
        assert found["table spark_streams.created_users"]["grade"] == "ok"
        human = node.run("doctor", "-c", str(node.config)).stdout
        assert human.splitlines()[-1].endswith("0 problems")
        # It changes nothing: neither the group nor the topics.
        assert node.drained(2)["rowsRead"] == 2


def test_nobody_runs(tmp_path):
    """The built-in boxes of a configuration, before `penstock up`: what is free, and what somebody else has."""
    node = Penstock(tmp_path, kafka_port=harness.free_port())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        node.config.write_text(node.config.read_text().replace('cassandra: {listen: "127.0.0.1:0"}',
                                                               'cassandra: {listen: "127.0.0.1:%d"}' % taken.getsockname()[1]))
        done = node.run("doctor", "-c", str(node.config), "--json")
    assert done.returncode == 1
    grades = {subject.split()[0]: one["grade"] for subject, one in findings(done).items()}
    assert grades == {"data": "ok", "kafka": "note", "cassandra": "problem", "console": "note"}


def test_an_address_where_nobody_answers(tmp_path):
    dead = f"127.0.0.1:{harness.free_port()}"
    with Penstock(tmp_path / "node") as node:
        done = node.run("doctor", "-c", str(node.config), "-b", dead, "--contact-points", dead)
    assert done.returncode == 1
    for box, key in (("kafka", "kafka.bootstrap_servers"), ("cassandra", "cassandra.contact_points")):
        line, advice = done.stdout[done.stdout.index(f"{box} {dead}"):].splitlines()[:2]
        assert "refused" in line and key in advice, done.stdout
    assert "topic users_data" not in done.stdout  # nothing is asked of who is not there


def test_something_else_listens_there(tmp_path):
    with Penstock(tmp_path / "node") as node:
        done = node.run("doctor", "-c", str(node.config), "-b", node.endpoints["console"], "--contact-points", node.endpoints["console"],
                        "--timeout-ms", "1500", "--json")
    assert done.returncode == 1
    found = findings(done)
    for box in ("kafka", "cassandra"):
        assert found[f"{box} {node.endpoints['console']}"]["grade"] == "problem", found


def test_topic_and_table_are_not_what_the_pipeline_wants(tmp_path):
    with Penstock(tmp_path, pipeline=False) as node:
        pipeline = tmp_path / "users.yaml"
        first = findings(node.run("doctor", "-c", str(node.config), str(pipeline), "--json"))
        assert first["topic users_data"]["grade"] == first["table spark_streams.created_users"]["grade"] == "note"
        node.cql_command("CREATE KEYSPACE spark_streams WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
        node.cql_command("CREATE TABLE spark_streams.created_users (id text PRIMARY KEY, first_name text)")
        done = node.run("doctor", "-c", str(node.config), str(pipeline), "--json")
        assert done.returncode == 1
        table = findings(done)["table spark_streams.created_users"]
        assert table["grade"] == "problem" and "has no column last_name" in table["found"] and table["advice"]
