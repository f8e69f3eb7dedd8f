# SPDX-License-Identifier: Apache-2.0
"""Whole-binary tests: the real program on free ports, spoken to by clients that we did not write."""
import json
import pathlib
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import harness  # noqa: E402

SAMPLE = ('{"id":"user_12345","first_name":"John","last_name":"Doe","gender":"male","address":"123 Main St","post_code":"10001",'
          '"email":"john.doe@example.com","username":"johndoe","registered_date":"2023-10-01T12:00:00Z","phone":"+1-555-123-4567",'
          '"picture":"https://example.com/john.jpg"}')


class Node(harness.Penstock):
    """The harness's node with the words that the tests below need."""

    def command(self, *arguments, stdin=None, timeout=60):
        """A client command of the binary against this node; fails the test when it fails."""
        done = self.run(*arguments, stdin=stdin, timeout=timeout)
        assert done.returncode == 0, f"penstock {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def produce(self, *lines, topic="users_data"):
        self.command("produce", "-b", self.kafka, "--topic", topic, stdin="".join(line + "\n" for line in lines))

    def cql_command(self, statement, *flags):
        return self.command("cql", "%s:%d" % self.cql, "-e", statement, *flags)

    def rows(self, statement):
        return [json.loads(line) for line in self.cql_command(statement, "--json").splitlines()]

    def pipeline(self):
        return json.loads(self.get("/api/pipelines"))["pipelines"][0]

    def printed(self):
        return (self.folder / "out.txt").read_text()

    def log(self):
        return [json.loads(line) for line in (self.folder / "err.txt").read_text().splitlines()]

    def eventually(self, what, condition, seconds=20):
        """The answer of `condition` once it is true. What it waits for happens in another process, so it has to ask."""
        deadline = time.monotonic() + seconds
        while True:
            if answer := condition():
                return answer
            assert self.process.poll() is None, f"the process ended with {self.process.returncode}\n{self.tail()}"
            assert time.monotonic() < deadline, f"after {seconds} s still not: {what}\n{self.tail()}"
            time.sleep(0.01)

    def drained(self, records, seconds=20):
        """Waits until the pipeline has accounted for so many records."""
        return self.eventually(f"{records} records read", lambda: (p := self.pipeline())["rowsRead"] >= records and p["lag"] == 0 and p,
                               seconds)


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
