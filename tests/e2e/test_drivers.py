# SPDX-License-Identifier: Apache-2.0
"""Cassandra's Python driver, in three releases, by protocol 3, 4 and its default walk-down. What it does is in drivers/*.py."""
import pathlib
import subprocess

import pytest

from conftest import Node, harness, python_of

DRIVERS = pathlib.Path(__file__).parent / "drivers"
VENVS = ["debian", "driver328", "driver"]


def command(venv, script, node, version):
    host, port = node.cql
    return [python_of(venv), str(DRIVERS / f"{script}.py"), host, str(port), version]


def run(tmp_path, venv, script, version):
    with Node(tmp_path, pipeline=False) as node:
        done = subprocess.run(command(venv, script, node, version), capture_output=True, text=True, timeout=120)
        assert done.returncode == 0 and done.stdout == "done\n", done.stdout + done.stderr + node.tail()


@pytest.mark.parametrize("venv", VENVS)
@pytest.mark.parametrize("version", ["3", "4", "default"])
def test_everyday_work(tmp_path, venv, version):
    run(tmp_path, venv, "everyday", version)


@pytest.mark.parametrize("venv", ["debian", "driver"])
@pytest.mark.parametrize("version", ["3", "4"])
@pytest.mark.parametrize("script", ["every_type", "bound_values", "schema_events", "spark_connector"])
def test_by_version(tmp_path, venv, version, script):
    run(tmp_path, venv, script, version)


def test_bodies_are_packed_where_the_client_can(tmp_path):
    """The newest driver has lz4 beside it (tests/venvs.txt) and then asks for it by itself."""
    look = ("import sys; sys.path.insert(0, sys.argv.pop(1)); import connecting; cluster, session = connecting.connected(); "
            "print(cluster.control_connection._connection.compressor is not None, "
            "len(list(session.execute('SELECT * FROM system_schema.columns'))) > 50)")
    with Node(tmp_path, pipeline=False) as node:
        host, port = node.cql
        for venv, packed in (("driver", True), ("debian", False)):
            done = subprocess.run([python_of(venv), "-c", look, str(DRIVERS), host, str(port), "default" if packed else "4"],
                                  capture_output=True, text=True, timeout=60)
            assert done.stdout == f"{packed} True\n", done.stdout + done.stderr


@pytest.mark.parametrize("venv", VENVS)
def test_client_goes_on_after_an_orderly_restart_and_after_a_kill(tmp_path, venv):
    port = harness.free_port()
    with Node(tmp_path, cql_port=port, pipeline=False) as node, subprocess.Popen(
            command(venv, "restart", node, "4"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        try:
            assert client.stdout.readline() == "connected\n"
            assert node.stop() == 0
            client.stdin.write("stopped\n")
            client.stdin.flush()
            assert client.stdout.readline() == "heard\n"
            node.start()
            client.stdin.write("started\n")
            client.stdin.flush()
            assert client.stdout.readline() == "on\n"
            node.kill()
            node.start()
            client.stdin.write("killed and started\n")
            client.stdin.flush()
            assert client.stdout.read() == "done\n"
        finally:
            client.kill()
