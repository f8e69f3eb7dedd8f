# SPDX-License-Identifier: Apache-2.0
"""Apache Kafka's own producer, consumer and admin client, of the line that most people run and of the newest.

Needs Java, maven and, once, the network (conftest.py).
"""
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import harness  # noqa: E402

PROGRAM = pathlib.Path(__file__).with_name("JavaClients.java")


@pytest.mark.parametrize("scenario", ["codecs", "group", "static", "admin"])
@pytest.mark.parametrize("jars", ["classpath", "newest_clients"])
def test_java_clients(jars, scenario, tmp_path, request):
    with harness.Penstock(tmp_path, pipeline=False) as node:
        done = subprocess.run(["java", "-cp", request.getfixturevalue(jars), PROGRAM, node.kafka, scenario],
                              capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, done.stderr[-6000:] + node.tail()
