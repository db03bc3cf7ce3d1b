#include <array>

#include "host/http/openapi.h"

namespace longhaul::host::http {
namespace {

constexpr std::array kTexts{
    RouteText{"GET", "/api/v1/openapi.json", "This description", "", "{\"*\": \"any\"}"},
    RouteText{"GET", "/api/v1/version", "The daemon, and what holds the limits of workers", "", "Version"},
    RouteText{"GET", "/api/v1/configuration", "The daemon's own settings, and where each is from", "", "Configuration"},
    RouteText{"POST", "/api/v1/backup", "Copies the store while it is in use", "BackupAsked", "Backup"},
    RouteText{"POST", "/api/v1/reload", "Reads the instances folder and the plugin folders again", "", "Planned"},
    RouteText{"POST", "/api/v1/apply", "Makes and changes instances, all or none", "yaml", "Planned"},
    RouteText{"GET", "/api/v1/events", "What happens, as server-sent events without an end", "", "events"},
    RouteText{"GET", "/api/v1/events/recent", "What happened last", "", "Events"},
    RouteText{"GET", "/api/v1/explain", "Why an instance or a file is as it is", "", "Explanation"},
    RouteText{"GET", "/api/v1/whoami", "Who the daemon takes the peer for", "", "WhoAmI"},
    RouteText{"POST", "/api/v1/session/links", "A link that signs a browser in once, with the caller's role", "",
              "LoginLink"},
    RouteText{"DELETE", "/api/v1/session", "Ends the browser's session", "", "TokenRevoked"},
    RouteText{"GET", "/api/v1/users", "Users, by name", "", "Users"},
    RouteText{"POST", "/api/v1/users", "A new user", "UserFacts", "User"},
    RouteText{"GET", "/api/v1/users/{name}", "One user", "", "User"},
    RouteText{"PATCH", "/api/v1/users/{name}", "Changes what is said of a user", "UserFacts", "User"},
    RouteText{"DELETE", "/api/v1/users/{name}", "Removes a user", "", "UserRemoved"},
    RouteText{"GET", "/api/v1/tokens", "Tokens, without their secrets", "", "Tokens"},
    RouteText{"POST", "/api/v1/tokens", "A new token; its secret is in this answer alone", "NewToken", "Token"},
    RouteText{"DELETE", "/api/v1/tokens/{name}", "Revokes a token", "", "TokenRevoked"},
    RouteText{"GET", "/api/v1/audit", "Who did what", "", "Audit"},
    RouteText{"GET", "/api/v1/plugins", "Plugin files", "", "Plugins"},
    RouteText{"GET", "/api/v1/plugins/{name}", "What a plugin's manifest declares", "", "Manifest"},
    RouteText{"DELETE", "/api/v1/plugins/{name}", "Removes a plugin's staged files and history", "", "PluginRemoved"},
    RouteText{"GET", "/api/v1/plugins/{name}/releases", "What became of a plugin's releases", "", "Releases"},
    RouteText{"POST", "/api/v1/plugins/{name}/rollback", "All instances go back to a release", "ReleaseToRun",
              "Releases"},
    RouteText{"POST", "/api/v1/plugins/{name}/allow", "Lifts the mark of a bad release", "ReleaseToAllow", "Releases"},
    RouteText{"GET", "/api/v1/activity", "What instances did in each of the last minutes", "", "Activity"},
    RouteText{"GET", "/api/v1/instances", "Instances, by name", "", "Instances"},
    RouteText{"GET", "/api/v1/instances/{name}", "One instance; may wait for a state", "", "Instance"},
    RouteText{"DELETE", "/api/v1/instances/{name}", "Deletes an instance with what it kept", "", "InstanceRemoved"},
    RouteText{"POST", "/api/v1/instances/{name}/enable", "It is to run", "", "Acted"},
    RouteText{"POST", "/api/v1/instances/{name}/disable", "It is not to run", "", "Acted"},
    RouteText{"POST", "/api/v1/instances/{name}/restart", "A new worker takes over", "", "Acted"},
    RouteText{"POST", "/api/v1/instances/{name}/release", "Forgets failures and refusals, and tries now", "", "Acted"},
    RouteText{"POST", "/api/v1/instances/{name}/execute", "Runs a command of its plugin", "CommandToRun", "CommandRan"},
    RouteText{"POST", "/api/v1/instances/{name}/test", "Asks the plugin whether it would work", "TestToRun", "Tested"},
    RouteText{"POST", "/api/v1/instances/{name}/approve", "Approves what the newest file asks for", "", "Approved"},
    RouteText{"GET", "/api/v1/instances/{name}/parameters", "Its parameters as they are stored", "", "Parameters"},
    RouteText{"PATCH", "/api/v1/instances/{name}/parameters", "Changes some of them", "ParametersToSet", "Planned"},
    RouteText{"GET", "/api/v1/instances/{name}/explain", "Why it is as it is", "", "Explanation"},
    RouteText{"GET", "/api/v1/instances/{name}/logs", "Lines of its log; may wait for more", "", "Logs"},
    RouteText{"GET", "/api/v1/instances/{name}/deaths", "The last ends of its workers, each with its card", "",
              "Deaths"},
    RouteText{"GET", "/api/v1/instances/{name}/health", "What its plugin said of its health", "", "HealthHistory"},
    RouteText{"GET", "/api/v1/instances/{name}/usage", "What its worker used lately", "", "Usage"},
    RouteText{"GET", "/api/v1/instances/{name}/commands", "What its plugin can run", "", "Commands"},
    RouteText{"GET", "/api/v1/instances/{name}/policy", "Its schedule of restarts", "", "Policy"},
    RouteText{"GET", "/api/v1/instances/{name}/context", "What it keeps, or one key of that", "", "Context"},
    RouteText{"GET", "/api/v1/instances/{name}/context/snapshots", "Kept copies of its context", "", "Snapshots"},
    RouteText{"GET", "/api/v1/instances/{name}/context/snapshots/{id}", "One of them, whole", "", "Snapshot"},
    RouteText{"PUT", "/api/v1/instances/{name}/context", "Replaces its context", "ContextToPut", "ContextWritten"},
    RouteText{"PATCH", "/api/v1/instances/{name}/context", "Changes keys of it", "ContextChanges", "ContextWritten"},
    RouteText{"GET", "/api/v1/secrets", "Which secrets there are; never what they are", "", "Secrets"},
    RouteText{"PUT", "/api/v1/instances/{name}/secrets/{parameter}", "Sets a secret", "SecretToSet", "Planned"},
    RouteText{"POST", "/api/v1/secrets/encrypt", "A reference for a file", "SecretToEncrypt", "SecretEncrypted"},
    RouteText{"POST", "/api/v1/secrets/rotate", "A new key, and what is encrypted with it", "", "Rotated"},
    RouteText{"GET", "/api/v1/incidents", "Incidents", "", "Incidents"},
    RouteText{"GET", "/api/v1/incident-counts", "How many there are, and how many came lately", "", "IncidentCounts"},
    RouteText{"POST", "/api/v1/incidents", "An incident of an operator", "NewIncident", "IncidentMade"},
    RouteText{"GET", "/api/v1/incidents/{id}", "One incident, whole", "", "Incident"},
    RouteText{"POST", "/api/v1/incidents/{id}/close", "Closes it", "ToClose", "StatusSet"},
    RouteText{"POST", "/api/v1/incidents/{id}/assign", "Gives it to a user, or to nobody", "ToAssign", "Assigned"},
    RouteText{"POST", "/api/v1/incidents/{id}/reopen", "Opens it again", "", "StatusSet"},
    RouteText{"POST", "/api/v1/incidents/{id}/questions", "Asks a user through a chat", "ToAsk", "Question"},
    RouteText{"GET", "/api/v1/questions", "Questions, the newest first", "", "Questions"},
    RouteText{"GET", "/api/v1/mirrors", "Which incidents a chat mirrors", "", "Mirrors"},
    RouteText{"GET", "/api/v1/indicators", "Indicators, the newest first", "", "Indicators"},
    RouteText{"GET", "/api/v1/incidents/{id}/entries", "Its war room, the oldest first", "", "Entries"},
    RouteText{"POST", "/api/v1/incidents/{id}/entries", "Adds an entry", "NewEntry", "EntryMade"},
};

}  // namespace

const RouteText* textOf(const Route& route) {
  for (const RouteText& each : kTexts) {
    if (each.method == route.method && each.path == route.path) return &each;
  }
  return nullptr;
}

std::string_view mediaTypeOf(const RouteText& text) {
  return text.answer == "events" ? "text/event-stream" : "application/json";
}

}  // namespace longhaul::host::http
