# SPDX-License-Identifier: Apache-2.0
"""The stack's own Spark job, unchanged but for the addresses, and what users do with its table in Spark afterwards.

    build/venv/spark/bin/python tests/real/spark_job.py JOB --kafka HOST:PORT --cassandra HOST:PORT --jars FOLDER --folder FOLDER

JOB is `drain` (what the topic holds goes into the table, then the job ends), `follow` (until standard input closes) or `table` (batch reads and
writes of that table). FOLDER keeps the checkpoint. The last line of standard output is one JSON object: what the job saw, and its seconds.
"""
import argparse
import json
import os
import pathlib
import re
import sys
import time

from cassandra.cluster import Cluster
from pyspark.sql import SparkSession
from pyspark.sql.functions import col, from_json
from pyspark.sql.types import StringType, StructField, StructType

COLUMNS = "id first_name last_name gender address post_code email username registered_date phone picture".split()
KEYSPACE, TABLE = "spark_streams", "created_users"
FORMAT = "org.apache.spark.sql.cassandra"


def session_of(options):
    host, port = options.cassandra.rsplit(":", 1)
    spark = (SparkSession.builder.appName("SparkDataStreaming").master("local[2]")
             .config("spark.driver.memory", options.heap).config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
             .config("spark.ui.enabled", "false").config("spark.sql.warehouse.dir", f"{options.folder}/warehouse")
             .config("spark.local.dir", f"{options.folder}/local")
             # What spark.jars.packages comes to once the packages are there.
             .config("spark.jars", ",".join(map(str, sorted(pathlib.Path(options.jars).glob("*.jar")))))
             .config("spark.sql.extensions", "com.datastax.spark.connector.CassandraSparkExtensions")
             .config("spark.sql.catalog.cassandra", "com.datastax.spark.connector.datasource.CassandraCatalog")
             .config("spark.sql.shuffle.partitions", "2")
             .config("spark.cassandra.connection.host", host).config("spark.cassandra.connection.port", port).getOrCreate())
    spark.sparkContext.setLogLevel("WARN")
    return spark


def prepare_table(options):
    """The stack makes its keyspace and table through the Python driver, before the query starts."""
    host, port = options.cassandra.rsplit(":", 1)
    with Cluster([host], port=int(port)) as cluster:
        session = cluster.connect()
        session.execute(f"CREATE KEYSPACE IF NOT EXISTS {KEYSPACE} "
                        "WITH replication = {'class': 'SimpleStrategy', 'replication_factor': '1'}")
        for table in (TABLE, "users_copy"):
            session.execute(f"CREATE TABLE IF NOT EXISTS {KEYSPACE}.{table} (id text PRIMARY KEY, "
                            + ", ".join(f"{name} text" for name in COLUMNS[1:]) + ")")


def stream(spark, options):
    source = (spark.readStream.format("kafka").option("kafka.bootstrap.servers", options.kafka)
              .option("subscribe", "users_data").option("startingOffsets", "earliest").load())
    schema = StructType([StructField(name, StringType(), False) for name in COLUMNS])
    people = (source.selectExpr("CAST(value AS STRING)").select(from_json(col("value"), schema).alias("data")).select("data.*")
              .filter(col("id").isNotNull()))
    return (people.writeStream.outputMode("append").format(FORMAT).option("checkpointLocation", f"{options.folder}/checkpoint")
            .option("keyspace", KEYSPACE).option("table", TABLE))


def read_by(query):
    return {"rows_read": sum(progress["numInputRows"] for progress in query.recentProgress),
            "add_batch_ms": sum(progress["durationMs"].get("addBatch", 0) for progress in query.recentProgress)}


def drain(spark, options):
    query = stream(spark, options).trigger(availableNow=True).start()
    if not query.awaitTermination(options.seconds):
        raise TimeoutError(f"the query is not done after {options.seconds} s: {query.lastProgress}")
    return read_by(query)


def follow(spark, options):
    query = stream(spark, options).start()
    sys.stdin.read()
    query.processAllAvailable()
    query.stop()
    return read_by(query)


