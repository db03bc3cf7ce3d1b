/* Puts a plugin's manifest into its .so, as the ELF note that the host reads before any code of the plugin can run.
 *
 * longhaul_add_plugin() of the CMake package does this by itself. For another build, or plain C, one of these stands in
 * one source file at file scope:
 *   LONGHAUL_MANIFEST_FILE("manifest.json");              a path for the assembler: absolute, or found by -I
 *   LONGHAUL_MANIFEST("{\"id\": \"ticker\", …}");         the JSON itself, in one or more ordinary string literals
 *
 * The note: section .note.longhaul (allocated, type NOTE, alignment 4), name "Longhaul" with its NUL, type 1, and as
 * content the ABI version (major << 16 | minor, 32 bit, of this header) and then the manifest's bytes, at most
 * LONGHAUL_MANIFEST_BYTES_MAX. There must be one in a .so. GCC and clang, Linux. */
#ifndef LONGHAUL_MANIFEST_H
#define LONGHAUL_MANIFEST_H

#include "longhaul/types.h"
#include "longhaul/version.h"

#define LONGHAUL_NOTE_NAME "Longhaul"
#define LONGHAUL_NOTE_TYPE 1
#define LONGHAUL_NOTE_SECTION ".note.longhaul"

/* `content` is a line of assembler. Lengths come from labels, so that the note has no byte too many. */
#define LONGHAUL_NOTE_(content) \
  __asm__(".pushsection " LONGHAUL_NOTE_SECTION                                                           \
          ",\"a\",%note\n"                                                                                \
          ".balign 4\n"                                                                                   \
          ".long 772f-771f, 774f-773f, " LONGHAUL_STRINGIZE(LONGHAUL_NOTE_TYPE) "\n"                      \
          "771: .asciz \"" LONGHAUL_NOTE_NAME "\"\n"                                                      \
          "772: .balign 4\n"                                                                              \
          "773: .long (" LONGHAUL_STRINGIZE(LONGHAUL_VERSION_MAJOR) " << 16) | " LONGHAUL_STRINGIZE(      \
              LONGHAUL_VERSION_MINOR) "\n" content "\n"                                                   \
          "774: .balign 4\n"                                                                              \
          ".popsection\n")

#define LONGHAUL_MANIFEST_FILE(path) LONGHAUL_NOTE_(".incbin \"" path "\"")
#define LONGHAUL_MANIFEST(json) LONGHAUL_NOTE_(".ascii " #json)

#endif
