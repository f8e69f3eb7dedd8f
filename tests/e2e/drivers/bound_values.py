# SPDX-License-Identifier: Apache-2.0
"""Markers beside column values: IN ?, tuples, LIMIT ?, USING ? and the pieces of the token ring."""
from cassandra.query import UNSET_VALUE
from connecting import EXPECTED, connected

cluster, session = connected()
session.execute("CREATE TABLE t (p text, a int, b text, v int, PRIMARY KEY (p, a, b)) WITH default_time_to_live = 1000")
insert = session.prepare("INSERT INTO t (p, a, b, v) VALUES (?, ?, ?, ?) USING TTL ? AND TIMESTAMP ?")
for p in "xyz":
    for a in range(3):
        for b in ("k", "l"):
            session.execute(insert, (p, a, b, a, 100 * (a + 1), 7))


def rows(text, *values):
    return [tuple(row) for row in session.execute(session.prepare(text), values)]


assert sorted(rows("SELECT p FROM t WHERE p IN ? AND a = 0 AND b = 'k'", ["x", "z", "none"])) == [("x",), ("z",)]
assert rows("SELECT p FROM t WHERE p IN ?", []) == []
assert rows("SELECT a, b FROM t WHERE p = 'x' AND a IN ?", [2, 0]) == [(0, "k"), (0, "l"), (2, "k"), (2, "l")]
assert rows("SELECT a, b FROM t WHERE p = 'x' AND (a, b) IN ?", [(2, "k"), (0, "l")]) == [(0, "l"), (2, "k")]
assert rows("SELECT a, b FROM t WHERE p = 'x' AND (a, b) > ? AND (a, b) <= (?, ?)", (0, "k"), 1, "k") == [(0, "l"), (1, "k")]
assert rows("SELECT a, b FROM t WHERE p = 'x' LIMIT ?", 2) == [(0, "k"), (0, "l")]
assert len(rows("SELECT a FROM t PER PARTITION LIMIT ?", 1)) == 3
ttl, written = rows("SELECT ttl(v), writetime(v) FROM t WHERE p = 'x' AND a = 1 AND b = 'k'")[0]
assert 190 <= ttl <= 200 and written == 7, (ttl, written)
if EXPECTED >= 4:  # the first version that has unset values
    session.execute(insert, ("unset", 0, "k", 1, UNSET_VALUE, UNSET_VALUE))
    ttl, written = rows("SELECT ttl(v), writetime(v) FROM t WHERE p = 'unset'")[0]
    assert 990 <= ttl <= 1000 and written > 1_600_000_000_000_000, (ttl, written)
    assert len(rows("SELECT a FROM t WHERE p = 'x' LIMIT ?", UNSET_VALUE)) == 6
rows("UPDATE t USING TIMESTAMP ? AND TTL ? SET v = 9 WHERE p = 'x' AND a = 1 AND b IN ?", 8, 0, ["k", "l"])
assert rows("SELECT v, ttl(v), writetime(v) FROM t WHERE p = 'x' AND a = 1") == [(9, None, 8), (9, None, 8)]
rows("DELETE v FROM t USING TIMESTAMP ? WHERE p = 'x' AND a = 1 AND b = 'k'", 8)
rows("DELETE FROM t USING TIMESTAMP ? WHERE p = 'x' AND a = 1 AND b = 'l'", 7)
assert rows("SELECT b, v FROM t WHERE p = 'x' AND a = 1") == [("k", None), ("l", 9)]
rows("BEGIN BATCH USING TIMESTAMP ? UPDATE t SET v = 5 WHERE p = 'x' AND a = 1 AND b = 'l'; APPLY BATCH", 9)
assert rows("SELECT v, writetime(v) FROM t WHERE p = 'x' AND a = 1 AND b = 'l'") == [(5, 9)]

# The ring as the Spark connector takes it: between the tokens that the driver knows, and the last piece up to the ring's end.
session.execute("CREATE TABLE wide (id int PRIMARY KEY)")
put = session.prepare("INSERT INTO wide (id) VALUES (?)")
for i in range(500):
    session.execute(put, (i,))
ring = [token.value for token in cluster.metadata.token_map.ring]
assert len(ring) >= 16 and ring == sorted(ring), ring
least = -(2**63)
edges = [least, *(token for token in ring if token != least), least]
piece = session.prepare("SELECT id FROM wide WHERE token(id) > ? AND token(id) <= ?")
pieces = [[row.id for row in session.execute(piece, (low, high))] for low, high in zip(edges, edges[1:])]
assert sorted(sum(pieces, [])) == list(range(500)), "every row once"
assert sum(1 for each in pieces if each) > 8, "spread over the ring"
cluster.shutdown()
print("done")
