# SPDX-License-Identifier: Apache-2.0
"""Cassandra's Python driver: protocol 3, 4 and its default walk-down; prepared statements, paging, batches, types, events."""
import subprocess

import pytest

from conftest import Node, python_of

SCRIPT = r"""
import datetime, decimal, sys, uuid
from cassandra.cluster import Cluster
from cassandra.query import BatchStatement, SimpleStatement
from cassandra import InvalidRequest, AlreadyExists

host, port, version = sys.argv[1], int(sys.argv[2]), sys.argv[3]
options = {} if version == "default" else {"protocol_version": int(version)}
cluster = Cluster([host], port=port, **options)
session = cluster.connect()
expected = 4 if version == "default" else int(version)
assert cluster.protocol_version == expected, cluster.protocol_version

ks = "k" + version
session.execute("CREATE KEYSPACE %s WITH replication = {'class': 'SimpleStrategy', 'replication_factor': '1'}" % ks)
try:
    session.execute("CREATE KEYSPACE %s WITH replication = {'class': 'SimpleStrategy', 'replication_factor': '1'}" % ks)
    raise SystemExit("a second CREATE KEYSPACE passed")
except AlreadyExists:
    pass
session.set_keyspace(ks)
session.execute("CREATE TABLE events (day int, at timestamp, n bigint, name text, PRIMARY KEY (day, at)) WITH CLUSTERING ORDER BY (at DESC)")
assert "events" in cluster.metadata.keyspaces[ks].tables, "the schema event arrived"

insert = session.prepare("INSERT INTO events (day, at, n, name) VALUES (?, ?, ?, ?)")
start = datetime.datetime(2024, 1, 1)
for i in range(120):
    session.execute(insert, (1, start + datetime.timedelta(seconds=i), i, "e%d" % i))
rows = list(session.execute(SimpleStatement("SELECT n FROM events WHERE day = 1", fetch_size=25)))
assert [r.n for r in rows] == list(range(119, -1, -1)), "five pages, newest first"
assert session.execute("SELECT count(*) FROM events").one()[0] == 120
some = session.execute("SELECT n FROM events WHERE day = 1 AND at >= '2024-01-01 00:01:50+0000' ORDER BY at ASC LIMIT 3")
assert [r.n for r in some] == [110, 111, 112]

batch = BatchStatement()
for i in range(3):
    batch.add(insert, (2, start + datetime.timedelta(seconds=i), i, None))
session.execute(batch)
assert session.execute("SELECT count(*) FROM events WHERE day = 2").one()[0] == 3
session.execute("DELETE FROM events WHERE day = 2 AND at = %s", (start,))
assert session.execute("SELECT count(*) FROM events WHERE day = 2").one()[0] == 2

session.execute("CREATE TABLE types (id uuid PRIMARY KEY, b boolean, d decimal, f double, i int, t timeuuid, v varint, x blob, ip inet, da date, ti time)")
values = (uuid.uuid4(), True, decimal.Decimal("-12.345"), 2.5, -7, uuid.uuid1(), 2**80, b"\x00\xff", "10.0.0.1", datetime.date(2024, 2, 29), datetime.time(1, 2, 3))
session.execute(session.prepare("INSERT INTO types (id, b, d, f, i, t, v, x, ip, da, ti) VALUES (?,?,?,?,?,?,?,?,?,?,?)"), values)
row = session.execute("SELECT id, b, d, f, i, t, v, x, ip FROM types").one()
assert tuple(row) == values[:9], row

try:
    session.execute("SELECT * FROM events WHERE name = 'e1'")
    raise SystemExit("a scan without ALLOW FILTERING passed")
except InvalidRequest as error:
    assert "ALLOW FILTERING" in str(error)
assert [r.n for r in session.execute("SELECT n FROM events WHERE name = 'e1' ALLOW FILTERING")] == [1]

session.execute("INSERT INTO events (day, at, name) VALUES (3, '2024-01-01', 'ttl') USING TTL 1000 AND TIMESTAMP 5")
meta = session.execute("SELECT ttl(name), writetime(name) FROM events WHERE day = 3").one()
assert 990 <= meta[0] <= 1000 and meta[1] == 5, meta
session.execute("TRUNCATE events")
assert session.execute("SELECT count(*) FROM events").one()[0] == 0
session.execute("DROP KEYSPACE %s" % ks)
cluster.shutdown()
print("done")
"""


@pytest.mark.parametrize("venv", ["debian", "driver328", "driver"])
@pytest.mark.parametrize("version", ["3", "4", "default"])
def test_python_driver(tmp_path, venv, version):
    with Node(tmp_path, pipeline=False) as node:
        host, port = node.cql
        done = subprocess.run([python_of(venv), "-c", SCRIPT, host, str(port), version], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0 and done.stdout == "done\n", done.stdout + done.stderr + node.tail()
