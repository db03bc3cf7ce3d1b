// What can be said about a write without looking into the store: its size and its bounds. Every Store uses these, so
// that a limit is one sentence everywhere. Any thread; pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "host/store/values.h"

namespace longhaul::host::store {

// About how many bytes the write holds: what the queue's and the batch's limits count.
std::size_t writeBytes(const Write& write);

// INVALID or TOO_LARGE with a sentence that names the limit; what the context may hold is checked where it is known.
Result<void> checkCommit(const CommitWrite& write);
Result<void> checkPut(const PutInstance& write);
Result<void> checkStatus(const SetIncidentStatus& write);
// The user as it is kept: addresses among the identities in lower case, sorted, each once, without that in `email`.
Result<User> checkUser(User user);
// INVALID where a text of the user holds a character that nobody sees. What `before` has too is not looked at: it may
// be from a time without this rule. Null: a new user.
Result<void> checkUnseen(const User& user, const User* before);
Result<void> checkAudit(const AuditRecord& record);
// The row of a commit's act. `user` null: nobody is `by`.
AuditRecord actRow(const CommitWrite& write, const Committed& result, const User* user);
Error noOpenAct(std::int64_t id);
Result<void> checkToken(const Token& token);

// One key and value of a context against kContextKeyBytesMax and kContextValueBytesMax.
Result<void> checkContextPair(std::string_view key, std::string_view value);

// The size of a context after a write. A context over a limit that was lowered may still shrink.
Result<void> checkContextSize(std::size_t bytes_before, std::size_t bytes_after, std::size_t keys_before,
                              std::size_t keys_after, std::size_t bytes_max);

// The same sentences everywhere.
Error noInstance(InstanceId instance);
Error configChanged();
Error noIncident(IncidentId incident);
Error noUser(UserId user);
Error noUserNamed(std::string_view username);
Error userExists(std::string_view username);
Error nameStays(std::string_view username);
Error nameIsIdentity(std::string_view username, const Identity& identity, std::string_view holder);
Error identityIsName(const Identity& identity, std::string_view username);
Error identityTaken(const Identity& identity, std::string_view username);
Error noQuestion(const AnswerEntitlement& answer);
Error alreadyAnswered(const Entitlement& question);

// Whether the commit is what `by` answered before, word for word, and nothing else: then it is no second answer, but
// the first one whose reply was lost.
bool isSameAnswer(const Entitlement& question, const CommitWrite& write, std::string_view by);
// What that answer gave.
Committed answeredBefore(const Entitlement& question);
Error noToken(TokenId token);
Error tokenNameTaken(std::string_view name);
Error fenced(Generation of_write, Generation stored);
Error keyMismatch(std::string_view key);
Error contextConflict(std::int64_t expected, std::int64_t stored);
Error quarantinedValue(std::string_view key);

// An address without case: ASCII alone, as mail servers compare.
std::string foldEmail(std::string_view email);
// Whether two usernames are one: without case, likewise.
bool sameName(std::string_view one, std::string_view other);

}  // namespace longhaul::host::store
