// Signatures: published examples, and what each of them refuses.
#include "signature.h"

#include <catch2/catch.hpp>

#include "requests.h"

using namespace webhook_plugin;

namespace {

// The examples of GitHub's and Slack's documentation.
constexpr const char* kGithubSecret = "It's a Secret to Everybody";
constexpr const char* kGithubBody = "Hello, World!";
constexpr const char* kGithubMac = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
constexpr const char* kSlackSecret = "8f742231b10e8888abcd99yyyzzz85a5";
constexpr std::int64_t kSlackTime = 1531420618;
constexpr const char* kSlackBody =
    "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&"
    "user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack."
    "com%"
    "2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121."
    "803a0bc887a14d10d2c447fce8b6703c";
constexpr const char* kSlackMac = "a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

Request slack(const std::string& time = "1531420618", const std::string& signature = std::string("v0=") + kSlackMac) {
  return form(kSlackBody, {{"x-slack-request-timestamp", time}, {"x-slack-signature", signature}});
}

Verification withSecrets(Scheme scheme, std::vector<std::string> secrets, std::string field = {}) {
  return {scheme, std::move(secrets), std::move(field), 300};
}

std::string reasonOf(const Verified& verified) {
  return verified.refusal ? verified.refusal->reason : std::string();
}

}  // namespace

TEST_CASE("HMAC-SHA256 is that of RFC 4231") {
  CHECK(toHex(hmacSha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(toHex(hmacSha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  CHECK(toHex(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("GitHub's signature") {
  const Verification how = withSecrets(Scheme::kGithub, {kGithubSecret});
  const auto verified = [&](const std::string& value, const std::string& body = kGithubBody) {
    return verify(how, post(body, {{"x-hub-signature-256", value}}), 0);
  };
  CHECK_FALSE(verified(std::string("sha256=") + kGithubMac).refusal);
  CHECK(toHex(verified(std::string("sha256=") + kGithubMac).signature) == kGithubMac);
  CHECK(reasonOf(verified(std::string("sha256=") + kGithubMac, "Hello, World?")).find("is not that of this body") !=
        std::string::npos);
  CHECK(reasonOf(verified(kGithubMac)).find("\"sha256=\"") != std::string::npos);
  CHECK(reasonOf(verified("sha256=757107ea")).find("64 hexadecimal digits") != std::string::npos);
  CHECK(reasonOf(verified(std::string("sha256=") + kGithubMac + "00")).find("64 hexadecimal digits") !=
        std::string::npos);
  CHECK(reasonOf(verified("sha256=" + std::string(64, 'g'))).find("64 hexadecimal digits") != std::string::npos);
  CHECK(reasonOf(verify(how, post(kGithubBody), 0)).find("there is no field x-hub-signature-256") == 0);
  const Request twice = post(kGithubBody, {{"x-hub-signature-256", std::string("sha256=") + kGithubMac},
                                           {"x-hub-signature-256", "sha256=00"}});
  CHECK(reasonOf(verify(how, twice, 0)).find("more than one") != std::string::npos);
  // The old SHA-1 signature alone is none.
  CHECK(verify(how, post(kGithubBody, {{"x-hub-signature", "sha1=00"}}), 0).refusal->status == 401);
}

TEST_CASE("Slack's signature, and its time") {
  const Verification how = withSecrets(Scheme::kSlack, {kSlackSecret});
  CHECK_FALSE(verify(how, slack(), kSlackTime).refusal);
  CHECK_FALSE(verify(how, slack(), kSlackTime + 300).refusal);
  CHECK_FALSE(verify(how, slack(), kSlackTime - 300).refusal);
  CHECK(reasonOf(verify(how, slack(), kSlackTime + 301)).find("301 s away from now, at most 300 s") !=
        std::string::npos);
  CHECK(verify(how, slack(), kSlackTime - 301).refusal);
  // The time is signed: another one does not help.
  CHECK(reasonOf(verify(how, slack("1531420900"), kSlackTime + 301)).find("is not that of this body") !=
        std::string::npos);
  const auto time = GENERATE("", "-5", "1e9", "99999999999999999999", " 1531420618");
  CHECK(reasonOf(verify(how, slack(time), kSlackTime)).find("no number of seconds") != std::string::npos);
  CHECK(reasonOf(verify(how, slack("1531420618", kSlackMac), kSlackTime)).find("\"v0=\"") != std::string::npos);
}

TEST_CASE("a secret in a header, and an HMAC in hex or Base64") {
  const Verification header = withSecrets(Scheme::kHeader, {"s3cret", "older"}, "x-webhook-secret");
  CHECK_FALSE(verify(header, post("{}", {{"x-webhook-secret", "s3cret"}}), 0).refusal);
  CHECK_FALSE(verify(header, post("{}", {{"x-webhook-secret", "older"}}), 0).refusal);
  const auto wrong = GENERATE("", "s3cre", "s3crets", "S3CRET");
  CHECK(verify(header, post("{}", {{"x-webhook-secret", wrong}}), 0).refusal->status == 401);
  CHECK(reasonOf(verify(header, post("{}"), 0)).find("s3cret") == std::string::npos);

  const Verification hmac = withSecrets(Scheme::kHmac, {"other", kGithubSecret}, "x-mac");
  const auto value = GENERATE(values<std::string>({kGithubMac, std::string("sha256=") + kGithubMac,
                                                   "757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17",
                                                   "dXEH6g6yUJ/CESIczphLijdXC211hsIsRvQ3nIsEPhc="}));
  CHECK_FALSE(verify(hmac, post(kGithubBody, {{"x-mac", value}}), 0).refusal);
  CHECK(verify(hmac, post("Hello", {{"x-mac", value}}), 0).refusal);
}

TEST_CASE("a verification without its secret is refused when settings are read") {
  CHECK_THROWS_WITH(settingsOf({{"verify", "github"}}), Catch::Contains("secret is empty"));
  CHECK_THROWS_WITH(settingsOf({{"verify", "github"}, {"secret", " \n"}, {"previousSecret", "x"}}),
                    Catch::Contains("secret is empty"));
  CHECK_THROWS_WITH(settingsOf({}), Catch::Contains("write none, header, github, slack or hmac"));
  CHECK_THROWS_WITH(settingsOf({{"verify", "header"}, {"secret", "x"}, {"header", "X Y"}}),
                    Catch::Contains("one header field"));
  CHECK(settingsOf({{"verify", "header"}, {"secret", "x\n"}}).verification.secrets == std::vector<std::string>{"x"});
  CHECK(secretField(settingsOf({{"verify", "hmac"}, {"secret", "x"}, {"header", "X-Gitea-Signature"}}).verification) ==
        "x-gitea-signature");
}
