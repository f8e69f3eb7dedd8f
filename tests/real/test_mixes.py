# SPDX-License-Identifier: Apache-2.0
"""The same pipeline over every mix of built-in and real engines: the same suite passes, and the same records give the same table."""
import pathlib
import subprocess
import sys

import pytest

import drains

E2E = pathlib.Path(__file__).resolve().parents[1] / "e2e"
MIXES = {"real Kafka, built-in table": (True, False), "built-in broker, real Cassandra": (False, True), "real Kafka, real Cassandra": (True, True)}


@pytest.mark.parametrize("mix", MIXES)
def test_the_end_to_end_suite_holds_over(mix, request):
    flags = [f"--real-{name}={request.getfixturevalue('real_' + name).address}"
             for name, real in zip(("kafka", "cassandra"), MIXES[mix]) if real]
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "mixes", *flags, str(E2E)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900)
    print(done.stdout)
    assert done.returncode == 0
    assert "passed" in done.stdout and "skipped" not in done.stdout


@pytest.mark.parametrize("mix", [pytest.param(mix, marks=pytest.mark.short if all(MIXES[mix]) else ()) for mix in MIXES])
def test_the_same_records_give_the_same_table(mix, request, all_built_in, tmp_path):
    addresses = [request.getfixturevalue("real_" + name).address if real else None
                 for name, real in zip(("kafka", "cassandra"), MIXES[mix])]
    drains.compare(all_built_in, drains.drain(tmp_path, *addresses))
