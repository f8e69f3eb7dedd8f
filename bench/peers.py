#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Penstock beside Spark, Apache Kafka and Apache Cassandra: the same work on the same machine in one call, and the ratios.

Sides take turns, --rounds times, in an order that turns too; a ratio is the median of the rounds' own ratios, so that a machine whose
speed drifts does not decide it. `others` is the share of the cores' time that processes outside this benchmark took meanwhile.
A goal that is missed is marked, not hidden.
"""
import argparse
import concurrent.futures
import contextlib
import ctypes
import json
import os
import pathlib
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import bench

sys.path.insert(0, str(bench.ROOT / "tests/real"))
import harness  # noqa: E402
import spark  # noqa: E402
from engines import CASSANDRA, KAFKA, LIBRARY, RealCassandra, RealKafka, kafka_tools  # noqa: E402

PARTITIONS = 4
IN_FLIGHT = 256
TICK = os.sysconf("SC_CLK_TCK")
CORES = os.cpu_count()
LATTE = "0.29.0"
USERS = bench.ROOT / "bench/users.rn"
LARGE_HEAP = "2g"
# A count of a million rows takes Cassandra longer than it grants by default.
PATIENT = ("range_request_timeout: 300000ms", "read_request_timeout: 300000ms")
BATCH = "acknowledged when on disk (commitlog_sync batch)"
PERIODIC = "acknowledged before it is on disk (commitlog_sync periodic, its default)"
OURS = "acknowledged when on disk (fdatasync)"


def stat_of(pid):
    """(parent, ticks of it and of its children that ended) of a process; None when it is gone."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[1]), sum(map(int, fields[11:15]))
    except (FileNotFoundError, ProcessLookupError):
        return None


