# SPDX-License-Identifier: Apache-2.0
"""Whole-binary tests: the real program on free ports, spoken to by clients that we did not write."""
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import harness  # noqa: E402

SAMPLE = ('{"id":"user_12345","first_name":"John","last_name":"Doe","gender":"male","address":"123 Main St","post_code":"10001",'
          '"email":"john.doe@example.com","username":"johndoe","registered_date":"2023-10-01T12:00:00Z","phone":"+1-555-123-4567",'
          '"picture":"https://example.com/john.jpg"}')


# Real engines in the place of the built-in ones: arguments of every Node that says nothing else.
REAL = {}


def pytest_addoption(parser):
    parser.addoption("--real-kafka", metavar="HOST:PORT", help="a real Kafka for the tests marked 'mixes'")
    parser.addoption("--real-cassandra", metavar="HOST:PORT", help="a real Cassandra for the tests marked 'mixes'")


def pytest_configure(config):
    config.addinivalue_line("markers", "mixes: holds for every mix of built-in and real engines")
    REAL.update({name: given for name, option in (("bootstrap", "--real-kafka"), ("contact_point", "--real-cassandra"))
                 if (given := config.getoption(option))})


class Node(harness.Penstock):
    """The harness's node, with the real engines that the command line names."""

    def __init__(self, folder, **how):
        super().__init__(folder, **{**REAL, **how})

    def __exit__(self, *failure):
        if REAL:
            self.stop()  # who is killed stays a member of its group, which then cannot be deleted
        super().__exit__(*failure)


@pytest.fixture(autouse=True)
def empty_real_engines():
    """What the test before left in the real engines goes; the built-in ones begin in an empty folder."""
    harness.empty(**REAL)


@pytest.fixture
def node(tmp_path):
    with Node(tmp_path, show=True) as started:
        yield started


@pytest.fixture
def kcat():
    def run(node, *arguments, stdin=None):
        done = subprocess.run(["kcat", "-b", node.kafka, *arguments], input=stdin, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout
    return run


def python_of(venv):
    """The interpreter of a virtual environment that `./dev test` makes (tests/venvs.txt), or Debian's own."""
    if venv == "debian":
        return "/usr/bin/python3"
    python = harness.ROOT / "build/venv" / venv / "bin/python"
    if not python.exists():
        pytest.fail(f"{python} is missing; ./dev test e2e makes it")
    return str(python)
