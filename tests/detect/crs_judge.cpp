// Judges lines {"id","text"} of standard input with libmodsecurity and the Core Rule Set of Debian,
// each text as the member `message` of a JSON body: a reference for `make eval`, never part of the
// gateway. Usage: crs_judge CONFIGURATION < texts.jsonl

#include <modsecurity/modsecurity.h>
#include <modsecurity/rules_set.h>
#include <modsecurity/transaction.h>

#include <boost/json/src.hpp>
#include <iostream>
#include <string>

namespace {

namespace json = boost::json;

/// Whether one request with this body would be refused.
bool refuses(modsecurity::ModSecurity& engine, modsecurity::RulesSet& rules,
             const std::string& body) {
  modsecurity::Transaction transaction(&engine, &rules, nullptr);
  transaction.processConnection("127.0.0.1", 40000, "127.0.0.1", 80);
  transaction.processURI("/api/v1/chat/message", "POST", "1.1");
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, std::string>>{
           {"Host", "chat.example"},
           {"User-Agent", "Mozilla/5.0"},
           {"Accept", "application/json"},
           {"Content-Type", "application/json"},
           {"Content-Length", std::to_string(body.size())}}) {
    transaction.addRequestHeader(name, value.c_str());
  }
  transaction.processRequestHeaders();
  transaction.appendRequestBody(reinterpret_cast<const unsigned char*>(body.data()), body.size());
  transaction.processRequestBody();
  modsecurity::ModSecurityIntervention intervention{};
  intervention.status = 200;
  const bool stopped = transaction.intervention(&intervention) && intervention.disruptive != 0;
  std::free(intervention.url);
  std::free(intervention.log);
  return stopped;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: crs_judge CONFIGURATION < texts.jsonl\n";
    return 2;
  }
  modsecurity::ModSecurity engine;
  modsecurity::RulesSet rules;
  if (rules.loadFromUri(argv[1]) < 0) {
    std::cerr << rules.getParserError() << "\n";
    return 1;
  }
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto text = json::parse(line).as_object();
    const json::object body{{"message", text.at("text")}};
    const bool refused = refuses(engine, rules, json::serialize(body));
    const json::object answer{{"id", text.at("id")}, {"decision", refused ? "refuse" : "pass"}};
    std::cout << json::serialize(answer) << "\n";
  }
  return 0;
}
