# SPDX-License-Identifier: Apache-2.0
"""The commands: what they print, what they exit with."""
import contextlib
import json
import os
import pathlib
import pty
import re
import socket
import subprocess
import threading
import time

import pytest

import harness
from conftest import SAMPLE, Node


def penstock(*arguments, stdin=None, cwd=None):
    return subprocess.run([str(harness.BINARY), *arguments], input=stdin, capture_output=True, text=True, timeout=60, cwd=cwd)


@pytest.mark.parametrize("command", ["up", "run", "produce", "consume", "topic", "group", "cql", "validate", "generate", "version"])
def test_help_of_each_command_has_examples(command):
    done = penstock(command, "--help")
    assert done.returncode == 0 and "Examples:" in done.stdout, done


def test_wrong_command_lines_exit_with_2():
    done = penstock("prodcue")
    assert done.returncode == 2 and "did you mean 'produce'" in done.stderr
    assert penstock("produce").returncode == 2, "--topic is required"
    assert penstock("up", "--nonsense").returncode == 2
    assert penstock("consume", "--topic", "t", "--property", "print.kye=true").returncode == 2


def test_input_that_cannot_be_read_is_an_error(node):
    """A folder opens like a file, and fails when it is read."""
    commands = {"produce": ("produce", "-b", node.kafka, "--topic", "t"), "standard input": ("cql", "%s:%d" % node.cql),
                "a folder": ("cql", "%s:%d" % node.cql, "-f", str(node.folder))}
    folder = os.open(node.folder, os.O_RDONLY)
    for what, command in commands.items():
        done = subprocess.run([str(harness.BINARY), *command], stdin=folder, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "read" in done.stderr, f"{what}: {done}"
    os.close(folder)


def test_nobody_answering_exits_with_75():
    address = f"127.0.0.1:{harness.free_port()}"
    done = penstock("produce", "-b", address, "--topic", "t", stdin="x\n")
    assert done.returncode == 75 and address in done.stderr, done
    done = penstock("cql", address, "-e", "SELECT * FROM system.local")
    assert done.returncode == 75 and address in done.stderr, done


def test_every_client_command_exits_with_75_when_nobody_listens(tmp_path):
    address = f"127.0.0.1:{harness.free_port()}"
    commands = [("topic", "list"), ("topic", "create", "t"), ("topic", "describe", "t"), ("topic", "delete", "t"), ("group", "list"),
                ("group", "describe", "g"), ("group", "delete", "g"), ("consume", "--topic", "t"),
                ("consume", "--topic", "t", "--group", "g"), ("generate", "--topic", "t", "--count", "1")]
    running = [subprocess.Popen([str(harness.BINARY), *command, "-b", address], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, cwd=tmp_path) for command in commands]
    ended = {" ".join(command): (process.communicate(timeout=60), process.returncode) for command, process in zip(commands, running)}
    for command, ((_, err), code) in ended.items():
        assert code == 75 and "\npenstock: " in "\n" + err, f"{command}: {code}\n{err}"


def test_validate_names_every_problem_with_line_column_and_suggestion(tmp_path):
    (tmp_path / "penstock.yaml").write_text("kafka:\n  listners: {A: \"127.0.0.1:1\"}\nconsle: {}\n")
    done = penstock("validate", cwd=tmp_path)
    assert done.returncode == 78
    assert "penstock.yaml:2:3: unknown key 'kafka.listners'; did you mean 'listeners'?" in done.stderr
    assert "penstock.yaml:3:1: unknown key 'consle'; did you mean 'console'?" in done.stderr

    users = (harness.ROOT / "pipelines/users.yaml").read_text()
    (tmp_path / "users.yaml").write_text(users.replace("topics:", "topcis:"))
    done = penstock("validate", "users.yaml", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert done.returncode == 78 and not found["valid"]
    assert any((p["line"], p["column"], p.get("suggestion")) == (4, 11, "topics") for p in found["problems"]), found
    done = penstock("validate", "--json", cwd=tmp_path)
    (slip, other) = json.loads(done.stdout)["problems"]
    assert (slip["line"], slip["column"], slip["message"], slip["suggestion"]) == (2, 3, "unknown key 'kafka.listners'", "listeners")
    assert (other["line"], other["column"], other["suggestion"], other["severity"]) == (3, 1, "console", "error")


def test_shipped_files_are_valid():
    done = penstock("validate", "-c", str(harness.ROOT / "penstock.example.yaml"), str(harness.ROOT / "pipelines/users.yaml"))
    assert done.returncode == 0, done.stderr


def test_wrong_configuration_exits_with_78_before_anything_starts(tmp_path):
    (tmp_path / "penstock.yaml").write_text("cassandra: {listen: \"0.0.0.0:9042\"}\n")
    done = penstock("up", cwd=tmp_path)
    assert done.returncode == 78 and "allow_unauthenticated" in done.stderr
    assert not (tmp_path / "penstock-data").exists()


def test_generate_is_deterministic_and_version_is_json():
    one, two = (penstock("generate", "--count", "100", "--seed", "9").stdout for _ in range(2))
    assert one == two and len(one.splitlines()) == 100
    assert len(json.loads(one.splitlines()[0])) == 11
    assert json.loads(penstock("version", "--json").stdout)["version"]


def test_topics_can_be_created_listed_described_and_deleted(node):
    b = ("-b", node.kafka)
    node.command("topic", "create", "events", "--partitions", "3", "--config", "retention.ms=60000", *b)
    again = node.run("topic", "create", "events", *b)
    assert again.returncode == 1 and "exists" in again.stderr
    node.command("topic", "create", "events", "--if-not-exists", *b)
    assert "events" in node.command("topic", "list", *b).splitlines()
    assert {"name": "events", "partitions": 3} in json.loads(node.command("topic", "list", "--json", *b))
    (described,) = json.loads(node.command("topic", "describe", "events", "--json", *b))
    assert len(described["partitions"]) == 3 and described["configs"]["retention.ms"] == "60000"
    assert "PartitionCount: 3" in node.command("topic", "describe", "events", *b)
    node.command("topic", "delete", "events", *b)
    assert "events" not in node.command("topic", "list", *b).splitlines()
    assert node.run("topic", "describe", "events", *b).returncode == 1


def test_produce_and_consume_with_the_flags_of_kafkas_tools(node):
    node.command("produce", "--bootstrap-server", node.kafka, "--topic", "t", "--property", "parse.key=true", "--property",
                 "key.separator=:", "--producer-property", "linger.ms=1", stdin="k1:v1\nk2:v2:more\n")
    read = ("consume", "--bootstrap-server", node.kafka, "--topic", "t", "--from-beginning", "--max-messages", "2")
    assert node.command(*read) == "v1\nv2:more\n"
    assert node.command(*read, "--property", "print.key=true", "--property", "print.offset=true", "--property",
                        "key.separator= | ") == "Offset:0 | k1 | v1\nOffset:1 | k2 | v2:more\n"
    assert node.command("consume", "-b", node.kafka, "--topic", "t", "--partition", "0", "--offset", "1", "--timeout-ms",
                        "2000") == "v2:more\n"
    first = json.loads(node.command(*read, "--json").splitlines()[0])
    assert (first["key"], first["value"], first["partition"], first["offset"]) == ("k1", "v1", 0, 0)


def test_produce_delivers_what_stands_before_a_wrong_line_and_names_the_line(node):
    with_key = ("--topic", "t", "--property", "parse.key=true", "--property", "key.separator=:")
    done = node.run("produce", "-b", node.kafka, *with_key, stdin="k:v\nbad\nk2:never\n")
    assert done.returncode == 2
    assert done.stderr == ("penstock: line 2: no key separator in 'bad'; 1 of the 1 records before it were delivered\n")
    read = ("consume", "-b", node.kafka, "--topic", "t", "--from-beginning", "--timeout-ms", "1000", "--property", "print.key=true")
    assert node.command(*read) == "k\tv\n"


def test_produce_says_how_many_records_were_not_delivered(node):
    """The broker stands still: the client gives a record up after message.timeout.ms."""
    node.command("topic", "create", "t", "-b", node.kafka)
    producer = subprocess.Popen([str(harness.BINARY), "produce", "-b", node.kafka, "--topic", "t", "-X", "message.timeout.ms=1500",
                                 "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    producer.stdin.write("first\n")
    producer.stdin.flush()
    assert node.command("consume", "-b", node.kafka, "--topic", "t", "--from-beginning", "--max-messages", "1") == "first\n"
    with node.frozen():
        out, err = producer.communicate("second\nthird\n", timeout=20)
    assert producer.returncode == 75, out + err
    assert "2 of 3 records were not delivered: producing to t: " in err
    report = json.loads(out)
    assert (report["topic"], report["records"], report["delivered"]) == ("t", 3, 1)


def test_produce_takes_headers_nulls_and_a_codec(node, kcat):
    reader = node.folder / "reader.properties"
    reader.write_text("# how lines are read\nparse.headers=true\nparse.key=true\nnull.marker=NULL\n")
    node.command("produce", "-b", node.kafka, "--topic", "t", "--reader-config", str(reader), "--property", "key.separator=|",
                 "--compression-codec", "zstd", "--request-required-acks", "1", "--sync", "--batch-size", "100000", "--timeout", "1",
                 stdin="a:1,b:NULL\tk|v\nNULL\tNULL|no key\nc:\tgone|NULL\n")
    shown = kcat(node, "-C", "-t", "t", "-e", "-q", "-f", "%h;%k;%K;%s;%S\n").decode()
    assert shown == "a=1,b=NULL;k;1;v;1\n;;-1;no key;6\nc=;gone;4;;-1\n"
    # A codec without a name is gzip, as in Kafka's tool: attributes' lowest bits say so in the stored batch.
    node.command("produce", "-b", node.kafka, "--topic", "zipped", "--compression-codec", stdin="x" * 1000 + "\n")
    (segment,) = (node.data / "kafka" / "zipped-0").glob("*.log")
    assert segment.read_bytes()[22] & 7 == 1


def test_flags_of_kafkas_tools_that_cannot_be_served_say_what_to_use(node):
    done = node.run("produce", "-b", node.kafka, "--topic", "t", "--line-reader", "my.Reader")
    assert done.returncode == 2 and "LineMessageReader" in done.stderr
    done = node.run("consume", "-b", node.kafka, "--include", "t.*", "--topic", "t")
    assert done.returncode == 2 and "name one topic" in done.stderr
    assert "penstock version" in node.run("consume", "--topic", "t", "--version").stderr
    assert node.run("consume", "-b", node.kafka, "--topic", "t", "--isolation-level", "dirty").returncode == 2
    assert node.run("produce", "-b", node.kafka, "--topic", "t", "--producer-property", "lingr.ms=1").returncode == 2


def test_consumer_of_a_group_goes_on_where_the_last_one_ended(node):
    node.command("produce", "-b", node.kafka, "--topic", "t", stdin="one\ntwo\nthree\n")
    config = node.folder / "consumer.properties"
    config.write_text("client.id=from-the-file\n")
    read = ("consume", "-b", node.kafka, "--topic", "t", "--group", "readers", "--from-beginning", "--consumer.config", str(config),
            "--isolation-level", "read_committed")
    assert node.command(*read, "--max-messages", "2") == "one\ntwo\n"
    assert node.command(*read, "--max-messages", "1") == "three\n"
    heading, row = node.command("group", "describe", "readers", "-b", node.kafka).splitlines()[-2:]
    assert heading.split()[:6] == ["GROUP", "TOPIC", "PARTITION", "CURRENT-OFFSET", "LOG-END-OFFSET", "LAG"]
    assert row.split() == ["readers", "t", "0", "3", "3", "0", "-", "-", "-"]


def test_addresses_are_found_through_the_data_directory(node):
    node.command("produce", "--data-dir", str(node.data), "--topic", "users_data", stdin=SAMPLE + "\n")
    node.drained(1)
    out = node.command("cql", "--data-dir", str(node.data), "-e", "SELECT id FROM spark_streams.created_users", "--json")
    assert json.loads(out) == {"id": "user_12345"}


def test_cql_reads_statements_from_file_stdin_and_source(node, tmp_path):
    at = "%s:%d" % node.cql
    script = tmp_path / "schema.cql"
    script.write_text("-- a comment; with a semicolon\nCREATE KEYSPACE shop WITH replication = {'class': 'SimpleStrategy', "
                      "'replication_factor': 1};\nUSE shop;\nCREATE TABLE items (id int PRIMARY KEY, name text);\n"
                      "INSERT INTO items (id, name) VALUES (1, 'semi;colon');\n")
    node.command("cql", at, "-f", str(script))
    assert node.command("cql", at, "-k", "shop", stdin="SELECT * FROM items;\n") == (
        "\n id | name\n----+------------\n  1 | semi;colon\n\n(1 rows)\n")
    assert "CREATE TABLE shop.items" in node.command("cql", at, "-e", "DESCRIBE TABLE shop.items")
    assert "shop" in node.command("cql", at, "-e", "DESCRIBE KEYSPACES")
    node.command("cql", at, "-e", f"TRUNCATE shop.items; USE shop; SOURCE '{script.with_name('more.cql')}'"
                 ) if script.with_name("more.cql").write_text("INSERT INTO items (id) VALUES (2);") else None
    assert node.rows("SELECT id FROM shop.items") == [{"id": 2}]


def test_cql_errors_are_readable_and_exit_with_1(node):
    for statement, words in (("SELEC 1", "SyntaxException"), ("SELECT * FROM nowhere.t", "does not exist"), ("USE nowhere", "does not exist")):
        done = node.run("cql", "%s:%d" % node.cql, "-e", statement)
        assert done.returncode == 1 and words in done.stderr, done


class SwallowsCount:
    """Stands between a CQL client and the server, and lets no statement with COUNT through."""

    def __init__(self, server):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, args=(server,), daemon=True).start()

    def accept(self, server):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:  # closed
                return
            other = socket.create_connection(server)
            for one, two in ((client, other), (other, client)):
                threading.Thread(target=self.carry, args=(one, two), daemon=True).start()

    @staticmethod
    def carry(source, target):
        with source, target, contextlib.suppress(OSError):
            while data := source.recv(65536):
                if b"COUNT" not in data:
                    target.sendall(data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def test_cql_waits_as_long_as_it_is_told(node):
    with SwallowsCount(node.cql) as between:
        began = time.monotonic()
        done = node.run("cql", between.address, "--request-timeout", "0.3", "-e", "SELECT COUNT(*) FROM system_schema.tables")
        assert done.returncode != 0 and "did not answer within 300 ms" in done.stderr, done
        assert time.monotonic() - began < 10, "the default is twelve"


def read_all(terminal):
    """What a program writes to its terminal until it ends."""
    out = b""
    while True:
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # the other end is closed
            return out
        if not chunk:
            return out
        out += chunk


def test_generate_shows_on_a_terminal_how_far_it_is(node):
    master, slave = pty.openpty()
    generate = subprocess.Popen([str(harness.BINARY), "generate", "-b", node.kafka, "--topic", "t", "--rate", "2000", "--count", "2500"],
                                stdout=subprocess.DEVNULL, stderr=slave)
    os.close(slave)
    out = read_all(master).decode()
    assert generate.wait(20) == 0
    count, percent = re.search(r"\r\x1b\[K(\d+) of 2500 people \((\d+) %\), \d+/s", out).groups()
    assert int(count) >= 1000 and int(percent) == int(count) * 100 // 2500
    assert out.endswith("\r\x1b[K2500 people sent to t\r\n"), "the line is gone at the end"
    (topic,) = json.loads(node.command("topic", "describe", "t", "-b", node.kafka, "--json"))
    assert topic["partitions"][0]["end_offset"] == 2500


def test_cql_shell_has_a_line_editor(node, tmp_path):
    master, slave = pty.openpty()
    shell = subprocess.Popen([str(harness.BINARY), "cql", "%s:%d" % node.cql], stdin=slave, stdout=slave, stderr=slave,
                             env={**os.environ, "TERM": "dumb", "HOME": str(tmp_path)}, start_new_session=True)
    os.close(slave)
    os.write(master, b"SELECT data_center\nFROM system.local;\n\x1b[A\x1b[A\nFROM system.peers;\nEXIT\n")
    out = read_all(master)
    assert shell.wait(20) == 0
    assert b"datacenter1" in out and b"(1 rows)" in out, out
    assert b"(0 rows)" in out, "the arrow up has brought the first line back"
    assert "FROM system.local;" in pathlib.Path(tmp_path, ".penstock_cql_history").read_text().replace("\\040", " ")


def test_run_works_on_what_is_there_and_ends(tmp_path):
    with Node(tmp_path, pipeline=False) as node:
        node.produce(SAMPLE)
        pipeline = tmp_path / "once.yaml"
        pipeline.write_text((harness.ROOT / "pipelines/users.yaml").read_text().replace(
            "trigger: {interval: 500ms, max_rows: 200000}", "trigger: {available_now: true}"))
        out = node.command("run", str(pipeline), "-b", node.kafka, "--contact-points", "%s:%d" % node.cql)
        assert "|user_12345|" in out
        assert len(node.rows("SELECT id FROM spark_streams.created_users")) == 1


def test_run_finds_the_addresses_of_its_configuration_and_reports_as_json(tmp_path):
    with Node(tmp_path, pipeline=False) as node:
        node.command("generate", "-b", node.kafka, "--topic", "users_data", "--count", "50000")
        config = tmp_path / "worker.yaml"
        config.write_text(f"kafka: {{bootstrap_servers: '{node.kafka}'}}\ncassandra: {{contact_points: ['{node.cql[0]}:{node.cql[1]}']}}\n")
        pipeline = tmp_path / "once.yaml"
        text = (harness.ROOT / "pipelines/users.yaml").read_text()
        pipeline.write_text(text.replace("trigger: {interval: 500ms, max_rows: 200000}", "trigger: {available_now: true, max_rows: 10}"))
        done = node.run("run", "-c", str(config), str(pipeline), "--json")
        assert done.returncode == 0, done.stderr
        progress = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        assert progress[-1]["numInputRows"] > 0 and progress[-1]["name"] == "users"
        assert node.rows("SELECT count(*) FROM spark_streams.created_users") == [{"count": 50000}]
        said = [json.loads(line)["message"] for line in done.stderr.splitlines()]
        assert any(re.fullmatch(r"pipeline users: \d+ records read, \d+ to go \(\d+ %\), \d+/s", line) for line in said), said


def test_run_of_a_pipeline_that_cannot_work_exits_with_1(tmp_path):
    with Node(tmp_path, pipeline=False) as node:
        node.produce(SAMPLE)
        node.cql_command("CREATE KEYSPACE spark_streams WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};"
                         "CREATE TABLE spark_streams.created_users (other int PRIMARY KEY)")
        done = node.run("run", str(harness.ROOT / "pipelines/users.yaml"), "-b", node.kafka, "--contact-points", "%s:%d" % node.cql)
        assert done.returncode == 1 and "created_users" in done.stderr, done


def test_two_nodes_of_one_configuration_side_by_side(tmp_path):
    """The flags of `up` win over the file, so the file's addresses and folder are not in each other's way."""
    shared = tmp_path / "penstock.yaml"
    shared.write_text(f"data_dir: {tmp_path}/unused\npipelines: []\n")
    nodes = [Node(tmp_path / name, flags=("--kafka", "127.0.0.1:0", "--cassandra", "127.0.0.1:0", "--console", "127.0.0.1:0",
                                          "--data-dir", str(tmp_path / name / "data"))) for name in ("one", "two")]
    for node in nodes:
        node.config = shared
    with nodes[0] as one, nodes[1] as two:
        one.command("topic", "create", "only-here", "--data-dir", str(one.data))
        assert one.command("topic", "list", "--data-dir", str(one.data)) == "only-here\n"
        assert two.command("topic", "list", "--data-dir", str(two.data)) == ""
        assert two.cql != one.cql and two.get("/livez") == "alive\n"
        assert not (tmp_path / "unused").exists()


def test_up_makes_nothing_up_without_demo(tmp_path):
    with Node(tmp_path, pipeline=False) as node:
        assert node.command("topic", "list", "-b", node.kafka) == ""
        assert node.stop() == 0


def test_demo_without_its_generator_waits_for_records(tmp_path):
    with Node(tmp_path, pipeline=False, flags=("--demo", "--no-generator")) as node:
        node.eventually("the pipeline", lambda: node.pipeline()["state"] == "running")
        node.produce(SAMPLE)
        assert node.drained(1)["rowsRead"] == 1


def test_demo_keeps_its_rate(tmp_path):
    with Node(tmp_path, pipeline=False, flags=("--demo", "--rate", "50")) as node:
        begin = time.monotonic()
        node.drained(100)
        assert time.monotonic() - begin > 1.0, "no faster than fifty a second"


def test_demo_needs_nothing_else_and_prints_commands_that_can_be_pasted(tmp_path):
    with Node(tmp_path, pipeline=False, flags=("--demo", "--rate", "0", "--count", "500")) as node:
        node.drained(500)
        assert node.rows("SELECT count(*) FROM spark_streams.created_users") == [{"count": 500}]
        printed = node.eventually("the banner", lambda: "Stop with" in (text := node.printed()) and text)
        program = os.path.relpath(harness.BINARY)
        commands = [line for line in printed.splitlines() if line.startswith("  ") and program in line]
        assert len(commands) == 4, printed
        pasted = {line: subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60) for line in commands}
        assert all(done.returncode == 0 for done in pasted.values()), pasted
        node.drained(1501)
        assert node.rows("SELECT first_name FROM spark_streams.created_users WHERE id = 'me'") == [{"first_name": "Ada"}]


def test_commands_are_printed_by_name_when_the_program_is_on_the_path(tmp_path):
    path = {"PATH": f"{harness.BINARY.parent}:{os.environ['PATH']}"}
    with Node(tmp_path, flags=("--no-generator",), env=path) as node:
        printed = node.eventually("the banner", lambda: "Stop with" in (text := node.printed()) and text)
        assert f"\n  penstock group describe -b {node.kafka} users\n" in printed
