// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "cql/prepared_cache.h"
#include "cql/test_server.h"
#include "net/fake_connection.h"

namespace penstock::cql_server {
namespace {

Bytes request(std::uint8_t version, std::int16_t stream, cql::Opcode opcode) {
  return cql::FrameWriter::request(version, stream, opcode).finish();
}

// A session without sockets: what is answered at once can be read at once.
struct Wired {
  explicit Wired(CqlConfig config = {}) : server(std::move(config)) {}

  TestServer server;
  net::FakeLoop loop;
  std::shared_ptr<net::FakeConnection> connection = std::make_shared<net::FakeConnection>(loop);
  std::unique_ptr<net::Session> session = server.server->make_session(connection);

  cql::Frame reply() {
    last = connection->take_sent();
    auto frame = cql::parse_frame(last);
    EXPECT_TRUE(frame);
    return frame ? *frame : cql::Frame{};
  }
  Bytes last;
};

TEST(CqlSession, UnknownVersionIsAnsweredWithTheWordsThatMakeDriversStepDown) {
  for (const int version : {0x42, 0x41, 5, 6}) {
    Wired wired;
    Bytes bytes = request(4, 7, cql::Opcode::Options);
    bytes[0] = static_cast<char>(version);
    const auto size = cql::request_frame_size(bytes.substr(0, 1));
    ASSERT_FALSE(size);
    wired.session->on_bad_frame(*wired.connection, bytes, size.error());
    const auto frame = wired.reply();
    EXPECT_EQ(frame.header.version, 4);
    EXPECT_EQ(frame.header.opcode, cql::Opcode::Error);
    const auto error = cql::decode_error(frame.body, 4);
    ASSERT_TRUE(error);
    EXPECT_EQ(error->code, cql::ErrorCode::ProtocolError);
    EXPECT_NE(error->message.find("Invalid or unsupported protocol version"), std::string::npos);
    EXPECT_FALSE(wired.connection->open);
  }
}

TEST(CqlSession, OptionsNameWhatTheServerOffersBeforeStartup) {
  Wired wired;
  wired.session->on_frame(*wired.connection, request(4, 3, cql::Opcode::Options));
  const auto frame = wired.reply();
  EXPECT_EQ(frame.header.stream, 3);
  const auto supported = cql::decode_supported(frame.body, 4);
  ASSERT_TRUE(supported);
  EXPECT_NE(supported->option("CQL_VERSION"), nullptr);
  EXPECT_NE(supported->option("COMPRESSION"), nullptr);
  ASSERT_NE(supported->option("PENSTOCK_ATOMIC_BATCH"), nullptr);
  EXPECT_EQ(supported->option("PENSTOCK_ATOMIC_BATCH")->front(), "65535");
}

TEST(CqlSession, RequestsBeforeStartupAreRefused) {
  Wired wired;
  auto query = cql::FrameWriter::request(4, 1, cql::Opcode::Query);
  cql::Writer body = query.body();
  cql::write(body, cql::QueryRequest{"SELECT * FROM system.local", {}});
  wired.session->on_frame(*wired.connection, std::move(query).finish());
  const auto frame = wired.reply();
  const auto error = cql::decode_error(frame.body, 4);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->code, cql::ErrorCode::ProtocolError);
  EXPECT_NE(error->message.find("expecting STARTUP"), std::string::npos);
}

TEST(CqlSession, PreparedStatementBindsNullUnsetAndCountsValues) {
  TestServer server;
  TestClient client(server);
  client.query(kKeyspace);
  client.query("CREATE TABLE ks.t (id text PRIMARY KEY, a text, b int)");
  const auto insert = client.prepare("INSERT INTO ks.t (id, a, b) VALUES (?, ?, ?)");
  ASSERT_EQ(insert.markers.size(), 3u);
  EXPECT_EQ(insert.markers[2].name, "b");
  EXPECT_EQ(insert.partition_key_markers, std::vector<std::uint16_t>{0});
  const Bytes seven("\0\0\0\7", 4);
  EXPECT_EQ(client.execute(insert.id, {"x", "first", seven}).header.opcode, cql::Opcode::Result);
  server.clock.advance(std::chrono::seconds(1));
  client.execute(insert.id, {"x", cql::CellValue::unset(), cql::CellValue::null()});
  EXPECT_EQ(client.query("SELECT * FROM ks.t").rows(), std::vector<std::string>{"x|first|null"});
  EXPECT_NE(client.execute(insert.id, {"x", "y"})
                .error()
                .message.find("Invalid amount of bind variables"),
            std::string::npos);
  EXPECT_NE(client.execute(insert.id, {cql::CellValue::unset(), "y", seven})
                .error()
                .message.find("unset value for column id"),
            std::string::npos);
  EXPECT_NE(client.execute(insert.id, {cql::CellValue::null(), "y", seven})
                .error()
                .message.find("null value in condition for column id"),
            std::string::npos);
  EXPECT_EQ(client.execute(insert.id, {"x", "y", "abc"}).error().code, cql::ErrorCode::Invalid);
}

TEST(CqlSession, UnknownIdIsAnsweredUnpreparedWithTheId) {
  TestServer server;
  TestClient client(server);
  const auto error = client.execute("0123456789abcdef", {}).error();
  EXPECT_EQ(error.code, cql::ErrorCode::Unprepared);
  EXPECT_EQ(error.prepared_id, "0123456789abcdef");
}

TEST(CqlSession, PreparedIdsStayTheSameOverARestart) {
  TestServer server;
  Bytes before;
  {
    TestClient client(server);
    client.query(kKeyspace);
    client.query("CREATE TABLE ks.t (id text PRIMARY KEY, a text)");
    client.query("INSERT INTO ks.t (id, a) VALUES ('x', 'kept')");
    before = client.prepare("SELECT a FROM ks.t WHERE id = ?").id;
  }
  server.restart();
  TestClient client(server);
  EXPECT_EQ(client.execute(before, {"x"}).error().code, cql::ErrorCode::Unprepared);
  EXPECT_EQ(client.prepare("SELECT a FROM ks.t WHERE id = ?").id, before);
  EXPECT_EQ(client.query("SELECT a FROM ks.t").rows(), std::vector<std::string>{"kept"});
}

TEST(CqlSession, PreparedSelectFollowsChangesOfTheSchema) {
  TestServer server;
  TestClient client(server);
  client.query(kKeyspace);
  client.query("CREATE TABLE ks.t (id text PRIMARY KEY, a text)");
  const auto select = client.prepare("SELECT * FROM ks.t WHERE id = ?");
  const auto insert = client.prepare("INSERT INTO ks.t (id, a) VALUES (?, ?)");
  client.execute(insert.id, {"x", "1"});
  cql::QueryParams skip;
  skip.skip_metadata = true;
  EXPECT_EQ(client.execute(select.id, {"x"}, skip).rows(), std::vector<std::string>{"x|1"});
  client.query("ALTER TABLE ks.t ADD b text");
  // The client's columns are out of date: the metadata comes although it asked for none.
  const auto after = client.execute(select.id, {"x"}, skip).result();
  EXPECT_FALSE(std::get<cql::RowsResult>(after).metadata.columns_skipped);
  EXPECT_EQ(client.execute(select.id, {"x"}, skip).rows(), std::vector<std::string>{"x|1|null"});
  client.query("TRUNCATE ks.t");
  EXPECT_TRUE(client.execute(select.id, {"x"}).rows().empty());
  client.execute(insert.id, {"x", "2"});
  EXPECT_EQ(client.execute(select.id, {"x"}).rows(), std::vector<std::string>{"x|2|null"});
}

TEST(CqlSession, BatchIsAllOrNothing) {
  TestServer server;
  TestClient client(server);
  client.query(kKeyspace);
  client.query("CREATE TABLE ks.t (id text PRIMARY KEY, a text)");
  const auto insert = client.prepare("INSERT INTO ks.t (id, a) VALUES (?, ?)");
  cql::BatchRequest batch;
  std::vector<std::string> ids;
  for (int i = 0; i < 100; ++i) ids.push_back("id" + std::to_string(i));
  for (const auto& id : ids) {
    batch.statements.push_back(
        {true, insert.id, static_cast<std::uint32_t>(batch.values.size()), 2});
    batch.values.insert(batch.values.end(), {cql::CellValue(id), cql::CellValue("v")});
  }
  batch.timestamp_micros = 5;
  EXPECT_EQ(client.batch(batch).header.opcode, cql::Opcode::Result);
  EXPECT_EQ(client.query("SELECT count(*) FROM ks.t").rows(), std::vector<std::string>{"100"});
  EXPECT_EQ(client.query("SELECT writetime(a) FROM ks.t LIMIT 1").rows(),
            std::vector<std::string>{"5"});
  // The last statement is wrong: the others leave nothing.
  client.query("TRUNCATE ks.t");
  batch.values[batch.values.size() - 2] = cql::CellValue::null();
  EXPECT_EQ(client.batch(batch).error().code, cql::ErrorCode::Invalid);
  EXPECT_EQ(client.query("SELECT count(*) FROM ks.t").rows(), std::vector<std::string>{"0"});
}

TEST(CqlSession, BatchOverAMegabyteTakesTheOtherThreadAndTheSameWay) {
  TestServer server;
  TestClient client(server);
  client.query(kKeyspace);
  client.query("CREATE TABLE ks.t (id text PRIMARY KEY, a text)");
  const auto insert = client.prepare("INSERT INTO ks.t (id, a) VALUES (?, ?)");
  const std::string value(300, 'v');
  std::vector<std::string> ids;
  for (int i = 0; i < 6000; ++i) ids.push_back("id" + std::to_string(i));
  cql::BatchRequest batch;
  for (const auto& id : ids) {
    batch.statements.push_back(
        {true, insert.id, static_cast<std::uint32_t>(batch.values.size()), 2});
    batch.values.insert(batch.values.end(), {cql::CellValue(id), cql::CellValue(value)});
  }
  EXPECT_EQ(client.batch(batch).header.opcode, cql::Opcode::Result);
  EXPECT_EQ(client.query("SELECT count(*) FROM ks.t").rows(), std::vector<std::string>{"6000"});
}

TEST(CqlSession, PagesGoOnWhereTheLastEndedAlsoAfterARestart) {
  TestServer server;
  auto client = std::make_unique<TestClient>(server);
  client->query(kKeyspace);
  client->query("CREATE TABLE ks.t (p int, c int, v text, PRIMARY KEY (p, c))");
  for (int p = 0; p < 3; ++p)
    for (int c = 0; c < 4; ++c)
      client->query(fmt::format("INSERT INTO ks.t (p, c, v) VALUES ({}, {}, 'v')", p, c));
  for (const std::string_view text :
       {"SELECT p, c FROM ks.t", "SELECT p, c FROM ks.t PER PARTITION LIMIT 3",
        "SELECT p, c FROM ks.t LIMIT 7", "SELECT p, c FROM ks.t WHERE p IN (0, 2) AND c > 0",
        "SELECT DISTINCT p FROM ks.t", "SELECT p, c FROM ks.t WHERE c = 2 ALLOW FILTERING",
        "SELECT p, c FROM ks.t WHERE p = 1 ORDER BY c DESC"}) {
    const auto whole = client->query(text).rows();
    std::vector<std::string> paged;
    std::optional<Bytes> state;
    int pages = 0;
    do {
      cql::QueryParams params;
      params.page_size = 2;
      if (state) params.paging_state = *state;
      const auto reply = client->query(text, params);
      for (auto& row : reply.rows()) paged.push_back(row);
      state = reply.paging_state();
      if (++pages == 2) {
        client.reset();
        server.restart();
        client = std::make_unique<TestClient>(server);
      }
    } while (state && pages < 20);
    EXPECT_EQ(paged, whole) << text;
    EXPECT_EQ(static_cast<std::size_t>(pages), (whole.size() + 1) / 2) << "an empty page: " << text;
  }
  cql::QueryParams wrong;
  wrong.page_size = 2;
  wrong.paging_state = "nonsense";
  EXPECT_NE(client->query("SELECT p, c FROM ks.t", wrong).error().message.find("paging state"),
            std::string::npos);
}

TEST(CqlSession, WriteThatMeetsTruncateIsAnsweredOverloadedAndMayBeSentAgain) {
  TestServer server;
  TestClient client(server);
  client.query(kKeyspace);
  client.query("CREATE TABLE ks.t (id text PRIMARY KEY)");
  client.query("CREATE TABLE ks.other (id text PRIMARY KEY)");
  // The store's one writing thread is held, so that the insert waits in its queue.
  std::promise<void> held;
  std::promise<void> go_on;
  const auto other = server.store->catalog()->table("ks", "other");
  table::MutationBatch holding(0);
  holding.write(*other, table::PartitionKey("x"), {}, {.timestamp_micros = 1, .marker = true});
  server.store->apply(std::move(holding), [&](Result<void>) {
    held.set_value();
    go_on.get_future().wait();
  });
  held.get_future().wait();
  auto insert = client.start_query("INSERT INTO ks.t (id) VALUES ('x')");
  // One connection's requests begin in their order: the insert has met the old table by now.
  EXPECT_EQ(client.query("TRUNCATE ks.t").header.opcode, cql::Opcode::Result);
  go_on.set_value();
  const auto error = insert.get().error();
  EXPECT_EQ(error.code, cql::ErrorCode::Overloaded) << error.message;
  EXPECT_TRUE(client.query("SELECT * FROM ks.t").rows().empty());
  client.query("INSERT INTO ks.t (id) VALUES ('x')");
  EXPECT_EQ(client.query("SELECT * FROM ks.t").rows(), std::vector<std::string>{"x"});
}

Bytes startup(std::string_view compression) {
  auto frame = cql::FrameWriter::request(4, 1, cql::Opcode::Startup);
  cql::Writer body = frame.body();
  cql::StartupRequest request;
  request.options = {{"CQL_VERSION", "3.0.0"}, {"COMPRESSION", std::string(compression)}};
  cql::write(body, request);
  return std::move(frame).finish();
}

TEST(CqlSession, BodiesArePackedBothWaysAsAgreedUpon) {
  for (const cql::Compression compression : {cql::Compression::Lz4, cql::Compression::Snappy}) {
    Wired wired;
    wired.session->on_frame(*wired.connection, startup(cql::name(compression)));
    EXPECT_EQ(wired.reply().header.opcode, cql::Opcode::Ready);
    // Spaces, so that packing makes the request shorter.
    auto query = cql::FrameWriter::request(4, 2, cql::Opcode::Query);
    cql::Writer body = query.body();
    const std::string text = "DESCRIBE " + std::string(500, ' ') + "KEYSPACE system_schema";
    cql::write(body, cql::QueryRequest{text, {}});
    const Bytes packed = std::move(query).finish(compression);
    EXPECT_LT(packed.size(), 200u);
    wired.session->on_frame(*wired.connection, packed);
    wired.loop.run();
    const cql::Frame answer = wired.reply();
    EXPECT_EQ(answer.header.opcode, cql::Opcode::Result);
    EXPECT_NE(answer.header.flags & cql::frame_flag::kCompressed, 0);
    Bytes scratch;
    const auto unpacked = cql::unpacked_body(answer, compression, scratch, 1 << 20);
    ASSERT_TRUE(unpacked) << unpacked.error().message;
    EXPECT_GT(unpacked->size(), 2 * answer.body.size());
    EXPECT_TRUE(cql::decode_result(*unpacked, 4));
  }
  Wired wired;
  wired.session->on_frame(*wired.connection, startup("zstd"));
  const auto error = cql::decode_error(wired.reply().body, 4);
  ASSERT_TRUE(error);
  EXPECT_NE(error->message.find("Unknown compression algorithm: zstd"), std::string::npos);
}

TEST(CqlSession, ReadingPausesWhileTooManyBytesAreUnanswered) {
  CqlConfig config;
  config.in_flight_bytes_max = 1000;
  Wired wired(config);
  TestClient client(wired.server);
  client.query(kKeyspace);
  client.query("CREATE TABLE ks.t (id text PRIMARY KEY, a text)");
  wired.session->on_frame(*wired.connection, startup(""));
  wired.reply();
  std::promise<void> go_on;
  table::MutationBatch holding(0);
  holding.write(*wired.server.store->catalog()->table("ks", "t"), table::PartitionKey("held"), {},
                {.timestamp_micros = 1, .marker = true});
  wired.server.store->apply(std::move(holding), [&](Result<void>) { go_on.get_future().wait(); });
  const std::string text =
      fmt::format("INSERT INTO ks.t (id, a) VALUES ('x', '{}')", std::string(300, 'a'));
  const auto insert = [&](std::int16_t stream) {
    auto frame = cql::FrameWriter::request(4, stream, cql::Opcode::Query);
    cql::Writer body = frame.body();
    cql::write(body, cql::QueryRequest{text, {}});
    wired.session->on_frame(*wired.connection, std::move(frame).finish());
  };
  for (std::int16_t stream = 1; stream <= 2; ++stream) insert(stream);
  EXPECT_EQ(wired.connection->pauses, 0);
  for (std::int16_t stream = 3; stream <= 4; ++stream) insert(stream);
  EXPECT_EQ(wired.connection->pauses, 1);  // once, though two are over the limit
  go_on.set_value();
  wired.server.server->stop();  // waits for the answers
  wired.loop.run();
  EXPECT_EQ(wired.connection->pauses, 0);
  int answers = 0;
  const Bytes sent = wired.connection->take_sent();
  for (BytesView rest = sent; !rest.empty(); ++answers)
    rest.remove_prefix(cql::response_frame_size(rest).value());
  EXPECT_EQ(answers, 4);
}

TEST(CqlSession, SchemaChangeReachesEveryRegisteredConnection) {
  TestServer server;
  TestClient v4(server);
  TestClient v3(server, 3);
  v4.register_events();
  v3.register_events();
  TestClient client(server);
  const auto changed = [&](std::string_view ddl) {
    client.query(ddl);
    std::vector<cql::SchemaChange> heard;
    for (TestClient* each : {&v4, &v3})
      if (auto event = each->next_event(); event)
        if (const auto* change = std::get_if<cql::SchemaChange>(&*event)) heard.push_back(*change);
    EXPECT_EQ(heard.size(), 2u) << ddl;
    if (heard.size() == 2) {
      EXPECT_EQ(heard[0], heard[1]) << ddl;
    }
    return heard.empty() ? cql::SchemaChange{} : heard[0];
  };
  using Change = cql::SchemaChange;
  EXPECT_EQ(changed(kKeyspace), (Change{"CREATED", "KEYSPACE", "ks", "", {}}));
  EXPECT_EQ(changed("ALTER KEYSPACE ks WITH durable_writes = false"),
            (Change{"UPDATED", "KEYSPACE", "ks", "", {}}));
  EXPECT_EQ(changed("CREATE TABLE ks.t (id text PRIMARY KEY)"),
            (Change{"CREATED", "TABLE", "ks", "t", {}}));
  EXPECT_EQ(changed("ALTER TABLE ks.t ADD a text"), (Change{"UPDATED", "TABLE", "ks", "t", {}}));
  // What changes nothing is no event: the next one that comes is the next change.
  client.query("CREATE TABLE IF NOT EXISTS ks.t (id text PRIMARY KEY)");
  client.query("TRUNCATE ks.t");
  client.query("DROP TABLE ks.nosuch");
  EXPECT_EQ(changed("DROP TABLE ks.t"), (Change{"DROPPED", "TABLE", "ks", "t", {}}));
  EXPECT_EQ(changed("DROP KEYSPACE ks"), (Change{"DROPPED", "KEYSPACE", "ks", "", {}}));
}

TEST(CqlSession, StoppingServerTellsWhoListensThatTheNodeIsDown) {
  TestServer server;
  TestClient v4(server);
  TestClient v3(server, 3);
  v4.register_events({"STATUS_CHANGE"});
  v3.register_events();
  TestClient schema_only(server);
  schema_only.register_events({"SCHEMA_CHANGE"});
  const std::uint16_t port = server.server->address().port;
  server.server->stop();
  for (TestClient* each : {&v4, &v3}) {
    const auto event = each->next_event();
    ASSERT_TRUE(event);
    const auto* status = std::get_if<cql::StatusChange>(&*event);
    ASSERT_NE(status, nullptr);
    EXPECT_EQ(status->change, "DOWN");
    EXPECT_EQ(status->node, (cql::Inet{Bytes("\x7f\0\0\1", 4), port}));
  }
  EXPECT_FALSE(schema_only.has_event());
}

TEST(CqlSession, RegisteringForAnEventThatIsNoneIsRefused) {
  TestServer server;
  TestClient client(server);
  const cql::RegisterRequest made{{"SCHEMA_CHANGE", "WEATHER_CHANGE"}};
  const auto error =
      client.request(cql::Opcode::Register, [&](cql::Writer& to) { cql::write(to, made); }).error();
  EXPECT_EQ(error.code, cql::ErrorCode::ProtocolError);
  EXPECT_NE(error.message.find("WEATHER_CHANGE"), std::string::npos);
}

TEST(CqlSession, TracedRequestGetsAnIdAndARow) {
  TestServer server;
  TestClient client(server);
  const auto reply = client.query("SELECT key FROM system.local", {}, cql::frame_flag::kTracing);
  const auto id = reply.prefix().tracing_id;
  ASSERT_TRUE(id);
  const auto rows =
      client
          .query("SELECT command, duration FROM system_traces.sessions WHERE session_id = " +
                 id->text())
          .rows();
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0], "QUERY|1");
}