def adopt_orphans():
    """Whose parent ends before it, as Spark's JVM does, becomes a child of this process, and stays one when it has ended: own_ticks() counts it."""
    PR_SET_CHILD_SUBREAPER = 36
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def own_ticks():
    """What this process and all that it started have used."""
    parents, ticks = {}, {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (found := stat_of(entry)):
            parents[int(entry)], ticks[int(entry)] = found
    total, family = 0, [os.getpid()]
    while family:
        pid = family.pop()
        total += ticks.get(pid, 0)
        family += [child for child, parent in parents.items() if parent == pid]
    return total


def busy_ticks():
    user, nice, system, _, _, irq, softirq, steal = map(int, pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    return user + nice + system + irq + softirq + steal


def cpu(engine):
    """CPU seconds of a server so far."""
    return bench.process(engine.process.pid)[0]


class Turn:
    """`with Turn(server) as turn:` measures its block: seconds, the CPU seconds of the server, and the share of the cores' time that others took."""

    def __init__(self, server=None):
        self.server = server

    def __enter__(self):
        self.cpu = cpu(self.server) if self.server else 0
        self.own, self.busy, self.began = own_ticks(), busy_ticks(), time.monotonic()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.began
        self.cpu = cpu(self.server) - self.cpu if self.server else 0
        self.others = max(0.0, (busy_ticks() - self.busy - own_ticks() + self.own) / TICK / self.seconds / CORES)


class Report(bench.Table):
    """The table, with every single run beside its median."""

    def __init__(self):
        super().__init__()
        self.runs = []
        self.notes = []

    def side(self, name, what):
        self.notes.append({"side": name, "what": what})
        print(f"  {name}: {what}", flush=True)

    def medians(self, runs, what, unit, sides, note=lambda side: ""):
        """One row a side: the median of what its runs measured."""
        for side in sides:
            values = [run[what] for run in runs[side]]
            spread = f"{min(values):,.4g} to {max(values):,.4g}, others {statistics.median(run['others'] for run in runs[side]):.0%}"
            self.add(f"{what}: {side}", statistics.median(values), unit, note=f"{note(side)} {spread}".strip())
        self.runs.append({"what": what, "unit": unit, "runs": {side: runs[side] for side in sides}})

    def ratio(self, name, runs, what, ours, theirs, goal=None):
        self.add(name, statistics.median(a[what] / b[what] for a, b in zip(runs[ours], runs[theirs])), "x", goal)


def take_turns(rounds, sides, before=lambda: None):
    """{side: a list with one run a round}. A side is a function without arguments that returns the figures of one run."""
    runs = {name: [] for name in sides}
    for number in range(rounds):
        for name in sides if number % 2 == 0 else reversed(sides):
            before()
            with Turn() as turn:
                figures = sides[name]()
            runs[name].append({**figures, "others": turn.others})
            print(f"    round {number + 1}, {name}: " + ", ".join(f"{k} {v:,.4g}" for k, v in runs[name][-1].items()), flush=True)
    return runs


def settle(*engines, seconds_max=60):
    """Waits until the servers do nothing, compaction of the run before included."""
    for _ in range(seconds_max):
        before = [stat_of(engine.process.pid)[1] for engine in engines]
        time.sleep(1)
        if sum(stat_of(e.process.pid)[1] - b for e, b in zip(engines, before)) < 0.1 * TICK:
            return


def latte():
    """latte's path: on PATH, or built once by cargo into the cache."""
    root = LIBRARY / f"latte-{LATTE}"
    if found := shutil.which("latte", path=f"{root}/bin:{os.environ['PATH']}"):
        return found
    if not shutil.which("cargo"):
        raise RuntimeError(f"latte {LATTE} is missing, and there is no cargo to build it with: cargo install latte-cli --version {LATTE}")
    print(f"building latte {LATTE}", file=sys.stderr, flush=True)
    subprocess.run(["cargo", "install", "--quiet", "--locked", "--root", str(root), "--version", LATTE, "latte-cli"], check=True)
    return str(root / "bin/latte")


class Latte:
    def __init__(self, address, folder):
        self.address, self.report = address, pathlib.Path(folder) / "latte.json"
        self.tool = latte()
        self.cycle = 0
        self._call("schema")

    def _call(self, *arguments):
        # It leaves a log in the folder that it runs in.
        done = subprocess.run([self.tool, arguments[0], str(USERS), self.address, *arguments[1:]], capture_output=True, text=True, timeout=600,
                              cwd=self.report.parent)
        if done.returncode != 0:
            raise RuntimeError(f"latte {' '.join(arguments)}: {done.stderr[-2000:]}")

    def run(self, function, duration, in_flight=IN_FLIGHT, known=None):
        """Rows a second and the mean latency. `duration` as latte has it: 10s, or a number of rows. `known`: read only so many rows."""
        flags = ["--end-cycle", str(known)] if known else ["--start-cycle", str(self.cycle)]
        self._call("run", "-q", "-f", function, "-d", str(duration), "-t", "1", "-p", str(in_flight), "-o", str(self.report), *flags)
        result = json.loads(self.report.read_text())["result"]
        if result["error_count"] > 0:
            raise RuntimeError(f"latte {function}: {result['error_count']} errors: {result['errors'][:3]}")
        if not known:
            self.cycle += result["cycle_count"]
        return {"rows": result["cycle_count"], "rows/s": result["cycle_count"] / result["elapsed_time_s"], "mean ms": result["cycle_latency"]["mean"]["value"],
                "client CPU": result["cpu_util"] / 100}


def kcat(*arguments):
    subprocess.run(["kcat", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=600)


def penstock(*arguments):
    done = subprocess.run([str(harness.BINARY), *arguments], capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"penstock {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def create(address, topic):
    penstock("topic", "create", topic, "-b", address, "--partitions", str(PARTITIONS))


def count(address):
    """Rows of the table, a part of the ring at a time: Cassandra gives up on a million at once (native_transport_timeout)."""
    parts = 64
    edges = [-2**63 + i * 2**64 // parts for i in range(parts)] + [2**63 - 1]
    statements = "".join(f"SELECT count(*) FROM spark_streams.created_users WHERE token(id) > {low} AND token(id) <= {high};"
                         for low, high in zip(edges, edges[1:]))
    said = penstock("cql", address, "--json", "--request-timeout", "60", "-e", statements)
    return sum(json.loads(line)["count"] for line in said.splitlines())


class Drains:
    """The same records from a topic into a table, by Spark and by us, over the real engines and over the built-in ones."""

    def __init__(self, folder, options, kafka, cassandra):
        self.folder, self.options, self.kafka, self.cassandra = folder, options, kafka, cassandra
        self.contact = cassandra.address.rsplit(":", 1)
        file = bench.people(folder, options.records)
        create(kafka.address, "users_data")
        bench.produce(kafka.address, "users_data", file)
        node = harness.Penstock(folder / "loaded", pipeline=False, partitions=PARTITIONS)
        with node:
            create(node.kafka, "users_data")
            bench.produce(node.kafka, "users_data", file)
            node.stop()
        self.latte = Latte(cassandra.address, folder)
        self.latte.run("run", min(options.records, 300_000))  # a JVM is slow at first
        self.number = 0

    def empty(self):
        """The state before a run: no table, no checkpoint, a group's name that nobody had, idle servers."""
        self.number += 1
        penstock("cql", self.cassandra.address, "-e", "DROP KEYSPACE IF EXISTS spark_streams; DROP KEYSPACE IF EXISTS penstock")
        settle(self.kafka, self.cassandra)

    def checked(self, address=None):
        if (found := count(address or self.cassandra.address)) != self.options.records:
            raise RuntimeError(f"{found} rows in the table of {self.options.records}")

    def spark(self):
        before = cpu(self.cassandra)
        found = spark.run("drain", self.folder / f"spark{self.number}", self.kafka.address, self.contact_point(), "--heap", "4g", "--seconds", "1200",
                          timeout=1300)
        server = cpu(self.cassandra) - before
        self.checked()
        whole = found["start_seconds"] + found["seconds"]
        return {"records/s": self.options.records / found["seconds"], "start s": found["start_seconds"], "worker us": found["cpu_seconds"] / self.options.records * 1e6,
                "worker CPU": found["cpu_seconds"] / whole / CORES, "server us": server / self.options.records * 1e6, "peak MB": found["peak_mb"]}

    def contact_point(self):
        return self.contact[0], int(self.contact[1])

    def worker(self):
        """`penstock run` from its start until all is acknowledged and the group's offsets say so."""
        group = f"users{self.number}"
        pipeline = (harness.PIPELINE % {"interval": "0ms", "max_rows": 50_000}).replace("group: users", f"group: {group}")
        before, began = cpu(self.cassandra), time.monotonic()
        with harness.Worker(self.folder, group, pipeline, self.kafka.address, self.cassandra.address) as worker:
            while worker.status().get("rowsWritten", 0) < self.options.records or not self.committed(group):
                if worker.process.poll() is not None or time.monotonic() - began > 1200:
                    raise RuntimeError(f"penstock run has not drained the topic: {worker.tail()}")
                time.sleep(0.05)
            seconds = time.monotonic() - began
            used, _, peak = bench.process(worker.process.pid)
            server = cpu(self.cassandra) - before
            worker.stop(30)
        self.checked()
        return {"records/s": self.options.records / seconds, "worker us": used / self.options.records * 1e6, "worker CPU": used / seconds / CORES,
                "server us": server / self.options.records * 1e6, "peak MB": peak}

    def committed(self, group):
        done = subprocess.run([str(harness.BINARY), "group", "describe", group, "-b", self.kafka.address, "--json"], capture_output=True, text=True)
        found = json.loads(done.stdout) if done.returncode == 0 else {}
        return sum(p.get("offset") or 0 for p in found.get("partitions", [])) >= self.options.records

    def alone(self):
        """latte inserts as many rows of the same columns, as fast as it and this Cassandra can."""
        figures = self.latte.run("run", self.options.records)
        return {"records/s": figures["rows/s"], "worker CPU": figures["client CPU"]}

    def built_in(self):
        """`penstock up` from its start until nothing is left to read."""
        shutil.rmtree(self.folder / "node", ignore_errors=True)
        shutil.copytree(self.folder / "loaded/data", self.folder / "node/data")
        os.sync()
        node = harness.Penstock(self.folder / "node", partitions=PARTITIONS, interval="0ms", max_rows=50_000)
        with node:
            began = time.monotonic()
            while bench.lag(node) > 0 or bench.rows_written(node) < self.options.records:
                time.sleep(0.02)
                if time.monotonic() - began > 600:
                    raise RuntimeError(f"the drain is stuck\n{node.tail()}")
            seconds = time.monotonic() - began + node.start_seconds
            used, _, peak = bench.process(node.process.pid)
            self.checked(node.endpoints["cassandra"])
            node.stop(60)
        return {"records/s": self.options.records / seconds, "worker us": used / self.options.records * 1e6, "peak MB": peak}


def drain(report, options):
    spark_side, ours, alone, all_ours = "Spark, Kafka, Cassandra", "penstock run, Kafka, Cassandra", "latte alone, Cassandra", "penstock, all built in"
    report.side(spark_side, f"PySpark 3.5.0, {', '.join(a.split(':', 1)[1] for a in spark.CONNECTORS)}; Apache Kafka {KAFKA} (its defaults, preloaded), "
                            f"Apache Cassandra {CASSANDRA}, {PERIODIC}; start-up not counted")
    report.side(ours, "penstock run over the same two servers, offsets committed behind acknowledged rows; start-up counted")
    report.side(alone, f"latte {LATTE}, {IN_FLIGHT} in flight, single rows of the same columns, no topic")
    report.side(all_ours, f"broker and table in one process, {OURS}, exactly once; start-up counted")
    with tempfile.TemporaryDirectory(dir=options.dir) as folder, contextlib.ExitStack() as stack:
        folder = pathlib.Path(folder)
        kafka = stack.enter_context(RealKafka(folder / "kafka"))
        cassandra = stack.enter_context(RealCassandra(folder / "cassandra", *PATIENT, sync="periodic", heap=LARGE_HEAP))
        drains = Drains(folder, options, kafka, cassandra)
        runs = take_turns(options.rounds, {spark_side: drains.spark, ours: drains.worker, alone: drains.alone, all_ours: drains.built_in}, drains.empty)
    report.medians(runs, "records/s", "records/s", [spark_side, ours, alone, all_ours])
    report.medians(runs, "worker us", "us/record", [spark_side, ours, all_ours])
    report.medians(runs, "server us", "us/record", [spark_side, ours], lambda _: "of Cassandra's CPU;")
    report.medians(runs, "peak MB", "MB", [spark_side, ours, all_ours])
    report.ratio("(a) penstock run / Spark, same servers", runs, "records/s", ours, spark_side, 3)
    report.ratio("(a) penstock run / latte alone", runs, "records/s", ours, alone, 0.9)
    report.add("(a) CPU of the worker", statistics.median(run["worker CPU"] for run in runs[ours]) * 100, "% of cores", 15, "lower")
    report.ratio("(b) all built in / Spark, Kafka, Cassandra", runs, "records/s", all_ours, spark_side, 40)


PERF_LINE = re.compile(r"^(\d+) records sent, ([\d.]+) records/sec .* ([\d.]+) ms avg latency.* ([\d.]+) ms 99th", re.M)


class Broker:
    """One side of the broker's comparison: fresh topics, librdkafka (kcat) and Kafka's own perf tools."""

    def __init__(self, server, address, java, file, records):
        self.server, self.address, self.java, self.file, self.records = server, address, java, file, records
        self.number = 0

    def run(self):
        self.number += 1
        topics = [f"librdkafka{self.number}", f"java{self.number}"]
        figures = {}
        for topic in topics:
            create(self.address, topic)
        with Turn(self.server) as turn:
            bench.produce(self.address, topics[0], self.file)
        figures["produce, librdkafka"], figures["CPU us, produce"] = self.records / turn.seconds, turn.cpu / self.records * 1e6
        with Turn(self.server) as turn:
            kcat("-C", "-b", self.address, "-t", topics[0], "-o", "beginning", "-c", str(self.records), "-f", "")
        figures["consume, librdkafka"], figures["CPU us, consume"] = self.records / turn.seconds, turn.cpu / self.records * 1e6
        said = self.tool("ProducerPerformance", "--topic", topics[1], "--num-records", str(self.records), "--payload-file", str(self.file), "--throughput", "-1",
                         "--producer-props", f"bootstrap.servers={self.address}", "acks=all", "batch.size=262144", "linger.ms=5", "buffer.memory=134217728")
        sent = PERF_LINE.findall(said)[-1]
        figures["produce, Java"], figures["produce p99 ms, Java"] = float(sent[1]), float(sent[3])
        # Not to the end: once a partition has run dry, the Java consumer waits for it (fetch.max.wait.ms) before it asks for the others, so that the
        # last tenth would measure how evenly its producer had spread the records.
        messages = self.records * 9 // 10
        said = self.tool("ConsumerPerformance", "--bootstrap-server", self.address, "--topic", topics[1], "--messages", str(messages), "--timeout", "60000")
        columns = [word.strip() for word in said.strip().splitlines()[-1].split(",")]
        if int(columns[4]) < messages:
            raise RuntimeError(f"ConsumerPerformance read {columns[4]} of {messages} records")
        figures["consume, Java"] = float(columns[9])  # by the time of fetching; joining the group is not counted
        for topic in topics:
            penstock("topic", "delete", topic, "-b", self.address)
        return figures

    def tool(self, name, *arguments):
        done = subprocess.run([*self.java, f"org.apache.kafka.tools.{name}", *arguments], capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            raise RuntimeError(f"{name}: {done.stdout[-1000:]}{done.stderr[-2000:]}")
        return done.stdout


def broker(report, options):
    ours, durable, default = "penstock", "Kafka, durable", "Kafka, default"
    report.side(ours, OURS)
    report.side(durable, f"Apache Kafka {KAFKA}, fsync before each acknowledgement (log.flush.interval.messages=1)")
    report.side(default, f"Apache Kafka {KAFKA}, acknowledged from the page cache, its default")
    with tempfile.TemporaryDirectory(dir=options.dir) as folder, contextlib.ExitStack() as stack:
        folder = pathlib.Path(folder)
        file = bench.people(folder, options.records)
        node = stack.enter_context(harness.Penstock(folder / "node", pipeline=False))
        kafkas = {durable: RealKafka(folder / "durable", "log.flush.interval.messages=1"), default: RealKafka(folder / "default")}
        for kafka in kafkas.values():
            stack.enter_context(kafka)
        java = kafka_tools()
        servers = [node, *kafkas.values()]
        sides = {ours: Broker(node, node.kafka, java, file, options.records),
                 **{name: Broker(kafka, kafka.address, java, file, options.records) for name, kafka in kafkas.items()}}
        for side in sides.values():  # a JVM is slow at first
            side.run()
        runs = take_turns(options.rounds, {name: side.run for name, side in sides.items()}, lambda: settle(*servers))
        node.stop()
    for what in ("produce, librdkafka", "produce, Java", "consume, librdkafka", "consume, Java"):
        report.medians(runs, what, "records/s", sides)
    report.medians(runs, "produce p99 ms, Java", "ms", sides)
    for what in ("CPU us, produce", "CPU us, consume"):
        report.medians(runs, what, "us/record", sides, lambda _: "of the server, librdkafka;")
    for client in ("librdkafka", "Java"):
        report.ratio(f"(c) produce, {client}: ours / Kafka, durable", runs, f"produce, {client}", ours, durable, 2)
        report.ratio(f"(c) produce, {client}: ours / Kafka's default", runs, f"produce, {client}", ours, default, 1)
        report.ratio(f"(c) consume, {client}: ours / Kafka", runs, f"consume, {client}", ours, default, 1)


def store(report, options):
    ours, batch, periodic = "penstock", "Cassandra, batch", "Cassandra, periodic"
    report.side(ours, OURS)
    report.side(batch, f"Apache Cassandra {CASSANDRA}, {BATCH}")
    report.side(periodic, f"Apache Cassandra {CASSANDRA}, {PERIODIC}")
    with tempfile.TemporaryDirectory(dir=options.dir) as folder, contextlib.ExitStack() as stack:
        folder = pathlib.Path(folder)
        node = stack.enter_context(harness.Penstock(folder / "node", pipeline=False))
        cassandras = {name: stack.enter_context(RealCassandra(folder / sync, sync=sync, heap=LARGE_HEAP))
                      for name, sync in ((batch, "batch"), (periodic, "periodic"))}
        servers = [node, *cassandras.values()]
        loads = {ours: Latte(node.endpoints["cassandra"], folder), **{name: Latte(one.address, folder) for name, one in cassandras.items()}}
        for load in loads.values():  # a JVM is slow at first
            load.run("run", f"{options.seconds * 2}s")
            load.run("get", f"{options.seconds}s", known=10_000)
        duration = f"{options.seconds}s"

        def side(server, load):
            with Turn(server) as turn:
                insert = load.run("run", duration)
            one, get = load.run("run", duration, in_flight=1), load.run("get", duration, known=10_000)
            return {"INSERT": insert["rows/s"], "INSERT mean ms": insert["mean ms"], "CPU us, INSERT": turn.cpu / insert["rows"] * 1e6,
                    "client CPU": insert["client CPU"], "INSERT, one in flight": one["rows/s"], "SELECT": get["rows/s"]}
        runs = take_turns(options.rounds, {name: (lambda server=server, load=loads[name]: side(server, load)) for name, server in zip(loads, servers)},
                          lambda: settle(*servers))
        node.stop(60)
    for what, unit in (("INSERT", "rows/s"), ("INSERT mean ms", "ms"), ("CPU us, INSERT", "us/row"), ("INSERT, one in flight", "rows/s"), ("SELECT", "rows/s")):
        report.medians(runs, what, unit, loads)
    report.ratio("(d) INSERT: ours / Cassandra, durable (batch)", runs, "INSERT", ours, batch, 8)
    report.ratio("(d) INSERT: ours / Cassandra's default (periodic)", runs, "INSERT", ours, periodic, 2)
    report.ratio("(d) INSERT, one in flight: ours / batch", runs, "INSERT, one in flight", ours, batch)
    report.ratio("(d) SELECT by key: ours / Cassandra", runs, "SELECT", ours, periodic)


def resident(pid):
    """MB of a process and all that it started."""
    children = [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and (found := stat_of(entry)) and found[0] == pid]
    try:
        return bench.process(pid)[1] + sum(resident(child) for child in children)
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return 0


def started_stack(folder, file, records):
    """Apache's three, side by side as far as they can: until the records are rows."""
    began = time.monotonic()
    kafka, cassandra = RealKafka(folder / "kafka"), RealCassandra(folder / "cassandra", sync="periodic", heap=LARGE_HEAP)
    with contextlib.ExitStack() as stack:
        for engine in (kafka, cassandra):
            stack.callback(engine.kill)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(lambda engine: engine.start(), (kafka, cassandra)))
        create(kafka.address, "users_data")
        host, port = cassandra.address.rsplit(":", 1)
        job = stack.enter_context(spark.SparkJob("follow", folder / "spark", kafka.address, (host, int(port)), "--heap", "4g"))
        bench.produce(kafka.address, "users_data", file)
        while True:
            with contextlib.suppress(RuntimeError):  # the job has not made the table yet
                if count(cassandra.address) == records:
                    break
            if job.process.poll() is not None or time.monotonic() - began > 900:
                raise RuntimeError(f"Spark has not brought the rows\n{job.tail()}")
            time.sleep(0.1)
        seconds = time.monotonic() - began
        figures = {"first rows s": seconds, **{f"{name} MB": resident(pid) for name, pid in
                                               (("Kafka", kafka.process.pid), ("Cassandra", cassandra.process.pid), ("Spark", job.process.pid))}}
        job.result()
    return {**figures, "memory MB": sum(value for name, value in figures.items() if name.endswith("MB"))}


def started_penstock(folder, file, records):
    began = time.monotonic()
    with harness.Penstock(folder / "node", partitions=PARTITIONS) as node:
        bench.produce(node.kafka, "users_data", file)
        while bench.rows_written(node) < records:
            time.sleep(0.005)
        seconds = time.monotonic() - began
        figures = {"first rows s": seconds, "memory MB": resident(node.process.pid)}
        node.stop()
    return figures


def start_up(report, options):
    ours, theirs, records = "penstock", "Kafka, Spark, Cassandra", 1000
    report.side(theirs, f"Apache Kafka {KAFKA} (1g heap at most), PySpark 3.5.0 (4g at most), Apache Cassandra {CASSANDRA} (2g)")
    report.side(ours, "penstock up, everything on")
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        folder = pathlib.Path(folder)
        file = bench.people(folder, records)
        numbers = {ours: iter(range(99)), theirs: iter(range(99))}
        runs = take_turns(options.rounds, {
            theirs: lambda: started_stack(folder / f"stack{next(numbers[theirs])}", file, records),
            ours: lambda: started_penstock(folder / f"penstock{next(numbers[ours])}", file, records)})
    report.medians(runs, "first rows s", "s", [theirs, ours], lambda _: "from nothing until 1,000 records are rows;")
    report.medians(runs, "memory MB", "MB", [theirs, ours], lambda _: "resident, then;")
    report.ratio("(e) time to the first rows: theirs / ours", runs, "first rows s", theirs, ours)
    report.ratio("(e) memory: theirs / ours", runs, "memory MB", theirs, ours)


SUBJECTS = {"drain": drain, "broker": broker, "store": store, "start-up": start_up}


def versions():
    java = subprocess.run(["java", "-version"], capture_output=True, text=True).stderr.splitlines()[0]
    return {"penstock": penstock("version").strip().splitlines()[0], "java": java, "kernel": platform.release(), "cores": CORES,
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9), "load": os.getloadavg()}


def main():
    options = argparse.ArgumentParser(prog="./dev bench peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"any of: {', '.join(SUBJECTS)}; default all")
    options.add_argument("--records", type=int, default=1_000_000, help="records of the drains and of the broker's runs (default 1,000,000)")
    options.add_argument("--seconds", type=int, default=10, help="of each run of the store (default 10)")
    options.add_argument("--rounds", type=int, default=3, help="how often each side has its turn (default 3)")
    options.add_argument("--json", default=str(bench.ROOT / "build/peers.json"), metavar="FILE", help="where the figures go (default build/peers.json)")
    options.add_argument("--dir", default=str(bench.ROOT / "build"), help="where data folders are made: the disk that is measured (default build)")
    options = options.parse_args()
    if unknown := set(options.subjects) - SUBJECTS.keys():
        sys.exit(f"bench peers: no subject {', '.join(sorted(unknown))}; there are {', '.join(SUBJECTS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the engines are stopped on the way out
    adopt_orphans()
    report, failed = Report(), False
    machine = versions()
    print(json.dumps(machine), flush=True)
    for name in options.subjects or SUBJECTS:
        print(f"{name}", flush=True)
        try:
            SUBJECTS[name](report, options)
        except (RuntimeError, subprocess.SubprocessError, OSError, KeyError, IndexError, ValueError) as error:
            failed = True
            print(f"{name}: {error}", file=sys.stderr)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=bench.ROOT, capture_output=True, text=True).stdout.strip()
    pathlib.Path(options.json).write_text(json.dumps({"commit": commit, **machine, "sides": report.notes, "figures": report.rows, "runs": report.runs}, indent=1) + "\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
