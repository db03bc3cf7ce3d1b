// Bundles the page and writes the C++ file that embeds it: node build.mjs FOLDER, where FOLDER has node_modules. Every file
// but index.html gets the hash of its content into its name. Nothing is fetched.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const folder = path.resolve(process.argv[2] ?? "");
const modules = path.join(folder, "node_modules");
const out = path.join(folder, "out");
const { build } = await import(pathToFileURL(path.join(modules, "esbuild/lib/main.js")));

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const { metafile } = await build({
  entryPoints: { app: path.join(here, "src/main.js") },
  outdir: out,
  entryNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  publicPath: "/assets/",
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome123", "firefox121", "safari17.5"], // the first with light-dark()
  loader: { ".woff2": "file", ".svg": "file" },
  nodePaths: [modules],
  legalComments: "eof",
  metafile: true,
  logLevel: "warning",
});

const outputs = Object.keys(metafile.outputs).map((name) => path.basename(name));
const one = (pattern) => outputs.find((name) => pattern.test(name));
const page = readFileSync(path.join(here, "src/index.html"), "utf8")
  .replaceAll("@script@", `/assets/${one(/^app-.*\.js$/)}`)
  .replaceAll("@style@", `/assets/${one(/^app-.*\.css$/)}`)
  .replaceAll("@icon@", `/assets/${one(/^icon-.*\.svg$/)}`)
  .replaceAll("@font@", `/assets/${one(/^inter-.*\.woff2$/)}`);
writeFileSync(path.join(out, "index.html"), page);

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};
const blobs = [];
const blob = (file) => {
  blobs.push(`LONGHAUL_BLOB(blob${blobs.length}, ${JSON.stringify(file)})`);
  return `bytesOf(blob${blobs.length - 1}, blob${blobs.length - 1}_end)`;
};
const rows = readdirSync(out).sort().map((name) => {
  const file = path.join(out, name);
  const bytes = readFileSync(file);
  const packed = gzipSync(bytes, { level: 9 });
  const saves = packed.length < bytes.length * 0.9;
  if (saves) writeFileSync(`${file}.gz`, packed);
  const isPage = name === "index.html";
  const etag = createHash("sha256").update(bytes).digest("hex").slice(0, 20);
  return `      {${JSON.stringify(isPage ? "/" : `/assets/${name}`)}, ${JSON.stringify(TYPES[path.extname(name)])},
       ${blob(file)}, ${saves ? blob(`${file}.gz`) : "{}"}, "\\"${etag}\\"", ${!isPage}},`;
});

writeFileSync(path.join(folder, "assets.cpp"), `// Made by build.mjs.
#include <array>

#include "host/http/static_files.h"

#define LONGHAUL_BLOB(NAME, FILE)                                                              \\
  extern "C" const char NAME[], NAME##_end[];                                                  \\
  asm(".section .rodata\\n.global " #NAME "\\n.hidden " #NAME "\\n.hidden " #NAME "_end\\n.global " #NAME \\
      "_end\\n" #NAME ":\\n.incbin \\"" FILE "\\"\\n" #NAME "_end:\\n.byte 0\\n.previous\\n");
${blobs.join("\n")}

namespace longhaul::host::http {
namespace {
std::string_view bytesOf(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}
}  // namespace

std::span<const Asset> assets() {
  static const std::array<Asset, ${rows.length}> kAssets{{
${rows.join("\n")}
  }};
  return kAssets;
}
}  // namespace longhaul::host::http
`);