TEST(CqlSession, NamedValuesFindTheirMarkers) {
  TestServer server;
  TestClient client(server);
  client.query(kKeyspace);
  client.query("CREATE TABLE ks.t (id text PRIMARY KEY, a text)");
  cql::QueryParams params;
  params.values = {"value", "key"};
  params.names = {"a", "id"};
  EXPECT_EQ(client.query("INSERT INTO ks.t (id, a) VALUES (:id, :a)", params).header.opcode,
            cql::Opcode::Result);
  EXPECT_EQ(client.query("SELECT * FROM ks.t").rows(), std::vector<std::string>{"key|value"});
}

TEST(CqlSession, ServerTimestampsNeverRepeatThoughTheClockStands) {
  TestServer server;
  TestClient client(server);
  client.query(kKeyspace);
  client.query("CREATE TABLE ks.t (id text PRIMARY KEY, a text)");
  for (int i = 9; i >= 0; --i)
    client.query(fmt::format("INSERT INTO ks.t (id, a) VALUES ('x', '{}')", i));
  EXPECT_EQ(client.query("SELECT a FROM ks.t").rows(), std::vector<std::string>{"0"});
}

TEST(PreparedCache, LeastRecentlyUsedGoesFirst) {
  PreparedCache cache(2);
  const auto add = [&](const std::string& id) {
    auto statement = std::make_shared<Prepared>();
    statement->id = id;
    cache.add(statement);
  };
  add("a");
  add("b");
  cache.find("a");
  add("c");
  EXPECT_NE(cache.find("a"), nullptr);
  EXPECT_EQ(cache.find("b"), nullptr);
  EXPECT_NE(cache.find("c"), nullptr);
}

// The Python driver as people use it: the default walk-down from its newest version, and v3 and v4
// by name.
TEST(PythonDriver, ConnectsWritesAndReadsWithEachProtocolVersion) {
  TestServer server;
  const std::string command = fmt::format(
      "python=python3; $python -c 'import cassandra' 2>/dev/null || python=/usr/bin/python3; "
      "exec $python '{}/testdata/driver.py' {}",
      PENSTOCK_SOURCE_DIR, server.server->address().port);
  const int status = std::system(command.c_str());
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
    GTEST_SKIP() << "python3-cassandra is not installed";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace penstock::cql_server
