# SPDX-License-Identifier: Apache-2.0
"""The node stops in good order and comes back on its port: the client hears DOWN, and goes on by itself. As it does after a kill, of which nobody tells it."""
import sys

from cassandra.policies import ConstantReconnectionPolicy
from connecting import connected, eventually

cluster, session = connected(reconnection_policy=ConstantReconnectionPolicy(0.1, None))
session.execute("CREATE TABLE t (id int PRIMARY KEY)")
insert = session.prepare("INSERT INTO t (id) VALUES (?)")
session.execute(insert, (1,))
heard = []
cluster.control_connection._connection.register_watcher("STATUS_CHANGE", heard.append, register_timeout=5)
print("connected", flush=True)
assert sys.stdin.readline() == "stopped\n"
eventually("the server said that it stops", lambda: heard)
assert [event["change_type"] for event in heard] == ["DOWN"], heard
assert heard[0]["address"] == (cluster.contact_points[0], cluster.port), heard
print("heard", flush=True)
assert sys.stdin.readline() == "started\n"


def goes_on(number):
    try:
        session.execute(insert, (number,))
        return True
    except Exception:  # no host yet: the driver is still connecting
        return False


eventually("the session goes on", lambda: goes_on(2), seconds=10)
print("on", flush=True)
assert sys.stdin.readline() == "killed and started\n"
eventually("the session goes on after a kill", lambda: goes_on(3), seconds=10)
assert sorted(row.id for row in session.execute("SELECT id FROM t")) == [1, 2, 3]
cluster.shutdown()
print("done")
