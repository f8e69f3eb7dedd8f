# SPDX-License-Identifier: Apache-2.0
"""What the scripts of this folder share. Each is run by a Python that has cassandra-driver: SCRIPT HOST PORT VERSION, where VERSION is
3, 4 or "default", the driver's own walk down from its newest version."""
import sys
import time

from cassandra.cluster import Cluster

HOST, PORT, VERSION = sys.argv[1], int(sys.argv[2]), sys.argv[3]
EXPECTED = 4 if VERSION == "default" else int(VERSION)
KEYSPACE = "k" + VERSION
SIMPLE = "WITH replication = {'class': 'SimpleStrategy', 'replication_factor': '1'}"


def cluster(**options):
    if VERSION != "default":
        options["protocol_version"] = int(VERSION)
    return Cluster([HOST], port=PORT, **options)


def connected(**options):
    """A cluster and a session in a keyspace of its own."""
    made = cluster(**options)
    session = made.connect()
    assert made.protocol_version == EXPECTED, made.protocol_version
    session.execute(f"CREATE KEYSPACE {KEYSPACE} {SIMPLE}")
    session.set_keyspace(KEYSPACE)
    return made, session


def eventually(what, condition, seconds=5):
    """The driver takes events in on a thread of its own and offers nothing to wait on."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"after {seconds} s still not: {what}"
        time.sleep(0.02)
