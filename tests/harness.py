# SPDX-License-Identifier: Apache-2.0
"""Starts the real binary for tests and benchmarks: on 127.0.0.1, in a folder of its own, stopped by its own pid."""
import atexit
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
BINARY = pathlib.Path(os.environ.get("PENSTOCK", ROOT / "build/release/penstock"))


@atexit.register
def end_the_drivers_event_loop():
    """The Python driver (3.25) means to end its thread (libev) when the process ends, and never does; if the interpreter goes first, the
    thread takes the process down."""
    loop = getattr(sys.modules.get("cassandra.io.libevreactor"), "_global_loop", None)
    if loop is not None and loop._thread is not None:
        loop._cleanup()
        loop._thread.join(30)


def free_port() -> int:
    """A port that was free a moment ago: for tests whose server has to come back on the same one."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


PIPELINE = """\
pipeline: users
source:
  kafka: {topics: [users_data], group: users, start: earliest}
decode: json
schema: |
  id text NOT NULL, first_name text, last_name text, gender text, address text, post_code text,
  email text, username text, registered_date text, phone text, picture text
transform:
  - where: "id <> ''"
on_error: {decode: dlq, missing_required: dlq, convert: dlq}
dlq: {kafka: {topic: users_data.dlq}}
trigger: {interval: %(interval)s, max_rows: %(max_rows)d}
sinks:
  - cassandra: {keyspace: spark_streams, table: created_users, primary_key: [id], create_if_missing: true}
