# SPDX-License-Identifier: Apache-2.0
"""A disk that takes no writes for a while: refused by name, reads go on, and the store mends itself."""
import resource

import pytest
from cassandra.cluster import Cluster

from conftest import Node, harness

# The limit on the size of files stands for the disk: it can be set for a process that runs, by anybody.
IGNORING_THE_LIMITS_SIGNAL = ("sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh", str(harness.BINARY), "up")


def limit_files(node, size):
    resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_writes_go_on_without_a_restart_when_the_disk_is_well_again(tmp_path):
    with Node(tmp_path, pipeline=False, command=IGNORING_THE_LIMITS_SIGNAL) as node:
        cluster = Cluster([node.cql[0]], port=node.cql[1], protocol_version=4)
        session = cluster.connect()
        session.execute("CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
        session.execute("CREATE TABLE k.t (id int PRIMARY KEY, v blob)")
        insert = session.prepare("INSERT INTO k.t (id, v) VALUES (?, ?)")
        for i in range(30):
            session.execute(insert, (i, bytes(100_000)))  # the store's log is 3 MB by now
        limit_files(node, 1 << 20)
        for reason in ("File too large", "until the disk takes them again", "until the disk takes them again"):
            with pytest.raises(Exception, match=reason):
                session.execute(insert, (1000, b""))
        assert session.execute("SELECT count(*) FROM k.t").one()[0] == 30
        assert node.get("/livez")
        limit_files(node, resource.RLIM_INFINITY)
        for i in range(30, 60):
            session.execute(insert, (i, b"after"))
        cluster.shutdown()
        node.kill()
        node.start()
        found = {row["id"] for row in node.rows("SELECT id FROM k.t")}
        assert found >= set(range(60)), sorted(set(range(60)) - found)
