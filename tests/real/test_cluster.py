# SPDX-License-Identifier: Apache-2.0
"""A pipeline in front of a Cassandra cluster of three nodes: routing, a node that dies and comes back, DDL while it runs."""
import json
import re
import subprocess

import pytest
from cassandra import ConsistencyLevel
from cassandra.cluster import Cluster
from cassandra.query import SimpleStatement

import harness
from engines import RealCluster
from test_security import configured

TABLE = "spark_streams.created_users"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with RealCluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
def session(cluster):
    """A driver that we did not write, asking at QUORUM."""
    with Cluster([node.host for node in cluster.nodes], port=cluster.nodes[0].port, protocol_version=4, connect_timeout=30) as driver:
        session = driver.connect()
        session.default_timeout = 60
        for keyspace in ("spark_streams", "penstock"):
            session.execute(f"DROP KEYSPACE IF EXISTS {keyspace}")
        yield session


@pytest.fixture
def node(cluster, session, tmp_path):
    penstock = harness.Penstock(tmp_path / "node", contact_point=cluster.nodes[0].address, max_rows=2_000)
    configured(penstock, cassandra={"contact_points": [cluster.nodes[0].address], "consistency": "quorum", "compression": "lz4"})
    with penstock:
        yield penstock
        assert penstock.stop() == 0


def metric(node, name, engine):
    found = re.search(rf'^penstock_cql_client_{name}{{node="{re.escape(engine.address)}"}} (\S+)$', node.get("/metrics"), re.M)
    return float(found[1]) if found else 0.0


def requests(node, cluster):
    return [metric(node, "requests_total", engine) for engine in cluster.nodes]


def generate(node, count, seed):
    """Sends so many people and returns their ids."""
    flags = ("--count", str(count), "--seed", str(seed))
    node.command("generate", "-b", node.kafka, "--topic", "users_data", *flags, timeout=300)
    told = subprocess.run([str(harness.BINARY), "generate", *flags], check=True, capture_output=True, text=True).stdout
    return {json.loads(line)["id"] for line in told.splitlines()}


def ids(session):
    return {row.id for row in session.execute(SimpleStatement(f"SELECT id FROM {TABLE}", consistency_level=ConsistencyLevel.QUORUM, fetch_size=5000))}


def test_a_node_dies_amid_a_drain_and_comes_back(cluster, session, node):
    node.eventually("three nodes", lambda: all(metric(node, "connections", engine) == 1 for engine in cluster.nodes), 30)
    wanted = generate(node, 60_000, 1)
    before = node.eventually("some", lambda: (rows := node.pipeline()["rowsWritten"]) >= 10_000 and rows, 120)
    assert all(count > 0 for count in requests(node, cluster)), "requests go to every node"
    victim = cluster.nodes[2]
    victim.kill()
    assert before < 50_000, "killed amid the drain"
    node.eventually("its connection is gone", lambda: metric(node, "connections", victim) == 0)
    more = generate(node, 5_000, 2)
    node.drained(65_000, 300)
    assert ids(session) == wanted | more
    victim.start(300)
    node.eventually("its connection is back without help", lambda: metric(node, "connections", victim) == 1, 60)
    sent = metric(node, "requests_total", victim)
    last = generate(node, 3_000, 3)
    node.drained(68_000, 120)
    assert metric(node, "requests_total", victim) > sent + 500
    assert ids(session) == wanted | more | last


def test_rows_go_to_the_node_that_owns_their_token(cluster, session, node):
    node.eventually("the pipeline runs", lambda: node.pipeline()["state"] == "running", 60)
    session.execute("ALTER KEYSPACE spark_streams WITH replication = {'class': 'NetworkTopologyStrategy', 'datacenter1': 1}")
    node.eventually("three nodes", lambda: all(metric(node, "connections", engine) == 1 for engine in cluster.nodes), 30)
    people = [f"user_{number}" for number in range(900)]
    # The server itself says which token an id has.
    session.execute("CREATE TABLE IF NOT EXISTS spark_streams.ids (id text PRIMARY KEY)")
    insert = session.prepare("INSERT INTO spark_streams.ids (id) VALUES (?)")
    for name in people:
        session.execute(insert, (name,))
    tokens = {row.id: row.its_token for row in session.execute("SELECT id, token(id) AS its_token FROM spark_streams.ids")}
    sent = 0
    for i, engine in enumerate(cluster.nodes):
        owned = [name for name in people if cluster.owner(tokens[name]) is engine]
        assert len(owned) > 200
        before = requests(node, cluster)
        node.produce(*(json.dumps({"id": name}) for name in owned))
        sent += len(owned)
        node.drained(sent, 60)
        risen = [after - past for past, after in zip(before, requests(node, cluster))]
        assert risen[i] >= len(owned), (engine.host, risen)
        # Offsets are kept beside the rows, in a keyspace of their own.
        assert all(other < 60 for j, other in enumerate(risen) if j != i), (engine.host, risen)


def test_ddl_while_it_runs(cluster, session, node):
    wanted = generate(node, 500, 4)
    node.drained(500, 60)
    node.cql_command(f"ALTER TABLE {TABLE} ADD nickname text")
    wanted |= generate(node, 500, 5)
    node.drained(1000, 60)
    assert ids(session) == wanted
    columns = "id text PRIMARY KEY, " + ", ".join(f"{name} text" for name in (
        "first_name", "last_name", "gender", "address", "post_code", "email", "username", "registered_date", "phone", "picture"))
    node.cql_command(f"DROP TABLE {TABLE}")
    node.cql_command(f"CREATE TABLE {TABLE} ({columns})")
    again = generate(node, 500, 6)
    node.drained(1500, 60)
    assert ids(session) == again


def test_a_datacenter_that_nobody_is_in_is_said(cluster, tmp_path):
    config = tmp_path / "penstock.yaml"
    config.write_text(json.dumps({"cassandra": {"contact_points": [cluster.nodes[1].address], "local_dc": "mars"}, "pipelines": []}))
    done = subprocess.run([str(harness.BINARY), "cql", "-c", str(config), "-e", "SELECT * FROM system.local"], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "'mars' (cassandra.local_dc); there is: datacenter1" in done.stderr, done.stderr
