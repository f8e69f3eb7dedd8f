# SPDX-License-Identifier: Apache-2.0
"""Every scalar type, bound and as a literal, as value, as null and as key."""
import datetime
import decimal
import uuid

from cassandra.util import Date, Duration, Time
from connecting import connected

STAMP = datetime.datetime(2024, 2, 29, 1, 2, 3, 456000)
UUID = uuid.UUID("123e4567-e89b-42d3-a456-426614174000")
TIMEUUID = uuid.UUID("50554d6e-29bb-11e5-b345-feff819cdc9f")
# type: values and their literals
TYPES = {
    "ascii": [("plain", "'plain'"), ("", "''")],
    "bigint": [(-(2**63), str(-(2**63))), (2**63 - 1, str(2**63 - 1))],
    "blob": [(b"\x00\xff", "0x00ff"), (b"", "0x")],
    "boolean": [(True, "true"), (False, "false")],
    "date": [(Date("2024-02-29"), "'2024-02-29'"), (Date(-1), "'1969-12-31'")],
    "decimal": [(decimal.Decimal("-12.345"), "-12.345"), (decimal.Decimal("1E+3"), "1E+3")],
    "double": [(2.5, "2.5"), (float("-inf"), "-Infinity"), (1e300, "1e300")],
    "duration": [(Duration(14, 3, 5_000_000_000), "1y2mo3d5s"), (Duration(-1, -2, -3), "-1mo2d3ns")],
    "float": [(-0.5, "-0.5"), (float("inf"), "Infinity")],
    "inet": [("10.0.0.1", "'10.0.0.1'"), ("2001:db8::1", "'2001:db8::1'")],
    "int": [(-7, "-7"), (2**31 - 1, str(2**31 - 1))],
    "smallint": [(-32768, "-32768"), (32767, "32767")],
    "text": [("tëxt's", "'tëxt''s'"), ("", "''")],
    "time": [(Time("01:02:03.000000004"), "'01:02:03.000000004'"), (Time(0), "'00:00:00'")],
    "timestamp": [(STAMP, "'2024-02-29T01:02:03.456Z'"), (datetime.datetime(1969, 12, 31), "'1969-12-31 00:00:00+0000'")],
    "timeuuid": [(TIMEUUID, str(TIMEUUID))],
    "tinyint": [(-128, "-128"), (127, "127")],
    "uuid": [(UUID, str(UUID))],
    "varint": [(2**80, str(2**80)), (-(2**80), str(-(2**80))), (0, "0")],
}
NO_KEYS = {"duration"}  # have no order

cluster, session = connected()
columns = [f"c_{name}" for name in TYPES]
session.execute("CREATE TABLE every (k text PRIMARY KEY, %s)" % ", ".join(f"c_{name} {name}" for name in TYPES))
known = cluster.metadata.keyspaces[session.keyspace].tables["every"].columns
assert {name: known[f"c_{name}"].cql_type for name in TYPES} == {name: name for name in TYPES}
insert = session.prepare(f"INSERT INTO every (k, {', '.join(columns)}) VALUES (?, {', '.join('?' for _ in columns)})")
select = session.prepare(f"SELECT {', '.join(columns)} FROM every WHERE k = ?")


def row(key):
    bound = tuple(session.execute(select, (key,)).one())
    plain = tuple(session.execute(f"SELECT {', '.join(columns)} FROM every WHERE k = '{key}'").one())
    assert bound == plain, (bound, plain)
    return bound


for i in range(max(len(values) for values in TYPES.values())):
    chosen = [values[i % len(values)] for values in TYPES.values()]
    expected = tuple(value for value, _ in chosen)
    session.execute(insert, (f"bound {i}", *expected))
    assert row(f"bound {i}") == expected, (row(f"bound {i}"), expected)
    session.execute("INSERT INTO every (k, %s) VALUES ('literal %d', %s)" % (", ".join(columns), i, ", ".join(text for _, text in chosen)))
    assert row(f"literal {i}") == expected, (row(f"literal {i}"), expected)
session.execute(insert, ("nulls", *[None for _ in columns]))
assert row("nulls") == tuple(None for _ in columns), row("nulls")

for name, values in TYPES.items():
    if name in NO_KEYS:
        continue
    session.execute(f"CREATE TABLE by_{name} (p {name}, c {name}, n int, PRIMARY KEY (p, c))")
    keyed = session.prepare(f"INSERT INTO by_{name} (p, c, n) VALUES (?, ?, ?)")
    found = session.prepare(f"SELECT n FROM by_{name} WHERE p = ? AND c = ?")
    partition = values[0][0]
    for n, (value, _) in enumerate(values):
        session.execute(keyed, (partition, value, n))
    for n, (value, text) in enumerate(values):
        assert session.execute(found, (partition, value)).one().n == n, (name, value)
        literal = f"SELECT n FROM by_{name} WHERE p = {values[0][1]} AND c = {text}"
        assert session.execute(literal).one().n == n, literal
cluster.shutdown()
print("done")
