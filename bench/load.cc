// SPDX-License-Identifier: Apache-2.0
// Load over the wire for bench.py: one JSON object of figures on standard output.
//
// Single-row prepared INSERTs:
//   bench_load execute --cassandra ADDRESS --in-flight N --seconds S
// The first 10,000 of those rows by key:
//   bench_load select --cassandra ADDRESS --in-flight N --seconds S
//
//   bench_load latency --kafka ADDRESS --cassandra ADDRESS --rate R --seconds S
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/check.h"
#include "client/cql_client.h"
#include "client/kafka_producer.h"
#include "stream/generate.h"

namespace penstock {
namespace {

using std::chrono::seconds;

constexpr std::string_view kTable =
    "CREATE TABLE IF NOT EXISTS bench.users (id text PRIMARY KEY, first_name text, last_name text, "
    "gender text, "
    "address text, post_code text, email text, username text, registered_date text, phone text, "
    "picture text)";
constexpr std::string_view kInsert =
    "INSERT INTO bench.users (id, first_name, last_name, gender, address, post_code, email, "
    "username, "
    "registered_date, phone, picture) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

[[noreturn]] void die(const std::string& why) {
  fmt::print(stderr, "bench_load: {}\n", why);
  std::exit(1);
}
template <class T>
T need(Result<T> result) {
  if (!result) die(result.error().message);
  return take(std::move(result));
}

std::string user_id(std::uint64_t i) {
  return fmt::format("{:08}-4c1d-4b6e-9f3a-0242ac120002", i);
}

double percentile(std::vector<double>& sorted, double share) {
  return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(std::ceil(
                                                share * static_cast<double>(sorted.size()))))];
}

// A client with the table in place.
struct Cassandra {
  explicit Cassandra(const std::string& address) {
    client::CqlConfig config;
    config.contact_points = {need(net::Address::parse(address))};
    config.in_flight_max = 2048;
    client = client::CqlClient::open(config, loops.at(0), metrics);
    need(client->wait_ready(seconds(10)));
  }
  void create() {
    need(
        client->query("CREATE KEYSPACE IF NOT EXISTS bench WITH replication = {'class': "
                      "'SimpleStrategy', 'replication_factor': 1}"));
    need(client->query(std::string(kTable)));
  }
  net::Loops loops{1, "load"};
  Metrics metrics;
  std::unique_ptr<client::CqlClient> client;
};

// Keeps `in_flight` requests going until the time is up; each answer sends the next. All of it on
// the client's loop.
class Closed {
 public:
  Closed(Cassandra& cassandra, client::PreparedPtr statement, bool insert, int in_flight,
         int run_seconds)
      : cassandra_(cassandra),
        statement_(std::move(statement)),
        insert_(insert),
        in_flight_(in_flight),
        run_(run_seconds) {}

  std::string run() {
    const TimePoint began = system_clock().now();
    end_ = began + seconds(run_);
    cassandra_.loops.at(0).post([this] {
      for (int i = 0; i < in_flight_; ++i) send();
    });
    finished_.get_future().wait();
    const double took = std::chrono::duration<double>(system_clock().now() - began).count();
    std::sort(millis_.begin(), millis_.end());
    double sum = 0;
    for (const double ms : millis_) sum += ms;
    return fmt::format(
        R"({{"per_second": {:.1f}, "mean_ms": {:.4f}, "p50_ms": {:.4f}, "p99_ms": {:.4f}}})",
        static_cast<double>(millis_.size()) / took, sum / static_cast<double>(millis_.size()),
        percentile(millis_, 0.5), percentile(millis_, 0.99));
  }

 private:
  void send() {
    const std::string id = user_id(insert_ ? next_++ : next_++ % 10'000);
    std::vector<cql::CellValue> values = {id};
    if (insert_)
      values.insert(
          values.end(),
          {"Jennifer", "Richardson", "female", "4512 Main Street, Berlin, State, Country", "10001",
           "jennifer.richardson@example.com", "jenniferrichardson123", "2015-03-12T12:00:00.000Z",
           "+1-555-123-4567", "https://randomuser.me/api/portraits/med/men/12.jpg"});
    ++outstanding_;
    cassandra_.client->execute(
        statement_, values, {},
        [this, sent = system_clock().now()](Result<client::ResultSet> answer) {
          if (!answer) die(answer.error().message);
          if (!insert_ && answer->rows() != 1) die("a row that was written is not there");
          const TimePoint now = system_clock().now();
          millis_.push_back(std::chrono::duration<double, std::milli>(now - sent).count());
          --outstanding_;
          if (now < end_) return send();
          if (outstanding_ == 0) finished_.set_value();
        });
  }

  Cassandra& cassandra_;
  client::PreparedPtr statement_;
  bool insert_;
  int in_flight_;
  int run_;
  TimePoint end_;
  std::uint64_t next_ = 0;
  int outstanding_ = 0;
  std::vector<double> millis_;
  std::promise<void> finished_;
};

// Produces at a steady rate and asks for every hundredth record, again and again, until the table
// has it: from the call of produce() to the answer with the row, which is what a user waits for.
class Latency {
 public:
  Latency(const std::string& kafka, const std::string& cassandra, int rate, int run_seconds)
      : cassandra_(cassandra), rate_(rate), seconds_(run_seconds) {
    client::KafkaProducerConfig config;
    config.kafka.bootstrap_servers = kafka;
    config.linger = Millis(1);
    producer_ = need(client::KafkaProducer::open(config));
  }

