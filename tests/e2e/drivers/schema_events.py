# SPDX-License-Identifier: Apache-2.0
"""One client changes the schema; another, which only listens, knows each change by the server's event."""
from connecting import KEYSPACE, SIMPLE, cluster, eventually

listening = cluster(schema_event_refresh_window=0)
listening.connect()
heard = []
listening.control_connection._connection.register_watcher("SCHEMA_CHANGE", heard.append, register_timeout=5)
changing = cluster()
session = changing.connect()


def keyspace():
    return listening.metadata.keyspaces.get(KEYSPACE)


def table():
    return keyspace() and keyspace().tables.get("t")


def change(ddl, known):
    before = len(heard)
    session.execute(ddl)
    eventually(ddl, lambda: len(heard) > before and known())


change(f"CREATE KEYSPACE {KEYSPACE} {SIMPLE}", keyspace)
change(f"ALTER KEYSPACE {KEYSPACE} WITH durable_writes = false", lambda: not keyspace().durable_writes)
change(f"CREATE TABLE {KEYSPACE}.t (id text PRIMARY KEY)", table)
change(f"ALTER TABLE {KEYSPACE}.t ADD added int", lambda: "added" in table().columns)
change(f"ALTER TABLE {KEYSPACE}.t WITH comment = 'new'", lambda: table().options["comment"] == "new")
change(f"ALTER TABLE {KEYSPACE}.t DROP added", lambda: "added" not in table().columns)
change(f"DROP TABLE {KEYSPACE}.t", lambda: table() is None)
change(f"DROP KEYSPACE {KEYSPACE}", lambda: keyspace() is None)
kinds = [(event["change_type"], event["target_type"]) for event in heard]
assert kinds == [("CREATED", "KEYSPACE"), ("UPDATED", "KEYSPACE"), ("CREATED", "TABLE"), ("UPDATED", "TABLE"), ("UPDATED", "TABLE"),
                 ("UPDATED", "TABLE"), ("DROPPED", "TABLE"), ("DROPPED", "KEYSPACE")], kinds
changing.shutdown()
listening.shutdown()
print("done")
