#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The benchmark table: micro benchmarks of the rooms, and the whole binary under load. Prints a table; --json FILE writes figures.

Budgets are those of a 2-core machine with the client beside the server. A figure that misses its budget is marked, not hidden.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
import harness  # noqa: E402

RELEASE = ROOT / "build/release"


class Table:
    def __init__(self):
        self.rows = []

    def add(self, name, value, unit, budget=None, better="higher", note=""):
        met = None if budget is None else (value >= budget if better == "higher" else value <= budget)
        self.rows.append({"name": name, "value": value, "unit": unit, "budget": budget, "met": met, "note": note})
        mark = {None: "", True: "ok", False: "MISSED"}[met]
        limit = "" if budget is None else f"{'>=' if better == 'higher' else '<='} {budget:,.10g}"
        print(f"{name:<46} {value:>14,.4g} {unit:<12} {limit:<14} {mark:<7} {note}", flush=True)


def micro(binary, pattern):
    """Items per second (or the counter itself) of a Google Benchmark binary, by benchmark name."""
    out = subprocess.run([str(RELEASE / binary), f"--benchmark_filter={pattern}", "--benchmark_format=json"],
                         capture_output=True, text=True, check=True).stdout
    return {b["name"]: b for b in json.loads(out[out.index("{"):])["benchmarks"]}


