// SPDX-License-Identifier: Apache-2.0
#include "client/kafka_admin.h"

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "client/kafka_handle.h"

namespace penstock::client {
namespace {

struct DestroyAdmin {
  void operator()(rd_kafka_NewTopic_t* topic) const { rd_kafka_NewTopic_destroy(topic); }
  void operator()(rd_kafka_DeleteTopic_t* topic) const { rd_kafka_DeleteTopic_destroy(topic); }
  void operator()(rd_kafka_DeleteGroup_t* group) const { rd_kafka_DeleteGroup_destroy(group); }
  void operator()(rd_kafka_ConfigResource_t* resource) const {
    rd_kafka_ConfigResource_destroy(resource);
  }
  void operator()(rd_kafka_ListConsumerGroupOffsets_t* list) const {
    rd_kafka_ListConsumerGroupOffsets_destroy(list);
  }
  void operator()(rd_kafka_AlterConsumerGroupOffsets_t* alter) const {
    rd_kafka_AlterConsumerGroupOffsets_destroy(alter);
  }
  void operator()(rd_kafka_AdminOptions_t* options) const {
    rd_kafka_AdminOptions_destroy(options);
  }
  void operator()(const rd_kafka_metadata_t* metadata) const {
    rd_kafka_metadata_destroy(metadata);
  }
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
};
template <class T>
using Owned = std::unique_ptr<T, DestroyAdmin>;

TopicInfo to_topic(const rd_kafka_metadata_topic& topic) {
  TopicInfo info{topic.topic, {}};
  for (int i = 0; i < topic.partition_cnt; ++i) {
    const rd_kafka_metadata_partition& partition = topic.partitions[i];
    info.partitions.push_back({partition.id,
                               partition.leader,
                               {partition.replicas, partition.replicas + partition.replica_cnt},
                               {partition.isrs, partition.isrs + partition.isr_cnt}});
  }
  std::ranges::sort(info.partitions, {}, &PartitionInfo::id);
  return info;
}

std::string or_empty(const char* text) {
  return text == nullptr ? "" : text;
}

Result<void> check_topics(const rd_kafka_topic_result_t** results, std::size_t count,
                          std::string_view what) {
  for (std::size_t i = 0; i < count; ++i) {
    const rd_kafka_resp_err_t error = rd_kafka_topic_result_error(results[i]);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    const char* words = rd_kafka_topic_result_error_string(results[i]);
    return fail(kafka_error(error, what, words == nullptr ? rd_kafka_err2str(error) : words));
  }
  return {};
}

}  // namespace

struct KafkaAdmin::Impl {
  KafkaConfig config;
  HandlePtr handle;
  Duration timeout;

  Result<GroupInfo> group(const std::string& id) const;
  Result<std::vector<TopicPartitionOffset>> group_offsets(const std::string& id) const;
  Result<void> delete_group(const std::string& id) const;
  Result<void> set_group_offsets(const std::string& id,
                                 const std::vector<TopicPartitionOffset>& offsets) const;

  Owned<rd_kafka_AdminOptions_t> options(rd_kafka_admin_op_t operation) const {
    Owned<rd_kafka_AdminOptions_t> made(rd_kafka_AdminOptions_new(handle.get(), operation));
    std::array<char, 256> words{};
    rd_kafka_AdminOptions_set_request_timeout(made.get(), to_millis(timeout), words.data(),
                                              words.size());
    return made;
  }

  // Sends by `request(queue)` and waits for the one event that answers.
  template <class Request>
  Result<EventPtr> ask(std::string_view what, Request request) const {
    const QueuePtr queue(rd_kafka_queue_new(handle.get()));
    request(queue.get());
    EventPtr event(rd_kafka_queue_poll(queue.get(), to_millis(timeout) + 1000));
    if (event == nullptr)
      return fail(explained({Code::Timeout, fmt::format("{}: no answer", what)}, what));
    const rd_kafka_resp_err_t error = rd_kafka_event_error(event.get());
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
      return fail(
          explained(kafka_error(error, what, rd_kafka_event_error_string(event.get())), what));
    return event;
  }

  // What needs the coordinator of a group. A cluster makes the topic that keeps its groups when it
  // is first asked for one, and refuses ("not coordinator", "loading") until that topic has its
  // leaders. Nobody tells when; so the question is asked again, as Kafka's own tools do.
  template <class Question>
  auto coordinated(Question question) const {
    constexpr int kPauseMillis = 100;
    const TimePoint until = system_clock().now() + timeout;
    for (;;) {
      auto answer = question();
      if (answer || answer.error().code != Code::Unavailable || system_clock().now() >= until)
        return answer;
      const QueuePtr nothing(rd_kafka_queue_new(handle.get()));
      const EventPtr never(rd_kafka_queue_poll(nothing.get(), kPauseMillis));
    }
  }

