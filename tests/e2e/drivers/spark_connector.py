# SPDX-License-Identifier: Apache-2.0
"""The statements of the Spark connector as it spells them; ./dev test real runs the connector itself."""
from cassandra import ConsistencyLevel
from cassandra.query import BatchStatement, BatchType, SimpleStatement
from connecting import connected

cluster, session = connected()
PEOPLE = 400
session.execute("CREATE TABLE people (id text PRIMARY KEY, gender text, phone text)")
assert session.execute("SELECT partitioner FROM system.local").one().partitioner == "org.apache.cassandra.dht.Murmur3Partitioner"

# Writes: quoted markers by name, values by place; a group of rows is an unlogged batch.
insert = session.prepare('INSERT INTO "%s"."people" ("id", "gender", "phone") VALUES (:"id", :"gender", :"phone")' % session.keyspace)
insert.consistency_level = ConsistencyLevel.LOCAL_QUORUM
batch = BatchStatement(BatchType.UNLOGGED, consistency_level=ConsistencyLevel.LOCAL_QUORUM)
for i in range(PEOPLE):
    batch.add(insert, (f"user_{i}", "female" if i % 2 else "male", f"+{i}"))
session.execute(batch)
old = session.prepare('INSERT INTO "%s"."people" ("id", "gender") VALUES (:"id", :"gender") USING TTL 5000 AND TIMESTAMP 1600000000000000' % session.keyspace)
session.execute(old, ("user_0", "late"))

# Reads: pieces of the ring with what was pushed, and the ends of the ring open.
pieces = ["SELECT {} FROM \"{}\".\"people\" WHERE token(\"id\") <= ?   ALLOW FILTERING",
          "SELECT {} FROM \"{}\".\"people\" WHERE token(\"id\") > ? AND token(\"id\") <= ?   ALLOW FILTERING",
          "SELECT {} FROM \"{}\".\"people\" WHERE token(\"id\") > ?   ALLOW FILTERING"]
cuts = [(-(2**62),), (-(2**62), 2**62), (2**62,)]


def scan(columns):
    """The rows of each piece, page by page."""
    found = []
    for piece, cut in zip(pieces, cuts):
        statement = session.prepare(piece.format(columns, session.keyspace))
        statement.fetch_size = 30
        found.append(list(session.execute(statement, cut)))
    return found


parts = scan('"id", "gender", "phone"')
assert all(len(part) > 30 for part in parts), "each piece has several pages"
assert sorted(row.id for part in parts for row in part) == sorted(f"user_{i}" for i in range(PEOPLE))
assert {row.gender for part in parts for row in part} == {"male", "female"}, "what was written with an older time lost"
assert sum(part[0].count for part in scan("count(*)")) == PEOPLE
assert all(row.at > 1_600_000_000_000_000 for part in scan('TTL("gender") as "left", WRITETIME("gender") as "at"') for row in part)
one = session.prepare('SELECT "id", "gender" FROM "%s"."people" WHERE "id" = :"id"' % session.keyspace)
assert session.execute(one, ("user_7",)).one().gender == "female"

sizes = session.execute(SimpleStatement("SELECT range_start, range_end, partitions_count, mean_partition_size FROM system.size_estimates "
                                        "WHERE keyspace_name = %s AND table_name = %s"), (session.keyspace, "people")).all()
ring = [token.value for token in cluster.metadata.token_map.ring]
assert sorted(int(size.range_start) for size in sizes) == ring, "an estimate for each range of this node"
session.execute('TRUNCATE "%s"."people"' % session.keyspace)
assert sum(part[0].count for part in scan("count(*)")) == 0
cluster.shutdown()
print("done")
