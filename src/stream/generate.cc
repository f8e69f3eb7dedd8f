// SPDX-License-Identifier: Apache-2.0
#include "stream/generate.h"

#include <array>
#include <bit>
#include <cstring>
#include <string_view>

namespace penstock::stream {
namespace {

constexpr std::array<std::string_view, 24> kFirstNames{
    "John", "Jane",   "Olivia", "Noah",  "Emma",  "Liam", "Chloe", "Ethan",
    "Mia",  "Lucas",  "Ada",    "Grace", "Nils",  "Ines", "Hugo",  "Clara",
    "Max",  "Amelie", "Oscar",  "Lina",  "Elias", "Nora", "Pablo", "Sara"};
constexpr std::array<std::string_view, 20> kLastNames{
    "Doe",   "Smith", "Martin", "Garcia",  "Brown",   "Jones",   "Miller",
    "Davis", "Lopez", "Wilson", "Lindner", "Moreau",  "Nilsen",  "Kowalski",
    "Rossi", "Silva", "Novak",  "Jansen",  "Fischer", "Andersen"};
constexpr std::array<std::string_view, 8> kStreets{"Main Street",  "Park Avenue", "Station Road",
                                                   "High Street",  "Mill Lane",   "Church Road",
                                                   "Canal Street", "Orchard Way"};
struct Place {
  std::string_view city;
  std::string_view state;
  std::string_view country;
};
constexpr std::array<Place, 10> kPlaces{{{"London", "Greater London", "United Kingdom"},
                                         {"Paris", "Ile-de-France", "France"},
                                         {"Berlin", "Berlin", "Germany"},
                                         {"Madrid", "Comunidad de Madrid", "Spain"},
                                         {"Oslo", "Oslo", "Norway"},
                                         {"Rome", "Lazio", "Italy"},
                                         {"Lyon", "Auvergne", "France"},
                                         {"Porto", "Norte", "Portugal"},
                                         {"Graz", "Styria", "Austria"},
                                         {"Utrecht", "Utrecht", "Netherlands"}}};

void append_lower(Bytes& to, std::string_view text) {
  for (const char c : text) to.push_back(static_cast<char>(c | 0x20));  // letters only
}

// Exactly `digits` decimal digits, with leading zeros.
void append_digits(Bytes& to, std::uint32_t number, int digits) {
  char raw[10];
  for (int i = digits - 1; i >= 0; --i, number /= 10) raw[i] = static_cast<char>('0' + number % 10);
  to.append(raw, static_cast<std::size_t>(digits));
}

std::uint64_t splitmix(std::uint64_t& seed) {
  std::uint64_t z = seed += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

PeopleGenerator::PeopleGenerator(std::uint64_t seed) : id_(36, '-') {
  for (auto& word : state_) word = splitmix(seed);
}

// xoshiro256**: small, quick, and the same everywhere, which the standard distributions are not.
std::uint64_t PeopleGenerator::random() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint32_t PeopleGenerator::below(std::uint32_t bound) {
  return static_cast<std::uint32_t>(((random() >> 32) * bound) >> 32);
}

void PeopleGenerator::next(Bytes& json) {
  static constexpr char kHex[] = "0123456789abcdef";
  const std::uint64_t raw[2] = {random(), random()};
  unsigned char bytes[16];
  std::memcpy(bytes, raw, 16);
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  for (std::size_t i = 0, at = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) ++at;
    id_[at++] = kHex[bytes[i] >> 4];
    id_[at++] = kHex[bytes[i] & 15];
  }

  const std::string_view first = kFirstNames[below(kFirstNames.size())];
  const std::string_view last = kLastNames[below(kLastNames.size())];
  const Place& place = kPlaces[below(kPlaces.size())];
  const bool male = (random() & 1) != 0;
  const std::uint32_t number = 100 + below(900);

  json.assign("{\"id\":\"").append(id_);
  json.append("\",\"first_name\":\"").append(first);
  json.append("\",\"last_name\":\"").append(last);
  json.append("\",\"gender\":\"").append(male ? "male" : "female");
  json.append("\",\"address\":\"").append(std::to_string(1 + below(9999))).append(" ");
  json.append(kStreets[below(kStreets.size())]).append(", ").append(place.city).append(", ");
  json.append(place.state).append(", ").append(place.country);
  json.append("\",\"post_code\":\"");
  append_digits(json, 10'000 + below(90'000), 5);
  json.append("\",\"email\":\"");
  append_lower(json, first);
  json.push_back('.');
  append_lower(json, last);
  json.append("@example.com\",\"username\":\"");
  append_lower(json, first);
  append_lower(json, last);
  append_digits(json, number, 3);
  json.append("\",\"registered_date\":\"20");
  append_digits(json, 10 + below(14), 2);
  json.push_back('-');
  append_digits(json, 1 + below(12), 2);
  json.push_back('-');
  append_digits(json, 1 + below(28), 2);
  json.push_back('T');
  append_digits(json, below(24), 2);
  json.push_back(':');
  append_digits(json, below(60), 2);
  json.push_back(':');
  append_digits(json, below(60), 2);
  json.append(".000Z\",\"phone\":\"+1-555-");
  append_digits(json, 100 + below(900), 3);
  json.push_back('-');
  append_digits(json, below(10'000), 4);
  json.append("\",\"picture\":\"https://randomuser.me/api/portraits/med/")
      .append(male ? "men/" : "women/");
  json.append(std::to_string(below(100))).append(".jpg\"}");
}

}  // namespace penstock::stream
