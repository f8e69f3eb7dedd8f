# SPDX-License-Identifier: Apache-2.0
"""Faults under load on Apache Kafka and Apache Cassandra. Each ends with what was produced against the table: no id missing, none with
anything but the newest value that was produced for it."""
import contextlib
import json
import os
import random
import subprocess
import threading
import time

import pytest
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import Cluster
from confluent_kafka import Producer

import harness
from conftest import START_SECONDS, stop
from engines import kafka_tools
from harness import Worker, eventually

KILLS = int(os.environ.get("SOAK_KILLS", "30"))
SEED = int(os.environ.get("SOAK_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
PARTITIONS = 12
MEMORY_MIB = 64
PIPELINE = """\
pipeline: {name}
source:
  kafka:
    topics: [{name}]
    start: earliest
    fail_on_data_loss: {fail}
    properties: {{session.timeout.ms: 6000, heartbeat.interval.ms: 1000, {properties}}}
schema: id text NOT NULL, version bigint, email text
trigger: {{interval: 0ms, max_rows: {max_rows}}}
limits: {{memory: {memory} MiB}}
sinks:
  - cassandra: {{keyspace: soak, table: {name}, primary_key: [id], create_if_missing: true, consistency: one}}
"""


class Flow:
    """A topic, a pipeline and a table of one name, workers on it, and all that was produced."""

    def __init__(self, name, folder, kafka, cassandra, *, bootstrap=None, user="cassandra", password="cassandra", partitions=PARTITIONS):
        self.name, self.folder, self.kafka, self.cassandra = name, folder, kafka, cassandra
        self.bootstrap = bootstrap or kafka.address
        self.config = folder / f"{name}.penstock.yaml"
        self.config.write_text(json.dumps({"cassandra": {"contact_points": [cassandra.address], "auth": {"username": user, "password": password}}}))
        self.newest = {}
        self.produced = 0
        self.workers = []
        self.partitions = partitions
        self.create_topic()

    def penstock(self, *arguments):
        return subprocess.run([str(harness.BINARY), *arguments], capture_output=True, text=True, timeout=90)

    def create_topic(self):
        done = self.penstock("topic", "create", self.name, "--partitions", str(self.partitions), "-b", self.kafka.address)
        assert done.returncode == 0, done.stderr

    def pipeline(self, *, fail="true", properties="", max_rows=20_000, memory=MEMORY_MIB):
        return PIPELINE.format(name=self.name, fail=fail, properties=properties, max_rows=max_rows, memory=memory)

    def worker(self, number=0, text=None, **how):
        made = Worker(self.folder, f"{self.name}-{number}", text or self.pipeline(), self.bootstrap, self.cassandra.address, config=self.config, **how)
        self.workers.append(made)
        return made.start()

    def produce(self, count, ids, value=None):
        """`count` records over so many ids, the ids of this call being its own."""
        producer = Producer({"bootstrap.servers": self.kafka.address, "enable.idempotence": True, "linger.ms": 5, "compression.type": "lz4"})
        base, failed = self.produced, []
        for number in range(count):
            key, version = f"{base}-{number % ids}", base + number
            body = value or json.dumps({"id": key, "version": version, "email": f"{key}@example.com"})
            while True:
                try:
                    producer.produce(self.name, body, key, on_delivery=lambda error, _: error and failed.append(error))
                    break
                except BufferError:
                    producer.poll(0.1)
            if value is None:
                self.newest[key] = version
        assert producer.flush(120) == 0 and not failed, failed[:3]
        self.produced += count

    def group(self):
        done = self.penstock("group", "describe", self.name, "--json", "-b", self.kafka.address)
        return json.loads(done.stdout) if done.returncode == 0 else {"state": "none", "members": [], "partitions": []}

    def members(self):
        return sorted(member["id"] for member in self.group()["members"])

    def drained(self):
        """The group has passed the last record of each partition. One that it has no offset of yet is not among those it describes."""
        partitions = self.group()["partitions"]
        return len(partitions) == self.partitions and all("lag" in p for p in partitions) and sum(p["end_offset"] for p in partitions) > 0 and \
            sum(p["lag"] for p in partitions) == 0

    def wait_drained(self, seconds=180):
        return eventually("nothing left", self.drained, seconds, 0.2, self.tails)

    def tails(self):
        return "\n".join(worker.tail(3000) for worker in self.workers) + json.dumps(self.group())[:3000]

    def statuses(self):
        return [worker.status() for worker in self.workers]

    @contextlib.contextmanager
    def session(self):
        host, port = self.cassandra.address.split(":")
        with Cluster([host], port=int(port), protocol_version=4, auth_provider=PlainTextAuthProvider("cassandra", "cassandra")) as cluster:
            yield cluster.connect()

    def compare(self, newest=None):
        """(missing, stale, unknown) ids of the table."""
        newest = self.newest if newest is None else newest
        with self.session() as session:
            table = {row.id: row.version for row in session.execute(f"SELECT id, version FROM soak.{self.name}")}
        missing = [key for key in newest if key not in table]
        stale = [key for key, version in newest.items() if key in table and table[key] != version]
        unknown = [key for key in table if key not in newest]
        assert not missing and not stale and not unknown, (
            f"of {len(newest)}: {len(missing)} missing {missing[:3]}, {len(stale)} not the newest {stale[:3]}, {len(unknown)} unknown {unknown[:3]}\n"
            + self.tails())
        return {"records": self.produced, "ids": len(newest), "missing": 0, "doubled": 0}

    def stop(self):
        for worker in self.workers:
            worker.kill()


@pytest.fixture
def flow(tmp_path, kafka, cassandra, request):
    made = []

    def make(suffix="", **how):
        made.append(Flow("soak_" + request.node.name.removeprefix("test_").split("[")[0][:28] + suffix, tmp_path, kafka, cassandra, **how))
        return made[-1]
    yield make
    for one in made:
        one.stop()


def all_share(flow, workers):
    group = flow.group()
    return group["state"] == "Stable" and len(group["members"]) == workers and len({p.get("member") for p in group["partitions"]} - {None}) == workers


class Load(threading.Thread):
    """Chunks of records from start() until told to stop, or until the block ends that begins with it."""

    def __init__(self, flow, count=2000, pause=0.2):
        super().__init__(daemon=True)
        self.flow, self.count, self.pause, self.enough, self.failure = flow, count, pause, threading.Event(), None

    def run(self):
        try:
            while not self.enough.is_set():
                self.flow.produce(self.count, self.count // 2)
                self.enough.wait(self.pause)
        except BaseException as failure:  # told by stop()
            self.failure = failure

    def stop(self):
        self.enough.set()
        self.join(120)
        if self.failure:
            raise self.failure

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()


def test_kill_9(flow, figures):
    """One of three workers dies in mid-drain, again and again; the others take over, and it comes back as somebody new."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    fleet = flow()
    text = fleet.pipeline(max_rows=2000)
    for number in range(3):
        fleet.worker(number, text)
    fleet.produce(1000, 500)
    fleet.wait_drained()
    seconds = []
    for _ in range(KILLS):
        with Load(fleet, count=10_000, pause=0.2):
            time.sleep(0.3 + chance.random() * 0.6)
            victim = chance.choice(fleet.workers)
            eventually("records that it has yet to write", lambda: victim.status().get("lag"), 30, 0.01, fleet.tails)
            victim.kill()
            began = time.monotonic()
        fleet.wait_drained()
        seconds.append(time.monotonic() - began)
        victim.start()
        if chance.random() < 0.5:  # sometimes the next one dies while this one is joining
            eventually("three again", lambda: all_share(fleet, 3), 90, 0.2, fleet.tails)
    found = fleet.compare()
    seconds.sort()
    figures(**found, kills_in_mid_drain=KILLS, drained_after_median=f"{seconds[len(seconds) // 2]:.1f} s", longest=f"{seconds[-1]:.1f} s")


def test_broker_stop_and_start(flow, kafka, figures):
    fleet = flow()
    for number in range(3):
        fleet.worker(number)
    eventually("all three", lambda: all_share(fleet, 3), 90, 0.2, fleet.tails)
    fleet.produce(60_000, 30_000)
    stop(kafka)
    try:
        eventually("the reason in every status", lambda: all(s.get("error") for s in fleet.statuses()), 60, tail=fleet.tails)
        leaving = fleet.workers.pop()
        before = time.monotonic()
        assert leaving.stop(60) == 0
        gone_within = time.monotonic() - before
        time.sleep(5)
    finally:
        kafka.start(START_SECONDS)
    began = time.monotonic()
    fleet.produce(20_000, 10_000)
    fleet.wait_drained()
    recovered = time.monotonic() - began
    assert all(w.process.poll() is None for w in fleet.workers)
    figures(**fleet.compare(), drained_after=f"{recovered:.1f} s", stop_without_broker=f"{gone_within:.1f} s")
    assert gone_within < 10


def test_cassandra_frozen(flow, cassandra, figures):
    """SIGSTOP for 30 s: the memory stays within the budget, the group keeps its members, and all goes on without help."""
    fleet = flow()
    first, second = fleet.worker(0), fleet.worker(1)
    fleet.produce(20_000, 10_000)
    fleet.wait_drained()
    eventually("both", lambda: all_share(fleet, 2), 60, 0.2, fleet.tails)
    members = fleet.members()
    before = [w.memory_megabytes() for w in (first, second)]
    cassandra.process.send_signal(19)
    try:
        began = time.monotonic()
        fleet.produce(400_000, 200_000)  # far more than the budget holds
        while time.monotonic() - began < 30:
            assert fleet.members() == members, "no eviction"
            time.sleep(1)
        states = [s.get("breaker") for s in fleet.statuses()]
        peak = [w.memory_megabytes("VmHWM") for w in (first, second)]
    finally:
        cassandra.process.send_signal(18)
    began = time.monotonic()
    rows = sum(s["rowsWritten"] for s in fleet.statuses())
    eventually("rows again", lambda: sum(s.get("rowsWritten", 0) for s in fleet.statuses()) > rows, 90, tail=fleet.tails)
    recovered = time.monotonic() - began
    fleet.wait_drained(600)
    assert fleet.members() == members, "no eviction"
    growth = max(p - b for p, b in zip(peak, before))
    figures(**fleet.compare(), frozen="30 s", memory_budget=f"{MEMORY_MIB} MiB", memory_growth=f"{growth:.0f} MB", breaker="/".join(map(str, states)),
            writes_again_after=f"{recovered:.1f} s", evictions=0)
    assert growth < MEMORY_MIB * 1.05 + 40, f"{before} before, {peak} at most"


def test_cassandra_restart(flow, cassandra, figures):
    fleet = flow()
    fleet.worker(0)
    fleet.worker(1)
    fleet.produce(30_000, 15_000)
    stop(cassandra)
    fleet.produce(30_000, 15_000)
    late = fleet.worker(2)  # is assigned partitions whose checkpoint nobody can tell it
    time.sleep(5)
    cassandra.start(START_SECONDS)
    began = time.monotonic()
    fleet.wait_drained(300)
    figures(**fleet.compare(), drained_after=f"{time.monotonic() - began:.1f} s")
    assert all(w.process.poll() is None for w in fleet.workers) and late.process.poll() is None


def test_alter_table(flow, figures):
    fleet = flow()
    fleet.worker(0)
    fleet.worker(1)
    fleet.produce(2000, 1000)
    fleet.wait_drained()
    with Load(fleet), fleet.session() as session:
        for number in range(5):
            session.execute(f"ALTER TABLE soak.{fleet.name} ADD more{number} int")
            time.sleep(1)
        session.execute(f"ALTER TABLE soak.{fleet.name} DROP email")
        eventually("the reason", lambda: any("no column email" in (s.get("error") or "") for s in fleet.statuses()), 60, tail=fleet.tails)
        session.execute(f"ALTER TABLE soak.{fleet.name} ADD email text")
        time.sleep(2)
    fleet.wait_drained()
    assert all(s["rejected"] == {} for s in fleet.statuses())
    figures(**fleet.compare(), alterations=7, dead_letters=0)


def test_drop_and_create_table(flow, figures):
    """Rows that were there are gone with the table; what had not been acknowledged, and all that comes after, is in the new one."""
    fleet = flow()
    fleet.worker(0)
    fleet.worker(1)
    fleet.produce(4000, 2000)
    fleet.wait_drained()
    kept = []
    with fleet.session() as session:
        for _ in range(3):
            session.execute(f"DROP TABLE soak.{fleet.name}")
            before = dict(fleet.newest)
            fleet.produce(6000, 3000)
            eventually("the reason", lambda: any("is gone" in (s.get("error") or "") for s in fleet.statuses()), 60, tail=fleet.tails)
            session.execute(f"CREATE TABLE soak.{fleet.name} (id text PRIMARY KEY, version bigint, email text)")
            began = time.monotonic()
            fleet.wait_drained()
            kept.append(time.monotonic() - began)
            assert all(s["rejected"] == {} for s in fleet.statuses())
            found = fleet.compare({key: version for key, version in fleet.newest.items() if key not in before})
    figures(**found, drops=3, drained_after_longest=f"{max(kept):.1f} s", dead_letters=0)


@pytest.mark.parametrize("fail", ["true", "false"])
def test_topic_created_anew(flow, figures, fail):
    fleet = flow(f"_{fail}")
    worker = fleet.worker(0, fleet.pipeline(fail=fail))
    fleet.produce(5000, 2500)
    fleet.wait_drained()
    fleet.penstock("topic", "delete", fleet.name, "-b", fleet.kafka.address)
    eventually("the reason", lambda: "has been deleted" in (worker.status().get("error") or ""), 60, tail=fleet.tails)
    fleet.create_topic()
    fleet.produce(8000, 4000)  # further than the old one was
    if fail == "true":
        assert worker.process.wait(60) == 1
        assert "deleted and created anew" in worker.tail(), worker.tail()
        done = fleet.penstock("group", "reset-offsets", fleet.name, "--topic", fleet.name, "--to-earliest", "--execute", "-b", fleet.kafka.address)
        assert done.returncode == 0, done.stderr
        worker.start()
    fleet.wait_drained()
    figures(**fleet.compare(), fail_on_data_loss=fail, worker="stopped with the reason, then reset-offsets" if fail == "true" else "went on at the start")


@pytest.mark.parametrize("fail", ["true", "false"])
def test_offsets_out_of_range(flow, kafka, figures, fail):
    """Records are deleted before they were read: by an operator, as retention would."""
    fleet = flow(f"_{fail}", partitions=2)
    text = fleet.pipeline(fail=fail)
    worker = fleet.worker(0, text)
    fleet.produce(1000, 500)
    fleet.wait_drained()
    assert worker.stop() == 0
    before = dict(fleet.newest)
    fleet.produce(4000, 2000)
    offsets = fleet.folder / "offsets.json"
    ends = {p["partition"]: p["end_offset"] for p in fleet.group()["partitions"]}
    offsets.write_text(json.dumps({"version": 1, "partitions": [{"topic": fleet.name, "partition": p, "offset": end - 100} for p, end in ends.items()]}))
    subprocess.run([*kafka_tools(), "org.apache.kafka.tools.DeleteRecordsCommand", "--bootstrap-server", kafka.address, "--offset-json-file", str(offsets)],
                   check=True, capture_output=True, timeout=120)
    worker.start()
    if fail == "true":
        assert worker.process.wait(60) == 1
        assert "are gone from the topic before they were read" in worker.tail(), worker.tail()
        figures(records=fleet.produced, ids=len(before), missing=0, doubled=0, fail_on_data_loss=fail, worker="stopped with the reason")
        fleet.newest = before
        fleet.compare()
        return
    fleet.wait_drained()
    assert "continuing at" in worker.tail(20_000)
    with fleet.session() as session:
        rows = session.execute(f"SELECT count(*) FROM soak.{fleet.name}").one()[0]
    assert len(before) < rows <= len(before) + 200
    figures(records=fleet.produced, ids=rows, missing="what was deleted", doubled=0, fail_on_data_loss=fail, worker="went on at the first record left, logged")


def sasl(user):
    return f"security.protocol: sasl_plaintext, sasl.mechanism: SCRAM-SHA-256, sasl.username: {user}, sasl.password: Secret-One"


def test_dead_letter_topic_not_writable(flow, kafka, figures):
    """The worker's user loses its right to write there, and has it back later."""
    fleet = flow(partitions=2, bootstrap=kafka.sasl)
    dlq = fleet.name + ".dlq"
    fleet.penstock("topic", "create", dlq, "--partitions", "1", "-b", kafka.address)

    def rights(*change):
        subprocess.run([*kafka.java, "kafka.admin.AclCommand", "--bootstrap-server", kafka.address, "--topic", dlq, *change],
                       check=True, capture_output=True, timeout=120)
    rights("--add", "--allow-principal", "User:worker", "--operation", "Describe")
    rights("--add", "--deny-principal", "User:worker", "--operation", "Write")
    worker = fleet.worker(0, fleet.pipeline(properties=sasl("worker")))
    fleet.produce(2000, 1000)
    fleet.wait_drained()
    fleet.produce(10, 10, value="this is not JSON")
    fleet.produce(2000, 1000)
    eventually("the reason", lambda: f"waits for the dead-letter topic {dlq}" in (worker.status().get("error") or ""), 60, tail=fleet.tails)
    assert worker.status()["state"] == "running" and not fleet.drained()
    eventually("a pause for that cause", lambda: 'cause="dlq"' in worker.get("/metrics"), tail=fleet.tails)
    rights("--remove", "--force")
    began = time.monotonic()
    fleet.wait_drained()
    took = time.monotonic() - began
    assert sum(worker.status()["rejected"].values()) == 10
    figures(**fleet.compare(), dead_letters=10, drained_after=f"{took:.1f} s")


def test_expired_kafka_password(flow, kafka, cassandra, figures):
    """Two workers with users of their own; one's password changes. The other goes on, and so does the first when it fits again."""
    def change(password):
        subprocess.run([*kafka.java, "kafka.admin.ConfigCommand", "--bootstrap-server", kafka.address, "--alter", "--add-config",
                        f"SCRAM-SHA-256=[password={password}]", "--entity-type", "users", "--entity-name", "worker"],
                       check=True, capture_output=True, timeout=120)

    fleet, neighbour = flow("_a", bootstrap=kafka.sasl), flow("_b", bootstrap=kafka.sasl)
    worker = fleet.worker(0, fleet.pipeline(properties=sasl("worker")))
    other = neighbour.worker(0, neighbour.pipeline(properties=sasl("neighbour")))
    for one in (fleet, neighbour):
        one.produce(2000, 1000)
        one.wait_drained()
    change("Secret-Two")
    eventually("the reason", lambda: "uthentication" in (worker.status().get("error") or ""), 90, tail=fleet.tails)
    assert "Secret-One" not in worker.status()["error"]
    for one in (fleet, neighbour):
        one.produce(2000, 1000)
        one.produce(10, 10, value="this is not JSON")  # to the dead-letter topic, as the same user
    neighbour.wait_drained()
    assert not fleet.drained() and worker.process.poll() is None and other.process.poll() is None
    change("Secret-One")
    began = time.monotonic()
    fleet.wait_drained()
    took = time.monotonic() - began
    neighbour.compare()
    assert [sum(one.workers[0].status()["rejected"].values()) for one in (fleet, neighbour)] == [10, 10]
    figures(**fleet.compare(), dead_letters=10, neighbour="went on", drained_after=f"{took:.1f} s")


def test_expired_cassandra_password(flow, cassandra, figures):
    fleet = flow("_a", user="worker", password="first")
    neighbour = flow("_b")
    with fleet.session() as session:
        session.execute("CREATE ROLE IF NOT EXISTS worker WITH LOGIN = true AND SUPERUSER = true AND PASSWORD = 'first'")
    worker, other = fleet.worker(0), neighbour.worker(0)
    for one in (fleet, neighbour):
        one.produce(2000, 1000)
        one.wait_drained()
    with fleet.session() as session:
        session.execute("ALTER ROLE worker WITH PASSWORD = 'second'")
    stop(cassandra)  # connections that are open keep their rights
    cassandra.start(START_SECONDS)
    for one in (fleet, neighbour):
        one.produce(2000, 1000)
    eventually("the reason", lambda: "password are incorrect" in (worker.status().get("error") or ""), 90, tail=fleet.tails)
    neighbour.wait_drained()
    second = fleet.worker(1)  # one that starts with a password that has expired waits too
    eventually("the reason", lambda: "password are incorrect" in (second.status().get("error") or ""), 60, tail=fleet.tails)
    with fleet.session() as session:
        session.execute("ALTER ROLE worker WITH PASSWORD = 'first'")
    began = time.monotonic()
    fleet.wait_drained()
    took = time.monotonic() - began
    neighbour.compare()
    assert worker.process.poll() is None and second.process.poll() is None and other.process.poll() is None
    figures(**fleet.compare(), neighbour="went on", drained_after=f"{took:.1f} s")