  // Why nobody answers, in the words of the last connection that failed: "Local: Timed out" alone
  // helps nobody.
  Error explained(Error error, std::string_view what) const {
    if (error.code != Code::Unavailable && error.code != Code::Timeout) return error;
    const QueuePtr queue(rd_kafka_queue_get_main(handle.get()));
    while (const EventPtr event{rd_kafka_queue_poll(queue.get(), 0)}) {
      const rd_kafka_resp_err_t reason = rd_kafka_event_error(event.get());
      if (rd_kafka_event_type(event.get()) != RD_KAFKA_EVENT_ERROR ||
          reason == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
        continue;
      error = kafka_error(reason, what, rd_kafka_event_error_string(event.get()));
    }
    return error;
  }

  Result<Owned<const rd_kafka_metadata_t>> metadata(bool all, rd_kafka_topic_t* topic,
                                                    std::string_view what) const {
    const rd_kafka_metadata_t* raw = nullptr;
    const rd_kafka_resp_err_t error =
        rd_kafka_metadata(handle.get(), all ? 1 : 0, topic, &raw, to_millis(timeout));
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(explained(kafka_error(error, what), what));
    return Owned<const rd_kafka_metadata_t>(raw);
  }

  Result<std::map<std::string, std::string>> configs(rd_kafka_ResourceType_t type,
                                                     const std::string& name, std::string_view what,
                                                     bool own_only = false) const {
    const Owned<rd_kafka_ConfigResource_t> resource(
        rd_kafka_ConfigResource_new(type, name.c_str()));
    rd_kafka_ConfigResource_t* resources[] = {resource.get()};
    const auto asked = options(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    const EventPtr event = TRY(ask(what, [&](rd_kafka_queue_t* queue) {
      rd_kafka_DescribeConfigs(handle.get(), resources, 1, asked.get(), queue);
    }));
    std::size_t count = 0;
    const rd_kafka_ConfigResource_t** results = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event.get()), &count);
    std::map<std::string, std::string> configs;
    for (std::size_t i = 0; i < count; ++i) {
      const rd_kafka_resp_err_t error = rd_kafka_ConfigResource_error(results[i]);
      if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(kafka_error(error, what));
      std::size_t entries_count = 0;
      const rd_kafka_ConfigEntry_t** entries =
          rd_kafka_ConfigResource_configs(results[i], &entries_count);
      for (std::size_t entry = 0; entry < entries_count; ++entry) {
        if (own_only && rd_kafka_ConfigEntry_source(entries[entry]) !=
                            RD_KAFKA_CONFIG_SOURCE_DYNAMIC_TOPIC_CONFIG)
          continue;
        configs[rd_kafka_ConfigEntry_name(entries[entry])] =
            or_empty(rd_kafka_ConfigEntry_value(entries[entry]));
      }
    }
    return configs;
  }
};

KafkaAdmin::KafkaAdmin(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KafkaAdmin::~KafkaAdmin() = default;

namespace {

// A consumer, since only consumers may ask for metadata without creating the topic; a member of
// no group until it subscribes.
Result<HandlePtr> open_handle(const KafkaConfig& config, const std::string& group) {
  ConfBuilder conf(config);
  if (!group.empty()) conf.set("group.id", group);
  conf.set("allow.auto.create.topics", "false");
  // What goes wrong is in the answers (explained()); the log would say it twice.
  conf.set("log_level", "0");
  rd_kafka_conf_set_events(conf.raw(), RD_KAFKA_EVENT_ERROR);
  return conf.open(RD_KAFKA_CONSUMER, config);
}

}  // namespace

Result<std::unique_ptr<KafkaAdmin>> KafkaAdmin::open(const KafkaConfig& config, Duration timeout) {
  auto impl = std::make_unique<Impl>();
  impl->config = config;
  impl->handle = TRY(open_handle(config, ""));
  impl->timeout = timeout;
  return std::unique_ptr<KafkaAdmin>(new KafkaAdmin(std::move(impl)));
}

Result<ClusterInfo> KafkaAdmin::cluster() const {
  const auto metadata = TRY(impl_->metadata(false, nullptr, "describing the cluster"));
  ClusterInfo info;
  char* id = rd_kafka_clusterid(impl_->handle.get(), to_millis(impl_->timeout));
  info.id = or_empty(id);
  if (id != nullptr) rd_kafka_mem_free(impl_->handle.get(), id);
  info.controller = rd_kafka_controllerid(impl_->handle.get(), to_millis(impl_->timeout));
  for (int i = 0; i < metadata->broker_cnt; ++i) {
    const rd_kafka_metadata_broker& broker = metadata->brokers[i];
    info.brokers.push_back({broker.id, broker.host, broker.port});
  }
  return info;
}

Result<std::vector<TopicInfo>> KafkaAdmin::topics() const {
  const auto metadata = TRY(impl_->metadata(true, nullptr, "listing topics"));
  std::vector<TopicInfo> list;
  for (int i = 0; i < metadata->topic_cnt; ++i) list.push_back(to_topic(metadata->topics[i]));
  std::ranges::sort(list, {}, &TopicInfo::name);
  return list;
}

Result<TopicInfo> KafkaAdmin::topic(const std::string& name) const {
  const Owned<rd_kafka_topic_t> handle(
      rd_kafka_topic_new(impl_->handle.get(), name.c_str(), nullptr));
  if (handle == nullptr) return fail(kafka_error(rd_kafka_last_error(), "topic " + name));
  const auto metadata = TRY(impl_->metadata(false, handle.get(), "describing topic " + name));
  if (metadata->topic_cnt == 0) return fail(Code::NotFound, "topic {} does not exist", name);
  const rd_kafka_metadata_topic& found = metadata->topics[0];
  if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) return fail(kafka_error(found.err, "topic " + name));
  return to_topic(found);
}

Result<std::map<std::string, std::string>> KafkaAdmin::topic_configs(
    const std::string& name) const {
  return impl_->configs(RD_KAFKA_RESOURCE_TOPIC, name, "configuration of topic " + name);
}

Result<std::map<std::string, std::string>> KafkaAdmin::broker_configs(std::int32_t id) const {
  return impl_->configs(RD_KAFKA_RESOURCE_BROKER, std::to_string(id),
                        fmt::format("configuration of broker {}", id));
}

Result<std::map<std::string, std::string>> KafkaAdmin::own_topic_configs(
    const std::string& name) const {
  return impl_->configs(RD_KAFKA_RESOURCE_TOPIC, name, "configuration of topic " + name, true);
}

Result<void> KafkaAdmin::create_topic(const NewTopic& topic) const {
  const std::string what = "creating topic " + topic.name;
  std::array<char, 512> words{};
  const Owned<rd_kafka_NewTopic_t> wanted(rd_kafka_NewTopic_new(
      topic.name.c_str(), topic.partitions, topic.replication_factor, words.data(), words.size()));
  if (wanted == nullptr) return fail(Code::InvalidArgument, "{}: {}", what, words.data());
  for (const auto& [name, value] : topic.configs)
    rd_kafka_NewTopic_set_config(wanted.get(), name.c_str(), value.c_str());
  rd_kafka_NewTopic_t* topics[] = {wanted.get()};
  const auto options = impl_->options(RD_KAFKA_ADMIN_OP_CREATETOPICS);
  const EventPtr event = TRY(impl_->ask(what, [&](rd_kafka_queue_t* queue) {
    rd_kafka_CreateTopics(impl_->handle.get(), topics, 1, options.get(), queue);
  }));
  std::size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  return check_topics(results, count, what);
}

Result<void> KafkaAdmin::delete_topic(const std::string& name) const {
  const std::string what = "deleting topic " + name;
  const Owned<rd_kafka_DeleteTopic_t> wanted(rd_kafka_DeleteTopic_new(name.c_str()));
  rd_kafka_DeleteTopic_t* topics[] = {wanted.get()};
  const auto options = impl_->options(RD_KAFKA_ADMIN_OP_DELETETOPICS);
  const EventPtr event = TRY(impl_->ask(what, [&](rd_kafka_queue_t* queue) {
    rd_kafka_DeleteTopics(impl_->handle.get(), topics, 1, options.get(), queue);
  }));
  std::size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event.get()), &count);
  return check_topics(results, count, what);
}

