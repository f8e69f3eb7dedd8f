// SPDX-License-Identifier: Apache-2.0
// Apache Kafka's own Java clients against a broker: `java -cp JARS JavaClients.java BOOTSTRAP SCENARIO`.
// Exits with 1 and says what it found instead at the first surprise. Compiles against 3.9 and 4.x.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.CooperativeStickyAssignor;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class JavaClients {
  static final Duration POLL = Duration.ofMillis(100);
  static final long TIME = 1_700_000_000_000L; // of the first record; the next ones follow by 1 ms
  static String bootstrap;

  public static void main(String[] args) throws Exception {
    bootstrap = args[0];
    switch (args[1]) {
      case "codecs" -> codecs();
      case "group" -> {
        group("eager", RangeAssignor.class);
        group("cooperative", CooperativeStickyAssignor.class);
      }
      case "static" -> staticMembers();
      case "admin" -> admin();
      case "restart" -> restart();
      default -> throw new IllegalArgumentException(args[1]);
    }
  }

  static void expect(Object wanted, Object found, String what) {
    if (!Objects.equals(wanted, found)) throw new AssertionError(what + ": " + found + " instead of " + wanted);
  }

  static void eventually(String what, BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) throw new AssertionError("still not: " + what);
      Thread.sleep(10); // what it waits for happens on threads and sockets of others
    }
  }

  static void refused(Class<? extends Exception> with, Future<?> call, String what) throws InterruptedException {
    try {
      call.get();
    } catch (ExecutionException refusal) {
      expect(with, refusal.getCause().getClass(), what);
      return;
    }
    throw new AssertionError(what + " was not refused");
  }

  static KafkaProducer<String, String> producer(String codec) {
    return new KafkaProducer<>(
        Map.of("bootstrap.servers", bootstrap, "acks", "all", "enable.idempotence", true, "compression.type", codec, "linger.ms", 5),
        new StringSerializer(), new StringSerializer());
  }

  static KafkaConsumer<String, String> consumer(String group) {
    return consumer(group, CooperativeStickyAssignor.class, null);
  }

  static KafkaConsumer<String, String> consumer(String group, Class<?> assignor, String instance) {
    Map<String, Object> config = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "group.id", group, "auto.offset.reset", "earliest",
        "enable.auto.commit", false, "partition.assignment.strategy", assignor.getName(), "heartbeat.interval.ms", 300,
        "session.timeout.ms", 20_000));
    if (instance != null) config.put(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG, instance);
    return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
  }

  static void produce(String topic, int partitions, int count) throws Exception {
    try (var producer = producer("none")) {
      for (int i = 0; i < count; ++i) producer.send(new ProducerRecord<>(topic, i % partitions, TIME + i, "k" + i, "v" + i));
    }
  }

  // An idempotent producer with each codec; the consumer checks CRCs, offsets, times, keys and headers.
  static void codecs() throws Exception {
    final int count = 500;
    for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
      String topic = "java-" + codec;
      try (var producer = producer(codec)) {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (int i = 0; i < count; ++i)
          sent.add(producer.send(new ProducerRecord<>(topic, 0, TIME + i, i % 2 == 0 ? "k" + i : null, "v".repeat(100) + i,
              List.of(new RecordHeader("n", Integer.toString(i).getBytes())))));
        for (int i = 0; i < count; ++i) expect((long) i, sent.get(i).get().offset(), codec + " offset");
      }
      try (var consumer = consumer("codecs")) {
        consumer.assign(List.of(new TopicPartition(topic, 0)));
        List<ConsumerRecord<String, String>> read = new ArrayList<>();
        eventually(codec + ": all records", () -> {
          consumer.poll(POLL).forEach(read::add);
          return read.size() >= count;
        });
        for (int i = 0; i < count; ++i) {
          var record = read.get(i);
          expect((long) i, record.offset(), codec + " offset read");
          expect(TIME + i, record.timestamp(), codec + " timestamp");
          expect(i % 2 == 0 ? "k" + i : null, record.key(), codec + " key");
          expect("v".repeat(100) + i, record.value(), codec + " value");
          expect(Integer.toString(i), new String(record.headers().lastHeader("n").value()), codec + " header");
        }
      }
    }
  }

  // One member of a group on a thread of its own.
  static class Member extends Thread implements ConsumerRebalanceListener {
    final KafkaConsumer<String, String> consumer;
    final Set<String> values = ConcurrentHashMap.newKeySet();
    volatile Set<TopicPartition> assigned = Set.of();
    volatile int changes; // how often it had to give up or take partitions
    volatile Throwable failure;

    Member(String topic, KafkaConsumer<String, String> with) {
      consumer = with;
      consumer.subscribe(List.of(topic), this);
      start();
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
      ++changes;
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
      ++changes;
    }

    @Override
    public void run() {
      try {
        for (;;) {
          var records = consumer.poll(POLL);
          records.forEach(record -> values.add(record.value()));
          if (!records.isEmpty()) commit();
          assigned = new HashSet<>(consumer.assignment());
        }
      } catch (WakeupException leave) {
        consumer.close();
      } catch (Throwable surprise) {
        failure = surprise;
      }
    }

    void commit() {
      consumer.commitSync();
    }

    void leave() throws Exception {
      consumer.wakeup();
      join();
      if (failure != null) throw new AssertionError("a member failed", failure);
    }
  }

  static void create(String topic, int partitions) throws Exception {
    try (var admin = Admin.create(Map.<String, Object>of("bootstrap.servers", bootstrap))) {
      admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1))).all().get();
    }
  }

  // Two members share a topic, one leaves, the other takes over; then commits, seeks and times.
  static void group(String topic, Class<?> assignor) throws Exception {
    final int count = 400;
    create(topic, 4);
    produce(topic, 4, count);
    var first = new Member(topic, consumer(topic, assignor, null));
    eventually("all four for the first", () -> first.assigned.size() == 4);
    var second = new Member(topic, consumer(topic, assignor, null));
    eventually("two partitions each", () -> first.assigned.size() == 2 && second.assigned.size() == 2);
    produce(topic, 4, count); // again, now for both
    eventually("every value", () -> first.values.size() + second.values.size() >= count && !second.values.isEmpty());
    second.leave();
    eventually("all four for the one left", () -> first.assigned.size() == 4);
    first.leave();

    var zero = new TopicPartition(topic, 0);
    try (var reader = consumer(topic)) {
      expect(2L * count / 4, reader.committed(Set.of(zero)).get(zero).offset(), "the committed offset");
      reader.commitSync(Map.of(zero, new OffsetAndMetadata(7, "by hand")));
      expect("by hand", reader.committed(Set.of(zero)).get(zero).metadata(), "the commit's metadata");
      reader.assign(List.of(zero));
      expect(7L, reader.position(zero), "the position after a commit");
      reader.seek(zero, 99);
      ConsumerRecord<String, String> record = null;
      while (record == null)
        for (var read : reader.poll(POLL)) record = record == null ? read : record;
      expect(99L, record.offset(), "the offset after a seek");
      expect("v396", record.value(), "the value after a seek");
      expect(Map.of(zero, 0L), reader.beginningOffsets(Set.of(zero)), "the beginning");
      expect(Map.of(zero, 200L), reader.endOffsets(Set.of(zero)), "the end");
      var found = reader.offsetsForTimes(Map.of(zero, TIME + 5)).get(zero);
      expect(2L, found.offset(), "the offset for a time");
      expect(TIME + 8, found.timestamp(), "the time found");
      expect(null, reader.offsetsForTimes(Map.of(zero, TIME + 1_000_000)).get(zero), "a time after the end");
    }
  }

  // A member with an instance id comes back within its session: it has what it had, and the other one notices nothing.
  static void staticMembers() throws Exception {
    create("static", 4);
    var first = new Member("static", consumer("static", RangeAssignor.class, "first"));
    var second = new Member("static", consumer("static", RangeAssignor.class, "second"));
    eventually("two partitions each", () -> first.assigned.size() == 2 && second.assigned.size() == 2);
    final int changes = second.changes;
    first.leave();
    var again = new Member("static", consumer("static", RangeAssignor.class, "first"));
    eventually("its partitions again", () -> again.assigned.size() == 2);
    expect(first.assigned, again.assigned, "the partitions of the member that returned");
    expect(changes, second.changes, "what the other one had to give up or take");
    try (var admin = Admin.create(Map.<String, Object>of("bootstrap.servers", bootstrap))) {
      var described = admin.describeConsumerGroups(List.of("static")).all().get().get("static");
      expect("Stable", described.state().toString(), "the group's state");
      expect(2, described.members().size(), "members");
    }
    again.leave();
    second.leave();
  }

  // Sends and reads without a pause while the broker is stopped, killed and started. Says "flowing" when both do; a line on the input asks
  // again, its end asks for the account: what was sent is acknowledged, was read, and is in the log once, where it was acknowledged.
  static void restart() throws Exception {
    final int partitions = 3, enough = 300;
    create("restart", partitions);
    var acknowledged = new ConcurrentHashMap<String, RecordMetadata>();
    var failures = new ConcurrentLinkedQueue<Exception>();
    var stopping = new AtomicBoolean();
    var member = new Member("restart", consumer("restart")) {
      @Override
      void commit() {
        try {
          super.commit();
        } catch (CommitFailedException | RebalanceInProgressException joinsAgain) {
          // What it has not committed comes once more.
        }
      }
    };
    var sender = new Thread(() -> {
      try (var producer = producer("none")) {
        for (int i = 0; !stopping.get(); ++i) {
          String value = "v" + i;
          producer.send(new ProducerRecord<>("restart", i % partitions, null, value), (place, failure) -> {
            if (failure != null) failures.add(failure);
            else if (acknowledged.put(value, place) != null) failures.add(new IllegalStateException(value + " was acknowledged twice"));
          });
          LockSupport.parkNanos(500_000); // leaves the processor to the server
        }
      } catch (Exception surprise) {
        failures.add(surprise);
      }
    });
    sender.start();
    var input = new BufferedReader(new InputStreamReader(System.in));
    do {
      final int sent = acknowledged.size(), read = member.values.size();
      eventually("records are acknowledged and read", () -> acknowledged.size() >= sent + enough && member.values.size() >= read + enough);
      System.out.println("flowing");
    } while (input.readLine() != null);
    stopping.set(true);
    sender.join(); // it has closed its producer, which waits for every answer
    if (!failures.isEmpty()) throw new AssertionError(failures.size() + " failed, first:", failures.peek());
    eventually("every record is read", () -> member.values.containsAll(acknowledged.keySet()));
    member.leave();

    try (var log = consumer("audit")) {
      List<TopicPartition> all = new ArrayList<>();
      for (int i = 0; i < partitions; ++i) all.add(new TopicPartition("restart", i));
      log.assign(all);
      log.seekToBeginning(all);
      var ends = log.endOffsets(all);
      expect((long) acknowledged.size(), ends.values().stream().mapToLong(end -> end).sum(), "records in the log");
      eventually("the whole log", () -> {
        for (var record : log.poll(POLL)) {
          var place = acknowledged.remove(record.value());
          if (place == null) throw new AssertionError(record.value() + " is in the log twice");
          expect(place.partition() + "@" + place.offset(), record.partition() + "@" + record.offset(), record.value() + "'s place");
        }
        return acknowledged.isEmpty();
      });
    }
    System.out.println("done");
  }

  static void admin() throws Exception {
    try (var admin = Admin.create(Map.<String, Object>of("bootstrap.servers", bootstrap))) {
      expect(1, admin.describeCluster().nodes().get().size(), "brokers");
      var topic = new NewTopic("events", 3, (short) 1).configs(Map.of("retention.ms", "60000"));
      admin.createTopics(List.of(topic)).all().get();
      refused(TopicExistsException.class, admin.createTopics(List.of(topic)).all(), "a second topic of the name");
      refused(InvalidConfigurationException.class,
          admin.createTopics(List.of(new NewTopic("odd", 1, (short) 1).configs(Map.of("retention.msec", "1")))).all(),
          "an unknown setting");
      expect(true, admin.listTopics().names().get().contains("events"), "the topic is listed");
      expect(3, admin.describeTopics(List.of("events")).allTopicNames().get().get("events").partitions().size(), "partitions");
      var resource = new ConfigResource(ConfigResource.Type.TOPIC, "events");
      var config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
      expect("60000", config.get("retention.ms").value(), "retention.ms");
      expect(true, config.get("segment.bytes").isDefault(), "segment.bytes is the default");
      var broker = new ConfigResource(ConfigResource.Type.BROKER, "1");
      expect("1", admin.describeConfigs(List.of(broker)).all().get().get(broker).get("broker.id").value(), "broker.id");

      produce("events", 3, 30);
      var two = new TopicPartition("events", 2);
      for (var ask : Map.of(OffsetSpec.earliest(), 0L, OffsetSpec.latest(), 10L, OffsetSpec.maxTimestamp(), 9L,
          OffsetSpec.forTimestamp(TIME + 3), 1L).entrySet())
        expect(ask.getValue(), admin.listOffsets(Map.of(two, ask.getKey())).partitionResult(two).get().offset(),
            "listOffsets " + ask.getKey().getClass().getSimpleName());

      try (var member = consumer("observed")) {
        member.subscribe(List.of("events"));
        eventually("the member is assigned", () -> {
          member.poll(POLL);
          return member.assignment().size() == 3;
        });
        member.commitSync(Map.of(two, new OffsetAndMetadata(4)));
        var described = admin.describeConsumerGroups(List.of("observed")).all().get().get("observed");
        expect("Stable", described.state().toString(), "the group's state");
        expect("cooperative-sticky", described.partitionAssignor(), "the assignor");
        expect(3, described.members().iterator().next().assignment().topicPartitions().size(), "the member's partitions");
      }
      expect(true, admin.listConsumerGroups().all().get().stream().anyMatch(g -> g.groupId().equals("observed")), "the group is listed");
      expect(4L, admin.listConsumerGroupOffsets("observed").partitionsToOffsetAndMetadata().get().get(two).offset(), "its offset");
      admin.alterConsumerGroupOffsets("observed", Map.of(two, new OffsetAndMetadata(1))).all().get();
      expect(1L, admin.listConsumerGroupOffsets("observed").partitionsToOffsetAndMetadata().get().get(two).offset(), "its new offset");
      admin.deleteConsumerGroups(List.of("observed")).all().get();

      admin.deleteTopics(List.of("events")).all().get();
      refused(UnknownTopicOrPartitionException.class, admin.describeTopics(List.of("events")).allTopicNames(), "a deleted topic");
      // What is not served is refused by the client itself, before anything is sent.
      refused(UnsupportedVersionException.class, admin.createPartitions(Map.of("work", NewPartitions.increaseTo(9))).all(), "createPartitions");
      refused(UnsupportedVersionException.class, admin.describeAcls(org.apache.kafka.common.acl.AclBindingFilter.ANY).values(), "ACLs");
    }
  }
}
