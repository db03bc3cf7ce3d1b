#include "host/config/references.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <tuple>

#include "host/base/limits.h"
#include "tests/support/temp_folder.h"

using namespace longhaul::host;
using namespace longhaul::host::config;

namespace {

// The daemon's environment, for as long as the object lives.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

Result<std::string> fileSecret(const std::filesystem::path& path) {
  return readReference({Reference::Kind::File, path.native()});
}

}  // namespace

TEST_CASE("a text is a reference as a whole, or not at all") {
  using Kind = Reference::Kind;
  const auto file = parseReference("${file:/etc/longhaul/secret}");
  REQUIRE(file.has_value());
  CHECK(file->kind == Kind::File);
  CHECK(file->name == "/etc/longhaul/secret");
  CHECK(parseReference("${env:API_TOKEN}")->kind == Kind::Env);
  CHECK(parseReference("${encrypted:AQID+/8=}")->kind == Kind::Encrypted);
  CHECK(shown(*parseReference("${encrypted:AQID+/8=}")) == "${encrypted:…}");
  CHECK(parseReference("${credential:edge.token}")->kind == Kind::Credential);
  const char* const text = GENERATE("", "$", "${", "${}", "secret", "a${env:X}", "${env:X}b", "${file:relative}",
                                    "${file:/a}${file:/b}", "${env:}", "${env:1X}", "${env:A-B}", "${credential:a/b}",
                                    "${credential:..}", "${vault:x}", "${ENV:X}", "${encrypted:}", "${encrypted:a b}");
  CAPTURE(text);
  CHECK_FALSE(parseReference(text).has_value());
}

TEST_CASE("what was meant as a reference is explained, without its name") {
  const auto [text, sentence] = GENERATE(table<const char*, const char*>({
      {"${file:hunter2}", "without an absolute path; write \"${file:/path}\""},
      {"${env:hunter-2}", "write \"${env:NAME}\""},
      {"${credential:hunter/2}", "write \"${credential:NAME}\""},
      {"${evn:hunter2}",
       "unknown kind, wanted \"${file:/path}\", \"${env:NAME}\" or \"${credential:NAME}\"; did you "
       "mean \"env\"?"},
      {"${encrypted:hunter 2}", "an encrypted value that is cut or changed"},
      {"${hunter2}", "a reference of an unknown kind"},
  }));
  const auto explained = explainReference(text);
  REQUIRE(explained.has_value());
  CHECK_THAT(*explained, Catch::Contains(sentence));
  CHECK_THAT(*explained, !Catch::Contains("hunter"));
  CHECK_FALSE(explainReference("plain").has_value());
  CHECK_FALSE(explainReference("${env:GOOD}").has_value());
}

TEST_CASE("a secret's file gives its text without its last line end") {
  const test::TempFolder folder;
  const auto [bytes, secret] = GENERATE(table<std::string, std::string>(
      {{"hunter2", "hunter2"}, {"hunter2\n", "hunter2"}, {"hunter2\r\n", "hunter2"}, {"a\n\n", "a\n"}, {"", ""}}));
  test::writeText(folder / "secret", bytes);
  REQUIRE(::chmod((folder / "secret").c_str(), 0600) == 0);
  const auto read = fileSecret(folder / "secret");
  REQUIRE(read.has_value());
  CHECK(*read == secret);
}

TEST_CASE("a secret's file that is open to all, too large, not UTF-8 or not there is refused by name") {
  const test::TempFolder folder;
  const auto path = folder / "secret";
  const auto refused = [&](std::string_view bytes, mode_t mode) {
    test::writeText(path, bytes);
    REQUIRE(::chmod(path.c_str(), mode) == 0);
    const auto read = fileSecret(path);
    REQUIRE_FALSE(read.has_value());
    CHECK_THAT(read.error().message, Catch::Contains("${file:" + path.native() + "}") && !Catch::Contains("hunter"));
    return read.error().message;
  };
  CHECK_THAT(refused("hunter2", 0644), Catch::Contains("everybody can read the file (mode 0644)") &&
                                           Catch::Contains("chmod o-rwx " + path.native()));
  CHECK_THAT(refused(std::string(kSecretBytesMax + 1, 'x'), 0600), Catch::Contains(std::to_string(kSecretBytesMax)));
  CHECK_THAT(refused("hunter\xff", 0600), Catch::Contains("not UTF-8"));
  std::filesystem::remove(path);
  const auto gone = fileSecret(path);
  REQUIRE_FALSE(gone.has_value());
  CHECK_THAT(gone.error().message, Catch::Contains("No such file"));
}

TEST_CASE("the daemon's environment and systemd's credentials are read, and told when they are not there") {
  const test::TempFolder folder;
  test::writeText(folder / "token", "from-systemd\n");
  const Reference credential{Reference::Kind::Credential, "token"};
  {
    const auto none = readReference(credential);
    REQUIRE_FALSE(none.has_value());
    CHECK_THAT(none.error().message, Catch::Contains("LoadCredential="));
  }
  const Variable credentials{"CREDENTIALS_DIRECTORY", folder.path().native()};
  CHECK(readReference(credential).value() == "from-systemd");

  const Reference variable{Reference::Kind::Env, "LONGHAUL_TEST_SECRET"};
  const auto absent = readReference(variable);
  REQUIRE_FALSE(absent.has_value());
  CHECK_THAT(absent.error().message, Catch::Contains("${env:LONGHAUL_TEST_SECRET}"));
  const Variable set{"LONGHAUL_TEST_SECRET", "hunter2"};
  CHECK(readReference(variable).value() == "hunter2");
}

TEST_CASE("references are replaced at any depth, and one that fails fails all") {
  std::vector<std::string> places;
  const ReferenceReader reader = [&](const Reference& reference, const std::string& parameter) -> Result<std::string> {
    if (reference.name == "GONE") return Error{Code::NotFound, "gone"};
    places.push_back(parameter);
    return "secret of " + reference.name;
  };
  const Json parameters{
      {"plain", "${not one"}, {"count", 5}, {"login", {{"password", "${env:P}"}}}, {"l", {"${env:Q}"}}};
  const auto resolved = resolveReferences(parameters, reader);
  REQUIRE(resolved.has_value());
  CHECK(resolved->secrets == std::vector<std::string>{"secret of Q", "secret of P"});
  CHECK(places == std::vector<std::string>{"l/0", "login/password"});
  CHECK(resolved->parameters ==
        Json{{"plain", "${not one"}, {"count", 5}, {"login", {{"password", "secret of P"}}}, {"l", {"secret of Q"}}});
  const auto failed = resolveReferences(Json{{"a", "${env:P}"}, {"b", {{"c", "${env:GONE}"}}}}, reader);
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().message == "gone");
}
