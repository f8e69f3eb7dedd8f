# SPDX-License-Identifier: Apache-2.0
"""Apache Kafka's own producer, consumer and admin client, of the line that most people run and of the newest; Cassandra's own driver.

Needs Java, maven and, once, the network (conftest.py).
"""
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import harness  # noqa: E402

PROGRAM = pathlib.Path(__file__).with_name("JavaClients.java")
DRIVER = pathlib.Path(__file__).with_name("JavaDriver.java")


@pytest.mark.parametrize("scenario", ["codecs", "group", "static", "admin"])
@pytest.mark.parametrize("jars", ["classpath", "newest_clients"])
def test_java_clients(jars, scenario, tmp_path, request):
    with harness.Penstock(tmp_path, pipeline=False) as node:
        done = subprocess.run(["java", "-cp", request.getfixturevalue(jars), PROGRAM, node.kafka, scenario],
                              capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, done.stderr[-6000:] + node.tail()


def carries_on(node, *command):
    """The client works on while the server is stopped and then killed, and each time started again with its ports and its data."""
    with open(node.folder / "client.txt", "w+") as errors, subprocess.Popen(
            ["java", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True) as client:
        def says(wanted):
            if client.stdout.readline() != wanted + "\n":
                client.wait()  # its own patience has ended before ours would
                errors.seek(0)
                pytest.fail(f"not {wanted}:\n{errors.read()[-6000:]}{node.tail()}")
        try:
            says("flowing")
            for end in (node.stop, node.kill):
                assert not end()
                node.start()
                client.stdin.write("and now?\n")
                client.stdin.flush()
                says("flowing")
            client.stdin.close()
            says("done")
        finally:
            client.kill()


@pytest.mark.parametrize("jars", ["classpath", "newest_clients"])
def test_producer_and_consumer_carry_on_over_restarts(jars, tmp_path, request):
    with harness.Penstock(tmp_path, kafka_port=harness.free_port(), pipeline=False) as node:
        carries_on(node, "-cp", request.getfixturevalue(jars), PROGRAM, node.kafka, "restart")


def test_cql_driver_carries_on_over_restarts(cql_driver, tmp_path):
    with harness.Penstock(tmp_path, cql_port=harness.free_port(), pipeline=False) as node:
        host, port = node.cql
        carries_on(node, "-cp", cql_driver, DRIVER, host, str(port))
