#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How the drain grows with workers, and what a record costs as the load grows tenfold.

One `penstock up` has the topic (12 partitions) and the table; workers (`penstock run`) of one group share the topic. Each worker is held to
--cpu of a core by a cgroup, so that workers and not the machine are what is scaled; the server has the rest. One line for each size of a
worker: with large ones the server is soon what limits, as "worker busy" shows. The workers have shared the partitions before the first record
comes; all records come at once. Counted from the first until the group's offsets are at the end, with the rows counted afterwards.
"""
import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import bench
import harness

PARTITIONS = 12
# Version 1 has a tree for each controller, version 2 has one.
CGROUPS = pathlib.Path("/sys/fs/cgroup")
PERIOD_MICROS = 20_000
COLUMNS = "{:<34} {:>12} {:>8} {:>16} {:>16} {:>12}"


class CpuLimit:
    """`with CpuLimit(0.5) as limit: Popen(..., preexec_fn=limit.join)`: the process and its threads get half a core."""

    def __init__(self, name, cores):
        one = CGROUPS / "cpu"
        self.folder = (one if one.is_dir() else CGROUPS) / f"penstock-bench-{os.getpid()}-{name}"
        self.quota = int(cores * PERIOD_MICROS)

    def __enter__(self):
        try:
            self.folder.mkdir()
            if (self.folder / "cpu.max").exists():
                (self.folder / "cpu.max").write_text(f"{self.quota} {PERIOD_MICROS}")
            else:
                (self.folder / "cpu.cfs_period_us").write_text(str(PERIOD_MICROS))
                (self.folder / "cpu.cfs_quota_us").write_text(str(self.quota))
        except OSError as error:
            self.__exit__()
            raise RuntimeError(f"cannot limit a worker's CPU: {error}; this needs root and the cpu controller of cgroups") from error
        return self

    def join(self):
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.folder.rmdir()


class Fleet:
    """The server with its topics, and one drain after another from them."""

    def __init__(self, node, folder):
        self.node, self.folder, self.number = node, folder, 0

    def people(self, records):
        """A file of that many."""
        file = bench.people(self.folder, records)
        return file.rename(self.folder / f"people-{records}.json")

    def drain(self, file, records, workers, cpu):
        self.number += 1
        name = f"drain{self.number}"
        self.node.command("topic", "create", name, "-b", self.node.kafka, "--partitions", str(PARTITIONS))
        text = (harness.PIPELINE % {"interval": "0ms", "max_rows": 50_000}).replace("pipeline: users", f"pipeline: {name}") \
            .replace("group: users", f"group: {name}").replace("[users_data]", f"[{name}]").replace("created_users", name)
        with contextlib.ExitStack() as stack:
            limits = [stack.enter_context(CpuLimit(f"{name}-{i}", cpu)) for i in range(workers)]
            fleet = [harness.Worker(self.folder, f"{name}-{i}", text, self.node.kafka, "%s:%d" % self.node.cql) for i in range(workers)]
            for worker, limit in zip(fleet, limits):
                stack.callback(worker.kill)
                worker.start(preexec_fn=limit.join)

            def tails():
                return "\n".join(worker.tail() for worker in fleet)
            harness.eventually("every worker has its share", lambda: self.shared(name, workers), 90, tail=tails)
            used = [bench.process(worker.process.pid)[0] for worker in fleet]
            server, began = bench.process(self.node.process.pid)[0], time.monotonic()
            bench.produce(self.node.kafka, name, file)
            harness.eventually("all is drained", lambda: self.drained(name, records), 600, tail=tails)
            seconds = time.monotonic() - began
            used = [bench.process(worker.process.pid)[0] - before for worker, before in zip(fleet, used)]
            server = bench.process(self.node.process.pid)[0] - server
            for worker in fleet:
                worker.stop(30)
        if (rows := self.node.rows(f"SELECT count(*) FROM spark_streams.{name}")[0]["count"]) != records:
            raise RuntimeError(f"{rows} rows of {records} records")
        self.node.cql_command(f"DROP TABLE spark_streams.{name}")
        self.node.command("topic", "delete", name, "-b", self.node.kafka)
        return {"workers": workers, "cpu": cpu, "records": records, "records/s": records / seconds, "worker us": sum(used) / records * 1e6,
                "server us": server / records * 1e6, "least busy worker": min(used) / seconds / cpu}

    def group(self, name):
        done = self.node.run("group", "describe", name, "-b", self.node.kafka, "--json")
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def shared(self, name, workers):
        found = self.group(name)
        return found.get("state") == "Stable" and len({p.get("member") for p in found["partitions"]} - {None}) == workers

    def drained(self, name, records):
        return sum(p.get("offset") or 0 for p in self.group(name).get("partitions", [])) >= records


def line(what, run, first):
    print(COLUMNS.format(what, f"{run['records/s']:,.0f}/s", f"{run['records/s'] / first['records/s']:.2f}x", f"{run['worker us']:.2f} us",
                         f"{run['server us']:.2f} us", f"{run['least busy worker']:.0%}"), flush=True)


def main():
    options = argparse.ArgumentParser(prog="./dev bench scaling", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--records", type=int, default=1_000_000, help="records of each drain (default 1,000,000)")
    options.add_argument("--workers", type=int, default=3, help="most workers (default 3)")
    options.add_argument("--cpu", type=float, nargs="+", default=[0.5, 0.1], help="cores of each worker (default 0.5 and 0.1)")
    options.add_argument("--json", default=str(bench.ROOT / "build/scaling.json"), metavar="FILE", help="where the figures go (default build/scaling.json)")
    options.add_argument("--dir", default=str(bench.ROOT / "build"), help="where data folders are made (default build)")
    options = options.parse_args()
    runs = []
    with tempfile.TemporaryDirectory(dir=options.dir) as folder, harness.Penstock(pathlib.Path(folder) / "node", pipeline=False) as node:
        fleet = Fleet(node, pathlib.Path(folder))
        tenth = options.records // 10
        file, small = fleet.people(options.records), fleet.people(tenth)
        for cpu in options.cpu:
            print(COLUMNS.format(f"{cpu:g} of a core a worker", "drain", "", "workers' CPU", "server's CPU", "worker busy"))
            runs.append(first := fleet.drain(file, options.records, 1, cpu))
            line("1 worker", first, first)
            for workers in range(2, options.workers + 1):
                runs.append(fleet.drain(file, options.records, workers, cpu))
                line(f"{workers} workers", runs[-1], first)
            runs.append(fleet.drain(small, tenth, 1, cpu))
            line(f"1 worker, {tenth:,} records", runs[-1], first)
        node.stop(60)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=bench.ROOT, capture_output=True, text=True).stdout.strip()
    pathlib.Path(options.json).write_text(json.dumps({"commit": commit, "cores": os.cpu_count(), "runs": runs}, indent=1) + "\n")


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, AssertionError, subprocess.SubprocessError, OSError) as error:
        sys.exit(f"bench scaling: {error}")