def table(spark, _):
    """Everything a batch job asks of the table: scans by token range, a count and conditions that the server answers, a join by key, appends."""
    def read(name=TABLE, **more):
        return spark.read.format(FORMAT).options(keyspace=KEYSPACE, table=name, **more).load()

    def plan(frame):
        return frame._jdf.queryExecution().executedPlan().toString()

    people = read()
    some = [row.id for row in people.select("id").orderBy("id").limit(300).collect()]
    one = people.filter(col("id") == some[0])
    several = people.filter(col("id").isin(some[:3]))
    # Small splits, so that the scan is many token ranges and many pages.
    ranges = read(**{"spark.cassandra.input.split.sizeInMB": "1", "spark.cassandra.input.fetch.sizeInRows": "100"})
    joined = (spark.createDataFrame([(i,) for i in some + ["nobody"]], "id string").join(read(directJoinSetting="on"), "id"))
    found = {
        "count": people.count(),
        "ranges": ranges.rdd.getNumPartitions(),
        "scan": [ranges.count(), ranges.select("id").distinct().count()],
        "by_key": [row.asDict() for row in one.collect()],
        "by_key_plan": plan(one),
        "in": sorted(row.id for row in several.collect()),
        "genders": {row.gender: row["count"] for row in people.groupBy("gender").count().collect()},
        "joined": joined.count(),
        "joined_plan": plan(joined),
        "tables": sorted(row.tableName for row in spark.sql(f"SHOW TABLES FROM cassandra.{KEYSPACE}").collect()),
    }
    people.write.format(FORMAT).options(keyspace=KEYSPACE, table="users_copy").mode("append").save()
    copy = read("users_copy")
    found["copied"] = copy.count()
    found["different"] = people.exceptAll(copy).count() + copy.exceptAll(people).count()
    # A column that is null takes the value away; with ignoreNulls it leaves it.
    phoneless = copy.limit(1000).select("id").selectExpr("id", "CAST(NULL AS STRING) AS phone", "'none' AS gender").cache()
    phoneless.write.format(FORMAT).options(keyspace=KEYSPACE, table="users_copy", **{"spark.cassandra.output.ignoreNulls": "true"}).mode("append").save()
    found["kept"] = copy.filter("phone IS NOT NULL AND gender = 'none'").count()
    phoneless.write.format(FORMAT).options(keyspace=KEYSPACE, table="users_copy").mode("append").save()
    found["taken"] = copy.filter("phone IS NULL AND gender = 'none'").count()
    # Written long ago: loses to what is there. And one that ends by itself, whose time to live is read back.
    late = [("late", "first"), ("late2", "second")]
    spark.createDataFrame(late, "id string, gender string").write.format(FORMAT).options(
        keyspace=KEYSPACE, table="users_copy", ttl="5000", writetime="1600000000000000").mode("append").save()
    spark.createDataFrame([("late", "third")], "id string, gender string").write.format(FORMAT).options(
        keyspace=KEYSPACE, table="users_copy", writetime="1500000000000000").mode("append").save()
    found["late"] = {row.id: [row.gender, row.left, row.at] for row in spark.sql(
        f"SELECT id, gender, ttl(gender) AS left, writetime(gender) AS at FROM cassandra.{KEYSPACE}.users_copy WHERE id IN ('late', 'late2')").collect()}
    spark.sql(f"CREATE TABLE cassandra.{KEYSPACE}.by_gender (gender STRING, id STRING, email STRING) "
              "USING cassandra PARTITIONED BY (gender) TBLPROPERTIES (clustering_key = 'id.desc')")
    spark.sql(f"INSERT INTO cassandra.{KEYSPACE}.by_gender SELECT gender, id, email FROM cassandra.{KEYSPACE}.{TABLE}")
    cut = sorted(some)[150]
    later = spark.sql(f"SELECT id FROM cassandra.{KEYSPACE}.by_gender WHERE gender = 'female' AND id >= '{cut}'")
    found["clustered"] = [later.count(), people.filter((col("gender") == "female") & (col("id") >= cut)).count()]
    found["clustered_plan"] = plan(later)
    people.limit(10).write.format(FORMAT).options(keyspace=KEYSPACE, table="users_copy", **{"confirm.truncate": "true"}).mode("overwrite").save()
    found["overwritten"] = copy.count()
    return found


def cost_of(spark):
    """What the JVM has used so far: CPU seconds, and the most memory it had."""
    process = pathlib.Path(f"/proc/{spark._jvm.java.lang.ProcessHandle.current().pid()}")
    fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
    peak = re.search(r"VmHWM:\s+(\d+)", (process / "status").read_text())
    return {"cpu_seconds": (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), "peak_mb": int(peak[1]) / 1024}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("job", choices=["drain", "follow", "table"])
    for name in ("kafka", "cassandra", "jars", "folder"):
        options.add_argument(f"--{name}", required=True)
    options.add_argument("--seconds", type=int, default=300, help="how long the drain may take (default 300)")
    options.add_argument("--heap", default="1g", help="memory of the JVM (default 1g)")
    options = options.parse_args()
    began = time.monotonic()
    spark = session_of(options)
    prepare_table(options)
    ready = time.monotonic()
    found = {"drain": drain, "follow": follow, "table": table}[options.job](spark, options)
    done = time.monotonic()
    print(json.dumps({**found, "start_seconds": ready - began, "seconds": done - ready, **cost_of(spark)}), flush=True)
    spark.stop()


if __name__ == "__main__":
    main()
