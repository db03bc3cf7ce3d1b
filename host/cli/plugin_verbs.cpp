#include "host/cli/plugin_verbs.h"

#include <fmt/format.h>

#include <filesystem>

#include "host/catalog/inspection.h"
#include "host/cli/printable.h"
#include "host/cli/session.h"
#include "host/cli/times.h"

namespace longhaul::host::cli {
namespace {

class Lines {
 public:
  explicit Lines(Output& output) : output_(output) {}
  void add(std::string_view label, std::string_view text, Tone tone = Tone::Plain) {
    if (text.empty()) return;
    const bool again = label == last_;
    last_ = label;
    output_.line(
        fmt::format("{:>11}{} {}", again ? "" : label, again ? ' ' : ':', output_.toned(printable(text), tone)));
  }

 private:
  Output& output_;
  std::string last_;
};

std::string parameterText(const catalog::Parameter& parameter) {
  std::string text = fmt::format("{} ({}{}{})", parameter.name, catalog::toText(parameter.type),
                                 parameter.required ? ", required" : "", parameter.secret ? ", secret" : "");
  if (!parameter.default_value.is_null()) text += fmt::format(" = {}", dumpJson(parameter.default_value));
  if (!parameter.help.empty()) text += fmt::format(": {}", parameter.help);
  return text;
}

void showManifest(Lines& lines, const catalog::Manifest& manifest) {
  lines.add("Plugin", fmt::format("{} {}", manifest.id, catalog::toText(manifest.version)));
  lines.add("Name", manifest.name);
  lines.add("Vendor", manifest.vendor);
  lines.add("About", manifest.description);
  for (const auto& parameter : manifest.parameters)
    lines.add("Parameters", parameterText(parameter));
  for (const auto& command : manifest.commands)
    lines.add("Commands", fmt::format("{}: {}", command.name, command.description));
  for (const auto& listener : manifest.listeners) {
    lines.add("Listeners", fmt::format("{} ({}, where parameter {} says)", listener.name,
                                       catalog::toText(listener.transport), listener.parameter));
  }
  for (const std::string& asked : catalog::grantsBeyond(manifest.grants, {}))
    lines.add("Asks for", asked);
  for (const std::string& capability : manifest.capabilities)
    lines.add("Offers", capability);
}

void show(Output& output, const catalog::Inspection& inspection) {
  Lines lines{output};
  lines.add("File", fmt::format("{} ({})", inspection.path.native(), bytesText(inspection.size_bytes)));
  lines.add("Digest", inspection.digest);
  lines.add("Build id", inspection.build_id);
  if (inspection.has_note) lines.add("ABI", catalog::abiText(inspection.abi_version));
  if (inspection.manifest) showManifest(lines, *inspection.manifest);
  for (const auto& library : inspection.libraries) {
    const bool missing = library.path.empty();
    lines.add("Libraries", fmt::format("{} ({})", library.name, missing ? "not found" : library.path.native()),
              missing ? Tone::Bad : Tone::Plain);
  }
  if (output.wide()) {
    for (const auto& needed : inspection.needed_versions) {
      std::string versions;
      for (const std::string& version : needed.versions)
        versions += ' ' + version;
      lines.add("Versions", needed.library + ':' + versions);
    }
    for (const std::string& name : inspection.exported)
      lines.add("Exports", name);
  }
  for (const std::string& warning : inspection.warnings)
    lines.add("Warning", warning, Tone::Warning);
  for (const catalog::FileProblem& problem : inspection.problems)
    lines.add("Refused", problem.text, Tone::Bad);
  if (inspection.problems.empty()) lines.add("Verdict", "a host of this version would take it", Tone::Good);
}

Exit inspect(Session& session, const Arguments& arguments) {
  const auto& files = arguments.all("FILE");
  Exit exit = Exit::Done;
  catalog::AdmissionPolicy policy;
  policy.worker = session.surroundings.programs_dir / "longhaul-worker";
  session.output.beginList();
  for (const std::string& file : files) {
    std::error_code error;
    if (!std::filesystem::exists(file, error)) {
      session.output.error({Code::NotFound, fmt::format("there is no file {}", file)});
      exit = exit == Exit::Done || exit == Exit::NotFound ? Exit::NotFound : Exit::Error;
      continue;
    }
    const auto inspection = catalog::inspectFile(file, policy);
    if (!inspection.problems.empty()) exit = Exit::Error;
    const std::string name = inspection.manifest ? inspection.manifest->id : file;
    if (session.output.forPeople()) {
      if (&file != &files.front()) session.output.line("");
      show(session.output, inspection);
    } else if (files.size() == 1) {
      session.output.value(catalog::toJson(inspection), name);
    } else {
      session.output.page(Table{{}}, Json::array({catalog::toJson(inspection)}), {name});
    }
  }
  if (files.size() > 1) session.output.endList();
  return exit;
}

}  // namespace

const std::vector<Verb>& pluginProgramVerbs() {
  static const std::vector<Verb> kVerbs{
      {.name = "inspect",
       .group = Group::Plugins,
       .summary = "shows what is in a plugin file without running it, and whether a host would take it",
       .operands = {{.name = "FILE", .many = true}},
       .options = {},
       .details =
           "Exits with 1 if a host would refuse it. -o wide adds symbol versions and exported names; with several "
           "files -o json gives an array.",
       .run = inspect}};
  return kVerbs;
}

}  // namespace longhaul::host::cli
