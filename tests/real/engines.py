# SPDX-License-Identifier: Apache-2.0
"""Starts Apache Kafka and Apache Cassandra from Maven's jars: on 127.0.0.1, in a folder of their own, stopped by their own pid."""
import concurrent.futures
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading

from cassandra.cluster import Cluster
from cassandra.policies import WhiteListRoundRobinPolicy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import harness  # noqa: E402

LIBRARY = pathlib.Path(os.environ.get("PENSTOCK_REAL_LIB", pathlib.Path.home() / ".cache/penstock-real"))
KAFKA = "3.9.1"
KAFKA_ZOOKEEPER = "3.4.1"  # the generation that the stack runs
KAFKA_NEWEST = "4.4.0"  # of the 4.x line; it runs on Java 17
RELOAD4J = "org.slf4j:slf4j-reload4j:1.7.36"
LOG4J2 = "2.25.5"  # as Kafka 4.4 has it
CASSANDRA = "5.0.5"
PROJECT = """\
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>real</groupId><artifactId>real</artifactId><version>1</version><dependencies>%s</dependencies></project>
"""
DEPENDENCY = "<dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>"


def jars(*artifacts):
    """The folder with these artifacts (GROUP:ARTIFACT:VERSION) and all that they need; fetched once."""
    folder = LIBRARY / hashlib.sha256("".join(one + "\n" for one in artifacts).encode()).hexdigest()[:16]
    if not (folder / ".complete").exists():
        print(f"fetching {', '.join(artifacts)}", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        with tempfile.TemporaryDirectory() as work:
            project = pathlib.Path(work) / "pom.xml"
            project.write_text(PROJECT % "".join(DEPENDENCY % tuple(one.split(":")) for one in artifacts))
            maven("-f", str(project), "dependency:copy-dependencies", f"-DoutputDirectory={folder}", wanted=", ".join(artifacts))
        (folder / ".complete").touch()
    return folder


def maven(*arguments, wanted):
    """Runs Maven; when it cannot fetch what is wanted, that is said first, and what Maven itself said follows."""
    try:
        done = subprocess.run(["mvn", "-q", "-B", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=900)
    except FileNotFoundError:
        raise RuntimeError(f"mvn, which fetches {wanted}, is not installed: ./dev setup test") from None
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"Maven has not fetched {wanted} in 15 minutes: is its repository reachable from here?") from None
    if done.returncode != 0:
        raise RuntimeError(f"Maven could not fetch {wanted}: is its repository reachable from here (network, proxy, mirror in ~/.m2/settings.xml)?\n"
                           f"{done.stdout[-2000:]}")


class Engine:
    """A server that says on its standard output when it is ready. `address` is HOST:PORT for its clients."""

    def __init__(self, folder, ready):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = harness.free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.ready = ready
        self.process = None

    def command(self):
        raise NotImplementedError

    def start(self, timeout=300):  # 10 to 25 s on a quiet machine; it may be shared
        told = threading.Event()
        self.process = subprocess.Popen(self.command(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True,
                                        errors="replace", cwd=self.folder)
        threading.Thread(target=self._listen, args=(self.process, told), daemon=True).start()
        if not told.wait(timeout) or self.process.poll() is not None:
            self.kill()
            raise RuntimeError(f"{type(self).__name__} is not ready\n{self.tail()}")
        return self

    def _listen(self, process, told):
        with open(self.folder / "log.txt", "a") as log:
            for line in process.stdout:
                log.write(line)
                log.flush()
                if self.ready in line:
                    told.set()
        process.wait()  # it ended: start() finds it so
        told.set()

    def tail(self, bytes_max=6000):
        return (self.folder / "log.txt").read_text(errors="replace")[-bytes_max:]

    def stop(self, timeout=60):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout)

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()


def kafka_tools():
    """The Java command line of Kafka's own tools, which bring much that a broker does not need."""
    library = jars(f"org.apache.kafka:kafka_2.13:{KAFKA}", f"org.apache.kafka:kafka-tools:{KAFKA}", RELOAD4J)
    return ["java", "-Xms512m", "-Xmx1g", "-XX:+UseG1GC", "-cp", f"{library}/*"]


def kafka_java(folder, version, *loggers):
    """The Java command line of a Kafka, which says on its standard output what goes wrong and what these loggers have to say."""
    broker = f"org.apache.kafka:kafka_2.13:{version}"
    if int(version.split(".")[0]) < 4:
        library = jars(broker, RELOAD4J)
        lines = ["log4j.rootLogger=WARN, out", "log4j.appender.out=org.apache.log4j.ConsoleAppender",
                 "log4j.appender.out.layout=org.apache.log4j.PatternLayout", "log4j.appender.out.layout.ConversionPattern=[%d] %p %m (%c)%n",
                 *(f"log4j.logger.{name}=INFO" for name in loggers)]
        flag = "-Dlog4j.configuration"
    else:
        library = jars(broker, f"org.apache.logging.log4j:log4j-slf4j-impl:{LOG4J2}")
        lines = ["appender.out.type=Console", "appender.out.name=out", "appender.out.layout.type=PatternLayout",
                 "appender.out.layout.pattern=[%d] %p %m (%c)%n", "rootLogger.level=WARN", "rootLogger.appenderRef.out.ref=out",
                 *(f"logger.{i}.{key}" for i, name in enumerate(loggers) for key in (f"name={name}", "level=INFO"))]
        flag = "-Dlog4j2.configurationFile"
    file = folder / "log4j.properties"
    file.write_text("\n".join(lines) + "\n")
    return ["java", "-Xms512m", "-Xmx1g", "-XX:+UseG1GC", f"{flag}=file:{file}", "-Dzookeeper.jmx.log4j.disable=true", "-cp", f"{library}/*"]


class RealKafka(Engine):
    """One Apache Kafka broker that is its own controller (KRaft). `settings` are lines of server.properties; {address} and {controller}
    in them stand for the addresses of its own two listeners."""

    def __init__(self, folder, *settings, version=KAFKA):
        super().__init__(folder, "Kafka Server started")
        self.version = version
        self.java = kafka_java(self.folder, version, "kafka.server.KafkaRaftServer")
        controller = f"127.0.0.1:{harness.free_port()}"
        self.properties = broker_properties(
            self, "process.roles=broker,controller", "node.id=1", f"controller.quorum.voters=1@{controller}",
            f"listeners=PLAINTEXT://{self.address},CONTROLLER://{controller}", "controller.listener.names=CONTROLLER",
            "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT", *(line.replace("{controller}", controller) for line in settings))

    def format_flags(self):
        """What StorageTool is told beside the cluster's id."""
        return []

    def command(self):
        if not (self.folder / "logs").exists():
            cluster = subprocess.run([*self.java, "kafka.tools.StorageTool", "random-uuid"], check=True, capture_output=True, text=True).stdout.strip()
            subprocess.run([*self.java, "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self.properties), *self.format_flags()],
                           check=True, capture_output=True)
        return [*self.java, "kafka.Kafka", str(self.properties)]


def broker_properties(engine, *lines):
    """Writes server.properties: what every broker here has, and these lines, of which the last one of a name counts."""
    file = engine.folder / "server.properties"
    file.write_text("\n".join([
        f"advertised.listeners=PLAINTEXT://{engine.address}", f"log.dirs={engine.folder / 'logs'}", "offsets.topic.replication.factor=1",
        "transaction.state.log.replication.factor=1", "transaction.state.log.min.isr=1", "group.initial.rebalance.delay.ms=0",
        *(line.replace("{address}", engine.address) for line in lines), ""]))
    return file


class ZooKeeper(Engine):
    def __init__(self, folder, version):
        super().__init__(folder, "PrepRequestProcessor")  # the first of its workers: it takes requests from now on
        self.java = kafka_java(self.folder, version, "org.apache.zookeeper.server.PrepRequestProcessor")
        self.config = self.folder / "zoo.cfg"
        self.config.write_text(f"dataDir={self.folder / 'data'}\nclientPortAddress=127.0.0.1\nclientPort={self.port}\nadmin.enableServer=false\n")

    def command(self):
        return [*self.java, "org.apache.zookeeper.server.ZooKeeperServerMain", str(self.config)]


class ZooKeeperKafka(Engine):
    """One Apache Kafka broker of the generation before KRaft, and the ZooKeeper that it needs beside it."""

    def __init__(self, folder, version=KAFKA_ZOOKEEPER):
        super().__init__(folder, "started (kafka.server.KafkaServer)")
        self.version = version
        self.zookeeper = ZooKeeper(self.folder / "zookeeper", version)
        self.java = kafka_java(self.folder, version, "kafka.server.KafkaServer")
        self.properties = broker_properties(self, "broker.id=1", f"listeners=PLAINTEXT://{self.address}", f"zookeeper.connect={self.zookeeper.address}")

    def command(self):
        return [*self.java, "kafka.Kafka", str(self.properties)]

    def start(self, timeout=300):
        self.zookeeper.start(timeout)
        return super().start(timeout)

    def stop(self, timeout=60):
        super().stop(timeout)
        self.zookeeper.stop(timeout)

    def kill(self):
        super().kill()
        self.zookeeper.kill()


# What Cassandra's own start script opens of Java 17's modules.
EXPORTS = """java.base/jdk.internal.misc java.base/jdk.internal.ref java.base/java.lang.ref java.management.rmi/com.sun.jmx.remote.internal.rmi
java.management/com.sun.jmx.remote.security java.rmi/sun.rmi.registry java.rmi/sun.rmi.server java.sql/java.sql jdk.attach/sun.tools.attach
jdk.compiler/com.sun.tools.javac.file jdk.unsupported/sun.misc""".split()
OPENS = """java.base/java.lang.module java.base/jdk.internal.loader java.base/jdk.internal.ref java.base/jdk.internal.reflect
java.base/jdk.internal.math java.base/jdk.internal.module java.base/jdk.internal.util.jar java.base/sun.nio.ch java.base/java.io
java.base/java.lang.reflect java.base/java.lang java.base/java.util java.base/java.nio java.base/java.util.concurrent
java.base/java.util.concurrent.atomic jdk.management/com.sun.management.internal jdk.compiler/com.sun.tools.javac""".split()


class RealCassandra(Engine):
    """One Apache Cassandra node. `sync`: commitlog_sync, `batch` acknowledges what is on disk, `periodic` before. `heap` as Java has it.
    `seed`: another node, whose cluster it joins with a `host` and `token` of its own."""

    def __init__(self, folder, *settings, version=CASSANDRA, sync="batch", heap="1g", host="127.0.0.1", token=0, seed=None):
        super().__init__(folder, "Startup complete")
        library = jars(f"org.apache.cassandra:cassandra-all:{version}")
        self.gossip, jmx = seed.gossip if seed else harness.free_port(), harness.free_port()
        self.port = seed.port if seed else self.port
        self.address = f"{host}:{self.port}"
        self.host, self.token = host, token
        first = seed.host if seed else host
        conf = self.folder / "conf"
        for name in ("conf", "triggers", "tmp"):
            (self.folder / name).mkdir(exist_ok=True)
        (conf / "cassandra.yaml").write_text("\n".join([
            "cluster_name: real", "num_tokens: 1", "partitioner: org.apache.cassandra.dht.Murmur3Partitioner", f"commitlog_sync: {sync}",
            *(["commitlog_sync_period: 10000ms"] if sync == "periodic" else []), "endpoint_snitch: SimpleSnitch",
            f"seed_provider: [{{class_name: org.apache.cassandra.locator.SimpleSeedProvider, parameters: [{{seeds: '{first}:{self.gossip}'}}]}}]",
            f"listen_address: {host}", f"rpc_address: {host}", f"storage_port: {self.gossip}", "auto_bootstrap: false", f"native_transport_port: {self.port}",
            "start_native_transport: true", "auto_snapshot: false", *settings, ""]))
        (conf / "logback.xml").write_text(
            '<configuration><appender name="S" class="ch.qos.logback.core.ConsoleAppender"><encoder>'
            "<pattern>%-5level %date{ISO8601} %F:%L - %msg%n</pattern></encoder></appender>"
            '<root level="INFO"><appender-ref ref="S"/></root></configuration>\n')
        (jamm,) = library.glob("jamm-*.jar")
        self.java = [
            "java", f"-Xms{heap}", f"-Xmx{heap}", "-XX:+UseG1GC",
            *(word for module in EXPORTS for word in ("--add-exports", module + "=ALL-UNNAMED")),
            *(word for module in OPENS for word in ("--add-opens", module + "=ALL-UNNAMED")),
            f"-javaagent:{jamm}", "-Djdk.attach.allowAttachSelf=true", "-Dio.netty.tryReflectionSetAccessible=true",
            f"-Dcassandra.config=file:{conf / 'cassandra.yaml'}", f"-Dcassandra.storagedir={self.folder / 'data'}",
            f"-Dcassandra.triggers_dir={self.folder / 'triggers'}", "-Dcassandra-foreground=yes",
            f"-Dlogback.configurationFile={conf / 'logback.xml'}", f"-Djava.io.tmpdir={self.folder / 'tmp'}",
            "-Dcassandra.skip_wait_for_gossip_to_settle=0", f"-Dcassandra.initial_token={token}", "-Dcassandra.load_ring_state=false",
            f"-Dcassandra.ring_delay_ms={30000 if seed else 0}", "-Dcassandra.superuser_setup_delay_ms=0", f"-Dcassandra.jmx.local.port={jmx}",
            "-cp", ":".join([str(conf), *map(str, sorted(library.glob("*.jar")))])]

    def command(self):
        return [*self.java, "org.apache.cassandra.service.CassandraDaemon"]


class RealCluster:
    """Apache Cassandra nodes on 127.0.0.1, .2, .3 with tokens evenly around the ring, so that they start without settling who owns what."""

    def __init__(self, folder, *settings, nodes=3, heap="600m"):
        self.nodes = []
        for i in range(nodes):
            self.nodes.append(RealCassandra(pathlib.Path(folder) / f"node{i + 1}", *settings, sync="periodic", heap=heap, host=f"127.0.0.{i + 1}",
                                            token=-2**63 + i * 2**64 // nodes, seed=self.nodes[0] if i else None))

    def owner(self, token):
        """The node whose range holds the token: the next one around the ring."""
        return next((node for node in self.nodes if node.token >= token), self.nodes[0])

    def __enter__(self):
        try:
            self.nodes[0].start(300)
            with concurrent.futures.ThreadPoolExecutor() as pool:
                list(pool.map(lambda node: node.start(300), self.nodes[1:]))
            for node in self.nodes:
                harness.eventually(f"all nodes in the eyes of {node.host}", lambda: self.peers(node) == len(self.nodes) - 1, 120, 0.2, node.tail)
        except BaseException:
            self.__exit__()
            raise
        return self

    @staticmethod
    def peers(node):
        """How many others a node can tell of in full. While it is too few, clients take the cluster for a smaller one."""
        with Cluster([node.host], port=node.port, protocol_version=4, connect_timeout=30,
                     load_balancing_policy=WhiteListRoundRobinPolicy([node.host])) as driver:
            return sum(all(peer) for peer in driver.connect().execute("SELECT host_id, data_center, native_address, tokens FROM system.peers_v2"))

    def __exit__(self, *_):
        for node in self.nodes:
            node.kill()
