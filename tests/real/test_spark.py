# SPDX-License-Identifier: Apache-2.0
"""The stack's own Spark job, unchanged but for the addresses, on our broker and our table, and with one of them the real one."""
import contextlib
import json
import subprocess

import pytest

import harness
import spark

MIXES = {"built-in broker, built-in table": (False, False), "built-in broker, real Cassandra": (False, True), "real Kafka, built-in table": (True, False)}
PEOPLE, MORE = 20_000, 1_000
SELECT = f"SELECT {', '.join('id first_name last_name gender address post_code email username registered_date phone picture'.split())} " \
         "FROM spark_streams.created_users"


def people(count, seed):
    done = subprocess.run([str(harness.BINARY), "generate", "--count", str(count), "--seed", str(seed)], check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def by_id(rows):
    return {row["id"]: row for row in rows}


@contextlib.contextmanager
def node_over(mix, request, folder):
    """A node without pipelines, its ports kept over a restart, and empty real engines in the place of the built-in ones of the mix."""
    addresses = [request.getfixturevalue("real_" + name).address if real else None for name, real in zip(("kafka", "cassandra"), MIXES[mix])]
    harness.empty(*addresses)
    node = harness.Penstock(folder / "node", pipeline=False, bootstrap=addresses[0], contact_point=addresses[1],
                            kafka_port=harness.free_port(), cql_port=harness.free_port())
    with node:
        node.command("topic", "create", "users_data", "-b", node.kafka, "--partitions", "4")
        yield node


@pytest.mark.parametrize("mix", MIXES)
def test_the_stacks_job_brings_every_person_into_the_table(mix, request, tmp_path):
    first, more = people(PEOPLE, 7), people(MORE, 8)
    with node_over(mix, request, tmp_path) as node:
        # The job filters who has no id; what is not JSON has none either.
        node.produce(*first, '{"first_name":"nobody"}', "not json")
        found = spark.run("drain", tmp_path / "spark", node.kafka, node.cql)
        assert found["rows_read"] == PEOPLE + 2
        assert by_id(node.rows(SELECT)) == by_id(map(json.loads, first))
        assert node.rows("SELECT count(*) FROM spark_streams.created_users") == [{"count": PEOPLE}]
        # The same checkpoint goes on behind the last record, also when our side was restarted in between.
        assert node.stop() == 0
        node.start()
        node.produce(*more)
        found = spark.run("drain", tmp_path / "spark", node.kafka, node.cql)
        assert found["rows_read"] == MORE
        assert by_id(node.rows(SELECT)) == by_id(map(json.loads, first + more))
        assert node.stop() == 0


def test_a_query_that_runs_sees_what_is_produced_meanwhile(request, tmp_path):
    with node_over("built-in broker, built-in table", request, tmp_path) as node, \
            spark.SparkJob("follow", tmp_path / "spark", node.kafka, node.cql) as job:
        sent = []
        for seed in (7, 8, 9):
            sent += people(MORE, seed)
            node.produce(*sent[-MORE:])
            node.eventually(f"{len(sent)} rows", lambda: rows_of(node) == len(sent), 180)
        assert job.result()["rows_read"] == len(sent)
        assert by_id(node.rows(SELECT)) == by_id(map(json.loads, sent))


def rows_of(node):
    """How many rows the table has; none while the job has not made it yet."""
    done = node.run("cql", "%s:%d" % node.cql, "--json", "-e", "SELECT count(*) FROM spark_streams.created_users")
    return json.loads(done.stdout)["count"] if done.returncode == 0 else 0


@pytest.mark.parametrize("mix", ["built-in broker, built-in table", "built-in broker, real Cassandra"])
def test_batch_jobs_read_and_write_the_table(mix, request, tmp_path):
    lines = people(PEOPLE, 7)
    written = by_id(map(json.loads, lines))
    with node_over(mix, request, tmp_path) as node:
        node.produce(*lines)
        spark.run("drain", tmp_path / "spark", node.kafka, node.cql)
        found = spark.run("table", tmp_path / "spark", node.kafka, node.cql)
        some = sorted(written)[:300]
        assert found["count"] == PEOPLE and found["scan"] == [PEOPLE, PEOPLE] and found["ranges"] > 2
        assert found["by_key"] == [written[some[0]]] and found["in"] == some[:3]
        assert found["genders"] == {gender: sum(p["gender"] == gender for p in written.values()) for gender in ("male", "female")}
        assert found["joined"] == 300
        assert found["tables"] == ["created_users", "users_copy"]
        assert found["copied"] == PEOPLE and found["different"] == 0
        assert found["kept"] == 1000 and found["taken"] == 1000
        late = found["late"]
        assert [late[i][0] for i in ("late", "late2")] == ["first", "second"]
        assert all(0 < left <= 5000 and at == 1_600_000_000_000_000 for _, left, at in late.values())
        females = sum(p["gender"] == "female" and p["id"] >= some[150] for p in written.values())
        assert found["clustered"] == [females, females]
        assert found["overwritten"] == 10
        # The conditions went to the server, which is what is tested here.
        assert '"id" = ?' in found["by_key_plan"] and "Cassandra Direct Join" in found["joined_plan"]
        assert '"gender" = ?' in found["clustered_plan"] and '"id" >= ?' in found["clustered_plan"]
        assert node.stop() == 0
