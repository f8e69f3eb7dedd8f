// SPDX-License-Identifier: Apache-2.0
#include "main/commands/commands.h"

namespace penstock::main_room {

const std::vector<Command>& commands() {
  static const std::vector<Command> all{
      {"up", "Start everything: broker, store, pipelines, HTTP",
       "Examples:\n"
       "  penstock up --demo                  with a generator of people; nothing else is needed\n"
       "  penstock up -c penstock.yaml        with your configuration\n"
       "  penstock up --kafka 127.0.0.1:0 --cassandra 127.0.0.1:0 --console 127.0.0.1:0 --data-dir "
       "/tmp/one\n"
       "                                      on free ports; /tmp/one/endpoints.json says which",
       add_up},
      {"run", "Run one pipeline against the addresses of the configuration",
       "Examples:\n"
       "  penstock run pipelines/users.yaml   one worker; start more, they share the partitions\n"
       "  penstock run users.yaml --group-instance $HOSTNAME --console 127.0.0.1:8081\n"
       "                                      a restart moves no partition; metrics and status\n"
       "  penstock run users.yaml --bootstrap-server k1:9092 --contact-points c1,c2",
       add_run},
      {"produce", "Send lines to a topic (flags of kafka-console-producer)",
       "Examples:\n"
       "  echo '{\"id\":\"1\"}' | penstock produce --topic users_data\n"
       "  penstock produce --topic t --property parse.key=true --property key.separator=: < "
       "lines.txt",
       add_produce},
      {"consume", "Print the records of a topic (flags of kafka-console-consumer)",
       "Examples:\n"
       "  penstock consume --topic users_data --from-beginning --max-messages 5\n"
       "  penstock consume --topic users_data.dlq --from-beginning --timeout-ms 1000 --property "
       "print.headers=true\n"
       "  penstock consume --topic t --partition 0 --offset 42 --json",
       add_consume},
      {"topic", "List, create, describe and delete topics",
       "Examples:\n"
       "  penstock topic list\n"
       "  penstock topic create events --partitions 4 --config retention.ms=86400000\n"
       "  penstock topic describe events --json\n"
       "  penstock topic delete events",
       add_topic},
      {"group", "List, describe (with lag), reset and delete consumer groups",
       "Examples:\n"
       "  penstock group list\n"
       "  penstock group describe users\n"
       "  penstock group reset-offsets users --topic users_data --to-earliest --execute\n"
       "  penstock group delete old-readers",
       add_group},
      {"cql", "Ask the store in CQL: statements from -e, -f, standard input, or a line editor",
       "Examples:\n"
       "  penstock cql -e 'SELECT id, email FROM spark_streams.created_users LIMIT 5;'\n"
       "  penstock cql -k spark_streams -f schema.cql\n"
       "  penstock cql                        a shell; HELP shows what it knows",
       add_cql},
      {"export", "Copy a topic or a table into a folder; an interrupted copy goes on",
       "Examples:\n"
       "  penstock export topic users_data --to moving/users_data\n"
       "  penstock export table spark_streams.created_users --to moving/created_users",
       add_export},
      {"import", "Copy such a folder into a broker or store, and check the copy",
       "Examples:\n"
       "  penstock import moving/users_data -b k1:9092\n"
       "  penstock import moving/created_users --contact-points c1,c2\n"
       "  penstock import moving/users_data --as users_again",
       add_import},
      {"validate",
       "Check the configuration and pipelines: every problem with line, column and suggestion",
       "Examples:\n"
       "  penstock validate                   ./penstock.yaml and the pipelines it names\n"
       "  penstock validate pipelines/users.yaml\n"
       "  penstock validate -c penstock.yaml --json",
       add_validate},
      {"doctor", "Look at every address of the configuration: what answers, and what to do",
       "Examples:\n"
       "  penstock doctor                     ./penstock.yaml, its brokers, contact points and "
       "pipelines\n"
       "  penstock doctor -c production.yaml pipelines/users.yaml --json",
       add_doctor},
      {"generate", "Make people like those of the sample, to standard output or a topic",
       "Examples:\n"
       "  penstock generate --count 1000 > people.json\n"
       "  penstock generate --topic users_data --rate 100",
       add_generate},
      {"version", "Say which version this is", "Examples:\n  penstock version --json", add_version},
  };
  return all;
}

}  // namespace penstock::main_room
