# SPDX-License-Identifier: Apache-2.0
"""What most programs do: tables, prepared statements, pages, batches, deletions, TTL and timestamps."""
import datetime

from cassandra import AlreadyExists, InvalidRequest
from cassandra.query import BatchStatement, SimpleStatement
from connecting import KEYSPACE, SIMPLE, connected

cluster, session = connected()
try:
    session.execute(f"CREATE KEYSPACE {KEYSPACE} {SIMPLE}")
    raise SystemExit("a second CREATE KEYSPACE passed")
except AlreadyExists:
    pass
session.execute("CREATE TABLE events (day int, at timestamp, n bigint, name text, PRIMARY KEY (day, at)) WITH CLUSTERING ORDER BY (at DESC)")
assert "events" in cluster.metadata.keyspaces[KEYSPACE].tables, "the driver reads the schema again before its own DDL returns"

insert = session.prepare("INSERT INTO events (day, at, n, name) VALUES (?, ?, ?, ?)")
start = datetime.datetime(2024, 1, 1)
for i in range(120):
    session.execute(insert, (1, start + datetime.timedelta(seconds=i), i, "e%d" % i))
answer = session.execute(SimpleStatement("SELECT n FROM events WHERE day = 1", fetch_size=25))
pages = []
while True:
    pages.append([row.n for row in answer.current_rows])
    if not answer.has_more_pages:
        break
    answer.fetch_next_page()
assert [len(page) for page in pages] == [25, 25, 25, 25, 20], "five pages"
assert sum(pages, []) == list(range(119, -1, -1)), "newest first"
assert session.execute("SELECT count(*) FROM events").one()[0] == 120
some = session.execute("SELECT n FROM events WHERE day = 1 AND at >= '2024-01-01 00:01:50+0000' ORDER BY at ASC LIMIT 3")
assert [r.n for r in some] == [110, 111, 112]

first = session.execute(SimpleStatement("SELECT n FROM events WHERE day = 1", fetch_size=25))
try:
    session.execute(SimpleStatement("SELECT n FROM events", fetch_size=25), paging_state=first.paging_state)
    raise SystemExit("another query's paging state passed")
except InvalidRequest as error:
    assert "comes from another query" in str(error), error

batch = BatchStatement()
for i in range(3):
    batch.add(insert, (2, start + datetime.timedelta(seconds=i), i, None))
session.execute(batch)
assert session.execute("SELECT count(*) FROM events WHERE day = 2").one()[0] == 3
session.execute("DELETE FROM events WHERE day = 2 AND at = %s", (start,))
assert session.execute("SELECT count(*) FROM events WHERE day = 2").one()[0] == 2

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
session.execute(f"DROP KEYSPACE {KEYSPACE}")
cluster.shutdown()
print("done")