"""
CONSOLE_SINK = "  - console: {rows: 20, truncate: 20}\n"


class Penstock:
    """One `penstock up`. `with Penstock(folder) as node: node.kafka, node.cql, node.console, ...`
    `pipeline`: True for the one above, its text for another, False for none.
    `bootstrap`, `contact_point`: HOST:PORT of a real Kafka or Cassandra that takes the place of the built-in one."""

    def __init__(self, folder, *, kafka_port=0, cql_port=0, console_port=0, interval="0ms", max_rows=200_000, partitions=1,
                 show=False, pipeline=True, kafka_extra="", flags=(), env=None, command=(str(BINARY), "up"),
                 bootstrap=None, contact_point=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = self.folder / "data"
        self.config = self.folder / "penstock.yaml"
        users = self.folder / "users.yaml"
        users.write_text(pipeline if isinstance(pipeline, str) else
                         PIPELINE % {"interval": interval, "max_rows": max_rows} + (CONSOLE_SINK if show else ""))
        self.bootstrap = bootstrap
        self.contact_point = contact_point
        built_in = f"  listeners: {{PLAINTEXT: \"127.0.0.1:{kafka_port}\"}}\n  num_partitions: {partitions}\n{kafka_extra}"
        self.config.write_text(
            f"data_dir: {self.data}\nkafka:\n"
            + (f"  bootstrap_servers: \"{bootstrap}\"\n" if bootstrap else built_in)
            + (f"cassandra: {{contact_points: [\"{contact_point}\"]}}\n" if contact_point else f"cassandra: {{listen: \"127.0.0.1:{cql_port}\"}}\n") +
            f"console: {{listen: \"127.0.0.1:{console_port}\"}}\n"
            f"pipelines: {[str(users)] if pipeline else []}\n")
        self.up = list(command)
        self.flags = list(flags)
        self.env = {**os.environ, **(env or {})}
        self.process = None
        self.endpoints = {}

    def start(self, timeout=30.0):
        self.out = open(self.folder / "out.txt", "ab")
        self.err = open(self.folder / "err.txt", "ab")
        began = time.monotonic()
        self.process = subprocess.Popen([*self.up, "-c", str(self.config), *self.flags],
                                        stdout=self.out, stderr=self.err, env=self.env)
        file = self.data / "endpoints.json"
        while time.monotonic() - began < timeout:
            if self.process.poll() is not None:
                raise RuntimeError(f"penstock up ended with {self.process.returncode}:\n{self.tail()}")
            try:
                endpoints = json.loads(file.read_text())
                if endpoints["pid"] == self.process.pid:
                    self.endpoints = endpoints
                    self.start_seconds = time.monotonic() - began
                    return self
            except (FileNotFoundError, ValueError, KeyError):
                pass
            time.sleep(0.002)
        raise RuntimeError(f"penstock up is not ready after {timeout} s:\n{self.tail()}")

    def tail(self, bytes_max=6000) -> str:
        return "\n".join(f"--- {name}\n{(self.folder / name).read_text(errors='replace')[-bytes_max:]}" for name in ("out.txt", "err.txt"))

    @property
    def kafka(self) -> str:
        return self.bootstrap or self.endpoints["kafka"]["PLAINTEXT"]

    @property
    def cql(self):
        host, port = (self.contact_point or self.endpoints["cassandra"]).rsplit(":", 1)
        return host, int(port)

    def get(self, path: str):
        with urllib.request.urlopen(f"http://{self.endpoints['console']}{path}", timeout=10) as answer:
            return answer.read().decode()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    @contextlib.contextmanager
    def frozen(self):
        """The process stands still (SIGSTOP) inside the block: all its threads, not only those that the kernel has reached by then."""
        self.process.send_signal(signal.SIGSTOP)
        _, status = os.waitpid(self.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), f"the process ended with status {status}"
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def stop(self, timeout=10.0) -> int:
        """SIGTERM; the exit code."""
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else 0
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    @staticmethod
    def client(*arguments, stdin=None, timeout=60, env=None):
        """A `penstock` command that ends by itself."""
        return subprocess.run([str(BINARY), *arguments], input=stdin, capture_output=True, text=True, timeout=timeout, env={**os.environ, **(env or {})})

    def run(self, *arguments, **how):
        return self.client(*arguments, **how)

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

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.out.close()
        self.err.close()


class Worker:
    """One `penstock run` beside others of its group. `worker.api()` is its own /api/pipelines."""

    def __init__(self, folder, name, pipeline, kafka, cql, *, instance=None, config=None, env=None, flags=()):
        self.folder = pathlib.Path(folder) / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file = self.folder / "pipeline.yaml"
        self.file.write_text(pipeline)
        self.console = f"127.0.0.1:{free_port()}"
        self.command = [str(BINARY), "run", str(self.file), "-b", kafka, "--contact-points", cql, "--console", self.console,
                        *(["--group-instance", instance] if instance else []), *(["-c", str(config)] if config else []), *flags]
        self.env = {**os.environ, **(env or {})}
        self.process = None

    def start(self, **how):
        with open(self.folder / "log.txt", "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self.env, cwd=self.folder, **how)
        return self

    def tail(self, bytes_max=4000):
        return f"--- {self.folder.name}\n{(self.folder / 'log.txt').read_text(errors='replace')[-bytes_max:]}"

    def get(self, path):
        with urllib.request.urlopen(f"http://{self.console}{path}", timeout=10) as answer:
            return answer.read().decode()

    def status(self):
        """Of its pipeline; {} while nobody answers."""
        try:
            return json.loads(self.get("/api/pipelines"))["pipelines"][0]
        except (OSError, ValueError):
            return {}

    def assigned(self):
        return {(topic, int(partition)) for topic, partitions in self.status().get("checkpoint", {}).items() for partition in partitions}

    def memory_megabytes(self, what="VmRSS"):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(what + r":\s+(\d+)", status)[1]) / 1024

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self, timeout=15.0):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()


def eventually(what, condition, seconds=30, every=0.05, tail=lambda: ""):
    """The answer of `condition` once it is true; what it asks for happens in other processes."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"after {seconds} s still not: {what}\n{tail()}"
        time.sleep(every)
    return answer


def empty(bootstrap=None, contact_point=None):
    """Deletes the empty groups and all topics of a real Kafka and all keyspaces of a real Cassandra: what a test before left there."""
    def run(*arguments):
        return subprocess.run([str(BINARY), *arguments], stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout
    if bootstrap:
        for group in json.loads(run("group", "list", "-b", bootstrap, "--json")):
            # A pipeline is a static member: the group keeps its place for the session's time-out, and the next one takes it over.
            if group["state"] == "Empty":
                run("group", "delete", group["group"], "-b", bootstrap)
        def topics():
            return json.loads(run("topic", "list", "-b", bootstrap, "--json"))
        for topic in topics():
            run("topic", "delete", topic["name"], "-b", bootstrap)
        # The brokers learn of it a moment later; what is produced until then is acknowledged and goes with the old topic.
        eventually("no topic is left", lambda: not topics())
    if contact_point:
        for row in run("cql", contact_point, "--json", "-e", "SELECT keyspace_name FROM system_schema.keyspaces").splitlines():
            if not (name := json.loads(row)["keyspace_name"]).startswith("system"):
                run("cql", contact_point, "-e", f"DROP KEYSPACE {name}")