  std::string run() {
    // The pipeline creates the table; one record through it first, so that only the steady state is
    // measured.
    stream::PeopleGenerator people(11);
    Bytes json;
    people.next(json);
    need(produce(people.id(), json));
    while (!statement_) {
      auto prepared =
          cassandra_.client->prepare("SELECT id FROM spark_streams.created_users WHERE id = ?");
      if (prepared) statement_ = *prepared;
    }
    wait_for(people.id());

    const TimePoint began = system_clock().now();
    const long total = static_cast<long>(rate_) * seconds_;
    std::mutex mutex;
    std::condition_variable pace;
    for (long i = 0; i < total; ++i) {
      if (i % 10 == 0) {
        std::unique_lock lock(mutex);
        // In nanoseconds: whole seconds would make it a burst a second.
        pace.wait_until(lock, began + std::chrono::nanoseconds(seconds(1)) * i / rate_,
                        [] { return false; });
      }
      people.next(json);
      if (i % 100 == 0) watch(people.id());
      need(produce(people.id(), json));
    }
    need(producer_->flush(seconds(20)));
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, seconds(20), [this] { return watched_ == millis_.size(); });
    if (watched_ != millis_.size())
      die(fmt::format("{} of {} records never became readable", watched_ - millis_.size(),
                      watched_));
    std::sort(millis_.begin(), millis_.end());
    return fmt::format(R"({{"p50_ms": {:.3f}, "p99_ms": {:.3f}, "max_ms": {:.3f}, "sampled": {}}})",
                       percentile(millis_, 0.5), percentile(millis_, 0.99), millis_.back(),
                       millis_.size());
  }

 private:
  Result<void> produce(const std::string& key, const Bytes& json) {
    client::ProducerRecord record;
    record.topic = "users_data";
    record.key = key;
    record.value = json;
    return producer_->produce(record);
  }
  void watch(const std::string& id) {
    {
      const std::lock_guard lock(mutex_);
      ++watched_;
    }
    ask(id, system_clock().now());
  }
  void ask(const std::string& id, TimePoint since) {
    cassandra_.client->execute(
        statement_, {cql::CellValue(id)}, {}, [this, id, since](Result<client::ResultSet> answer) {
          if (!answer) die(answer.error().message);
          if (answer->rows() == 0) {
            // Once a millisecond is fine enough for the budget and leaves the cores to the server.
            cassandra_.loops.at(0).after(Millis(1), [this, id, since] { ask(id, since); });
            return;
          }
          const std::lock_guard lock(mutex_);
          millis_.push_back(
              std::chrono::duration<double, std::milli>(system_clock().now() - since).count());
          changed_.notify_all();
        });
  }
  void wait_for(const std::string& id) {
    watch(id);
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, seconds(30), [this] { return millis_.size() == 1; }))
      die("the first record never became readable");
    millis_.clear();
    watched_ = 0;
  }

  Cassandra cassandra_;
  int rate_;
  int seconds_;
  std::unique_ptr<client::KafkaProducer> producer_;
  client::PreparedPtr statement_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t watched_ = 0;
  std::vector<double> millis_;
};

int main_with(const std::string& what, const std::map<std::string, std::string>& flags) {
  const auto text = [&](const char* name) {
    const auto found = flags.find(name);
    if (found == flags.end()) die(fmt::format("{} needs {}", what, name));
    return found->second;
  };
  const auto number = [&](const char* name) {
    int value = 0;
    const std::string digits = text(name);
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (value <= 0) die(fmt::format("{} needs a number, not '{}'", name, digits));
    return value;
  };
  std::string out;
  if (what == "execute" || what == "select") {
    Cassandra cassandra(text("--cassandra"));
    cassandra.create();
    const bool insert = what == "execute";
    const auto statement = need(cassandra.client->prepare(
        insert ? std::string(kInsert) : "SELECT * FROM bench.users WHERE id = ?"));
    out = Closed(cassandra, statement, insert, number("--in-flight"), number("--seconds")).run();
    cassandra.client->close();
  } else if (what == "latency") {
    out =
        Latency(text("--kafka"), text("--cassandra"), number("--rate"), number("--seconds")).run();
  } else {
    die("the subjects are execute, select and latency");
  }
  fmt::print("{}\n", out);
  return 0;
}

}  // namespace
}  // namespace penstock

int main(int argc, char** argv) {
  std::map<std::string, std::string> flags;
  for (int i = 2; i + 1 < argc; i += 2) flags[argv[i]] = argv[i + 1];
  return penstock::main_with(argc > 1 ? argv[1] : "", flags);
}