Result<std::vector<GroupListing>> KafkaAdmin::groups() const {
  const auto options = impl_->options(RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPS);
  const EventPtr event = TRY(impl_->ask("listing groups", [&](rd_kafka_queue_t* queue) {
    rd_kafka_ListConsumerGroups(impl_->handle.get(), options.get(), queue);
  }));
  const rd_kafka_ListConsumerGroups_result_t* result =
      rd_kafka_event_ListConsumerGroups_result(event.get());
  std::size_t errors = 0;
  const rd_kafka_error_t** first = rd_kafka_ListConsumerGroups_result_errors(result, &errors);
  if (errors > 0)
    return fail(kafka_error(rd_kafka_error_code(first[0]), "listing groups",
                            rd_kafka_error_string(first[0])));
  std::size_t count = 0;
  const rd_kafka_ConsumerGroupListing_t** listings =
      rd_kafka_ListConsumerGroups_result_valid(result, &count);
  std::vector<GroupListing> list;
  for (std::size_t i = 0; i < count; ++i) {
    list.push_back(
        {rd_kafka_ConsumerGroupListing_group_id(listings[i]),
         rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupListing_state(listings[i]))});
  }
  std::ranges::sort(list, {}, &GroupListing::id);
  return list;
}

Result<GroupInfo> KafkaAdmin::Impl::group(const std::string& id) const {
  const std::string what = "describing group " + id;
  const char* ids[] = {id.c_str()};
  const auto options = this->options(RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
  const EventPtr event = TRY(ask(what, [&](rd_kafka_queue_t* queue) {
    rd_kafka_DescribeConsumerGroups(handle.get(), ids, 1, options.get(), queue);
  }));
  std::size_t count = 0;
  const rd_kafka_ConsumerGroupDescription_t** groups =
      rd_kafka_DescribeConsumerGroups_result_groups(
          rd_kafka_event_DescribeConsumerGroups_result(event.get()), &count);
  if (count == 0) return fail(Code::NotFound, "{}: no answer about it", what);
  const rd_kafka_ConsumerGroupDescription_t* group = groups[0];
  if (const rd_kafka_error_t* error = rd_kafka_ConsumerGroupDescription_error(group);
      error != nullptr) {
    return fail(kafka_error(rd_kafka_error_code(error), what, rd_kafka_error_string(error)));
  }
  GroupInfo info;
  info.id = id;
  info.state = rd_kafka_consumer_group_state_name(rd_kafka_ConsumerGroupDescription_state(group));
  info.assignor = or_empty(rd_kafka_ConsumerGroupDescription_partition_assignor(group));
  for (std::size_t i = 0; i < rd_kafka_ConsumerGroupDescription_member_count(group); ++i) {
    const rd_kafka_MemberDescription_t* member = rd_kafka_ConsumerGroupDescription_member(group, i);
    GroupMember out{or_empty(rd_kafka_MemberDescription_consumer_id(member)),
                    or_empty(rd_kafka_MemberDescription_group_instance_id(member)),
                    or_empty(rd_kafka_MemberDescription_client_id(member)),
                    or_empty(rd_kafka_MemberDescription_host(member)),
                    {}};
    const rd_kafka_MemberAssignment_t* assignment = rd_kafka_MemberDescription_assignment(member);
    if (const auto* list = rd_kafka_MemberAssignment_partitions(assignment); list != nullptr) {
      for (const TopicPartitionOffset& each : from_list(*list))
        out.assignment.push_back(each.topic_partition());
    }
    info.members.push_back(std::move(out));
  }
  return info;
}

Result<GroupInfo> KafkaAdmin::group(const std::string& id) const {
  return impl_->coordinated([&] { return impl_->group(id); });
}

Result<std::vector<TopicPartitionOffset>> KafkaAdmin::Impl::group_offsets(
    const std::string& id) const {
  const std::string what = "offsets of group " + id;
  const Owned<rd_kafka_ListConsumerGroupOffsets_t> wanted(
      rd_kafka_ListConsumerGroupOffsets_new(id.c_str(), nullptr));
  rd_kafka_ListConsumerGroupOffsets_t* requests[] = {wanted.get()};
  const auto options = this->options(RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS);
  const EventPtr event = TRY(ask(what, [&](rd_kafka_queue_t* queue) {
    rd_kafka_ListConsumerGroupOffsets(handle.get(), requests, 1, options.get(), queue);
  }));
  std::size_t count = 0;
  const rd_kafka_group_result_t** groups = rd_kafka_ListConsumerGroupOffsets_result_groups(
      rd_kafka_event_ListConsumerGroupOffsets_result(event.get()), &count);
  if (count == 0) return std::vector<TopicPartitionOffset>();
  if (const rd_kafka_error_t* error = rd_kafka_group_result_error(groups[0]); error != nullptr) {
    return fail(kafka_error(rd_kafka_error_code(error), what, rd_kafka_error_string(error)));
  }
  const rd_kafka_topic_partition_list_t* list = rd_kafka_group_result_partitions(groups[0]);
  if (list == nullptr) return std::vector<TopicPartitionOffset>();
  TRY(check_list(*list, what));
  return from_list(*list);
}

Result<std::vector<TopicPartitionOffset>> KafkaAdmin::group_offsets(const std::string& id) const {
  // librdkafka (2.0.2) takes a coordinator that has moved for news to its own group, and crashes
  // where it has none: so it is asked by one that could be a member.
  Impl of_group{impl_->config, TRY(open_handle(impl_->config, id)), impl_->timeout};
  auto offsets = of_group.coordinated([&] { return of_group.group_offsets(id); });
  // It has no place to give up, about which a close would wait for the coordinator.
  rd_kafka_destroy_flags(of_group.handle.release(), RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  return offsets;
}

Result<void> KafkaAdmin::Impl::delete_group(const std::string& id) const {
  const std::string what = "deleting group " + id;
  const Owned<rd_kafka_DeleteGroup_t> wanted(rd_kafka_DeleteGroup_new(id.c_str()));
  rd_kafka_DeleteGroup_t* groups[] = {wanted.get()};
  const auto options = this->options(RD_KAFKA_ADMIN_OP_DELETEGROUPS);
  const EventPtr event = TRY(ask(what, [&](rd_kafka_queue_t* queue) {
    rd_kafka_DeleteGroups(handle.get(), groups, 1, options.get(), queue);
  }));
  std::size_t count = 0;
  const rd_kafka_group_result_t** results =
      rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    if (const rd_kafka_error_t* error = rd_kafka_group_result_error(results[i]); error != nullptr) {
      return fail(kafka_error(rd_kafka_error_code(error), what, rd_kafka_error_string(error)));
    }
  }
  return {};
}

Result<void> KafkaAdmin::delete_group(const std::string& id) const {
  return impl_->coordinated([&] { return impl_->delete_group(id); });
}

Result<Watermarks> KafkaAdmin::watermarks(const TopicPartition& partition) const {
  return query_watermarks(impl_->handle.get(), partition, impl_->timeout);
}

Result<std::vector<TopicPartitionOffset>> KafkaAdmin::offsets_at(
    const std::vector<TopicPartition>& partitions, std::int64_t millis) const {
  std::vector<TopicPartitionOffset> wanted;
  for (const TopicPartition& each : partitions)
    wanted.push_back({each.topic, each.partition, millis, ""});  // the time goes where offsets come
  const PartitionListPtr list = to_list(wanted);
  const rd_kafka_resp_err_t error =
      rd_kafka_offsets_for_times(impl_->handle.get(), list.get(), to_millis(impl_->timeout));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
    return fail(kafka_error(error, "looking for offsets by time"));
  TRY(check_list(*list, "looking for the time in"));
  std::vector<TopicPartitionOffset> found = from_list(*list);
  for (TopicPartitionOffset& each : found) {
    if (each.offset < 0) each.offset = TRY(watermarks(each.topic_partition())).high;
  }
  return found;
}

Result<void> KafkaAdmin::Impl::set_group_offsets(
    const std::string& id, const std::vector<TopicPartitionOffset>& offsets) const {
  const std::string what = "setting offsets of group " + id;
  const PartitionListPtr list = to_list(offsets);
  const Owned<rd_kafka_AlterConsumerGroupOffsets_t> wanted(
      rd_kafka_AlterConsumerGroupOffsets_new(id.c_str(), list.get()));
  rd_kafka_AlterConsumerGroupOffsets_t* groups[] = {wanted.get()};
  const auto options = this->options(RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS);
  const EventPtr event = TRY(ask(what, [&](rd_kafka_queue_t* queue) {
    rd_kafka_AlterConsumerGroupOffsets(handle.get(), groups, 1, options.get(), queue);
  }));
  std::size_t count = 0;
  const rd_kafka_group_result_t** results = rd_kafka_AlterConsumerGroupOffsets_result_groups(
      rd_kafka_event_AlterConsumerGroupOffsets_result(event.get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    if (const rd_kafka_error_t* error = rd_kafka_group_result_error(results[i]); error != nullptr)
      return fail(kafka_error(rd_kafka_error_code(error), what, rd_kafka_error_string(error)));
    if (const auto* partitions = rd_kafka_group_result_partitions(results[i]);
        partitions != nullptr)
      TRY(check_list(*partitions, what));
  }
  return {};
}

Result<void> KafkaAdmin::set_group_offsets(const std::string& id,
                                           const std::vector<TopicPartitionOffset>& offsets) const {
  return impl_->coordinated([&] { return impl_->set_group_offsets(id, offsets); });
}

}  // namespace penstock::client