def process(pid):
    """(CPU seconds, resident MB, peak MB) of a process so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    kb = {key: int(re.search(rf"{key}:\s+(\d+)", status)[1]) for key in ("VmRSS", "VmHWM")}
    return cpu, kb["VmRSS"] / 1024, kb["VmHWM"] / 1024


def disk_use(path):
    """Milliseconds that the disk below `path` has been busy so far."""
    device = os.stat(path).st_dev
    for line in pathlib.Path("/proc/diskstats").read_text().splitlines():
        major, minor, _, *figures = line.split()
        if os.makedev(int(major), int(minor)) == device:
            return int(figures[9])
    return 0


def settle(path, seconds_max=60):
    """Waits until the disk does nothing: what the last subject deleted is discarded behind its back."""
    os.sync()
    for _ in range(seconds_max):
        before = disk_use(path)
        time.sleep(1)
        if disk_use(path) - before < 20:
            return


def lag(node):
    pipeline = json.loads(node.get("/api/pipelines"))["pipelines"][0]
    if pipeline["state"] in ("failed", "stopped"):
        raise RuntimeError(f"the pipeline {pipeline['state']}: {pipeline}\n{node.tail()}")
    return float("inf") if pipeline["lag"] is None else pipeline["lag"]  # null until the first assignment


def people(folder, count):
    file = folder / "people.json"
    with open(file, "wb") as out:
        subprocess.run([str(RELEASE / "penstock"), "generate", "--count", str(count), "--seed", "7"], stdout=out, check=True)
    return file


def produce(address, topic, file):
    """A record a line, acknowledged by all replicas."""
    subprocess.run(["kcat", "-P", "-b", address, "-t", topic, "-X", "acks=all", "-X", "queue.buffering.max.messages=1000000", "-X", "linger.ms=5", "-l", str(file)],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=600)


def decode(table, _):
    for name, b in micro("bench_decode", ".").items():
        if "items_per_second" in b:
            table.add(name, b["items_per_second"], "records/s", 2e6 if name == "decode_people" else None)


def append(table, _):
    for name, b in micro("bench_log_append", ".").items():
        if "bytes_per_second" in b:
            table.add(name, b["bytes_per_second"] / 1e6, "MB/s")
        elif "items_per_second" in b:
            table.add(name, b["items_per_second"], "appends/s")


def rows(table, _):
    for name, b in micro("bench_table_write", ".").items():
        if "items_per_second" in b:
            table.add(name, b["items_per_second"], "rows/s")


def codecs(table, _):
    for binary in ("bench_kafka_codec", "bench_cql_wire"):
        for name, b in micro(binary, ".").items():
            if "items_per_second" in b:
                table.add(name, b["items_per_second"], "items/s", note=f"{b['bytes_per_second'] / 1e6:,.0f} MB/s" if "bytes_per_second" in b else "")


def start_up(table, options):
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        times = []
        for i in range(5):
            node = harness.Penstock(pathlib.Path(folder) / str(i), show=True)
            with node:
                times.append(node.start_seconds)
                node.stop()
        table.add("start-up, empty, all ports answering", sorted(times)[2] * 1000, "ms", 300, "lower")
        again = harness.Penstock(pathlib.Path(folder) / "again", command=[str(ROOT / "dev"), "up"])
        with again:
            table.add("`./dev up`, built before", again.start_seconds * 1000, "ms", 1000, "lower")
            again.stop()


def idle(table, options):
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        with harness.Penstock(folder) as node:
            time.sleep(2)
            before, _, _ = process(node.process.pid)
            time.sleep(10)
            after, resident, _ = process(node.process.pid)
            table.add("idle memory", resident, "MB", 150, "lower")
            table.add("idle CPU", (after - before) / 10 * 100, "%", 0.5, "lower")
            node.stop()


def produce_and_drain(table, options):
    count = options.records
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        folder = pathlib.Path(folder)
        file = people(folder, count)
        size = file.stat().st_size
        node = harness.Penstock(folder / "node", pipeline=False, partitions=4)
        with node:
            began = time.monotonic()
            produce(node.kafka, "users_data", file)
            seconds = time.monotonic() - began
            table.add("produce acks=all, kcat, durable", count / seconds, "records/s", 202_000, note=f"{size / seconds / 1e6:.0f} MB/s")
            node.stop()
        drain(table, folder, node, count, "drain into the table, durable")


def drain(table, folder, node, count, name):
    """Starts the same node with its pipeline and waits until nothing is left to read."""
    again = harness.Penstock(folder / "node", partitions=4, interval="0ms", max_rows=50_000)
    with again:
        began = time.monotonic()
        while lag(again) > 0 or rows_written(again) < count:
            time.sleep(0.02)
            if time.monotonic() - began > 300:
                raise RuntimeError(f"the drain is stuck at {rows_written(again)} rows\n{again.tail()}")
        seconds = time.monotonic() - began + again.start_seconds
        cpu, _, peak = process(again.process.pid)
        table.add(name, count / seconds, "records/s", 300_000, note="start-up included; goal 500,000")
        table.add("  CPU of the drain", cpu / count * 1e6, "us/record")
        table.add("  peak memory of the drain", peak, "MB")
        again.stop()


def restart(table, options):
    """Power-cut restart: 1 GB of topics and the rows of it on disk, SIGKILL, until all ports answer."""
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        folder = pathlib.Path(folder)
        file = people(folder, 500_000)
        node = harness.Penstock(folder / "node", partitions=4, max_rows=50_000)
        with node:
            rounds = -(-1_000_000_000 // file.stat().st_size)
            for _ in range(rounds):
                produce(node.kafka, "users_data", file)
            node.kill()
        size = sum(f.stat().st_size for f in node.data.rglob("*") if f.is_file()) / 1e9
        with node:
            table.add("restart after SIGKILL, all ports answering", node.start_seconds * 1000, "ms", 1000, "lower", note=f"{size:.1f} GB of data")
            node.stop(60)


def rows_written(node):
    found = re.search(r"^ingest_rows_written_total\{[^}]*cassandra[^}]*\} (\S+)", node.get("/metrics"), re.M)
    return float(found[1]) if found else 0


def execute(table, options):
    with tempfile.TemporaryDirectory(dir=options.dir) as folder, harness.Penstock(folder, pipeline=False) as node:
        for in_flight, budget in ((256, 8 * 8_200), (1, None)):
            out = load("execute", "--cassandra", node.endpoints["cassandra"], "--in-flight", str(in_flight), "--seconds", "5")
            table.add(f"CQL EXECUTE, durable, {in_flight} in flight", out["per_second"], "rows/s", budget, note=f"mean {out['mean_ms']:.2f} ms")

        def select(name):
            out = load("select", "--cassandra", node.endpoints["cassandra"], "--in-flight", "256", "--seconds", "5")
            table.add(name, out["per_second"], "rows/s", note=f"mean {out['mean_ms']:.2f} ms")

        select("CQL SELECT by key, 256 in flight")
        load("execute", "--cassandra", node.endpoints["cassandra"], "--in-flight", "256", "--seconds", "20")
        select("CQL SELECT by key, of a table of 20 s of those")
        node.stop()


def latency(table, options):
    with tempfile.TemporaryDirectory(dir=options.dir) as folder, harness.Penstock(folder) as node:
        out = load("latency", "--kafka", node.kafka, "--cassandra", node.endpoints["cassandra"], "--rate", "10000", "--seconds", "10")
        table.add("produce to readable row, p50, 10k records/s", out["p50_ms"], "ms")
        table.add("produce to readable row, p99, 10k records/s", out["p99_ms"], "ms", 20, "lower", note=f"{out['sampled']} sampled")
        node.stop()


def load(*arguments):
    done = subprocess.run([str(RELEASE / "bench_load"), *arguments], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"bench_load {' '.join(arguments)}: {done.stderr}")
    return json.loads(done.stdout)


SUBJECTS = {"codecs": codecs, "decode": decode, "append": append, "rows": rows, "start-up": start_up, "restart": restart,
            "idle": idle, "execute": execute, "latency": latency, "drain": produce_and_drain}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"any of: {', '.join(SUBJECTS)}; default all")
    options.add_argument("--records", type=int, default=1_000_000, help="records of the drain (default 1,000,000)")
    options.add_argument("--json", default=str(ROOT / "build/bench.json"), metavar="FILE", help="where the figures go (default build/bench.json)")
    options.add_argument("--dir", default=str(ROOT / "build"), help="where data folders are made: the disk that is measured (default build)")
    options = options.parse_args()
    if unknown := set(options.subjects) - SUBJECTS.keys():
        sys.exit(f"bench: no subject {', '.join(sorted(unknown))}; there are {', '.join(SUBJECTS)}")
    table = Table()
    failed = False
    for name in options.subjects or SUBJECTS:
        try:
            settle(options.dir)
            SUBJECTS[name](table, options)
        except (RuntimeError, subprocess.SubprocessError, OSError, KeyError) as error:
            failed = True
            print(f"{name}: {error}", file=sys.stderr)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    pathlib.Path(options.json).write_text(json.dumps({"commit": commit, "cores": os.cpu_count(), "figures": table.rows}, indent=1) + "\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
