// Text of others on its way to a person's terminal. Control characters (C0 but the tab, DEL, C1), line separators and
// the marks that turn the direction of text come out as "\x1b" or "\u202e". Pure; any thread.
#ifndef CHAT_PLUGIN_PRINTABLE_H
#define CHAT_PLUGIN_PRINTABLE_H

#include <string>
#include <string_view>

namespace chat_plugin {

// `text` is UTF-8.
void appendPrintable(std::string& out, std::string_view text);
bool isPrintable(std::string_view text);

}  // namespace chat_plugin

#endif
