# SPDX-License-Identifier: Apache-2.0
# Drives the server at the port given with the Python driver; exit 77 where there is no driver.
import sys
import uuid

try:
    from cassandra import InvalidRequest
    from cassandra.cluster import Cluster
    from cassandra.query import BatchStatement, SimpleStatement
except ImportError:
    sys.exit(77)

port = int(sys.argv[1])
for version in (None, 3, 4):
    options = {"protocol_version": version} if version else {}
    cluster = Cluster(["127.0.0.1"], port=port, **options)
    session = cluster.connect()
    name = "py%s" % (version or "")
    session.execute("CREATE KEYSPACE IF NOT EXISTS %s WITH replication = {'class': 'SimpleStrategy', 'replication_factor': '1'}" % name)
    session.set_keyspace(name)
    session.execute("CREATE TABLE IF NOT EXISTS users (id UUID PRIMARY KEY, name TEXT, age INT, at TIMESTAMP, ok BOOLEAN, size DOUBLE)")
    insert = session.prepare("INSERT INTO users (id, name, age, ok, size) VALUES (?, ?, ?, ?, ?)")
    ids = [uuid.uuid4() for _ in range(120)]
    for i, id in enumerate(ids[:20]):
        session.execute(insert, (id, "name %d" % i, i, True, 1.5))
    batch = BatchStatement()
    for i, id in enumerate(ids[20:]):
        batch.add(insert, (id, "name %d" % (i + 20), i + 20, None, None))
    session.execute(batch)
    rows = list(session.execute(SimpleStatement("SELECT * FROM users", fetch_size=17)))
    assert {row.id for row in rows} == set(ids), len(rows)
    row = session.execute("SELECT name, age, size FROM users WHERE id = %s", (ids[3],)).one()
    assert (row.name, row.age, row.size) == ("name 3", 3, 1.5), row
    assert session.execute("SELECT count(*) FROM users").one()[0] == 120
    select = session.prepare("SELECT * FROM users WHERE id = ?")
    session.execute("ALTER TABLE users ADD extra text")
    assert session.execute(select, (ids[3],)).one().extra is None
    try:
        session.execute("SELECT nosuch FROM users")
        sys.exit("an undefined column was taken")
    except InvalidRequest as error:
        assert "Undefined column name nosuch" in str(error), error
    trace = session.execute("SELECT * FROM users LIMIT 1", trace=True).get_query_trace()
    assert trace.duration is not None
    table = cluster.metadata.keyspaces[name].tables["users"]
    assert table.primary_key[0].name == "id" and "extra" in table.columns, table.columns
    assert cluster.metadata.token_map is not None
    assert cluster.metadata.cluster_name == "Test Cluster"
    cluster.shutdown()
