// The daemon's API (docs/API.md). Answers are values; failures are Problems with the daemon's own sentence.
import { signal } from "@preact/signals";

/** True when the daemon no longer takes us for anybody: the page asks to sign in. */
export const signedOut = signal(false);
/** Called when the daemon could not be reached. */
export const unreachable = { report: () => {} };

export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail ?? `the daemon answered ${status}`);
    this.status = status;
    this.body = body ?? {};
    this.hint = body?.hint ?? "";
    this.code = body?.code ?? "";
  }
}

export function pathOf(...segments) {
  return segments.map((piece) => encodeURIComponent(piece)).join("/");
}

/** query: values or arrays; those that are undefined, null or "" are left out. text: a body that is no JSON. */
export async function api(method, path, { query = {}, body, text, signal: abort } = {}) {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== null && one !== "") search.append(key, one);
    }
  }
  // URLSearchParams writes a space as "+", which the API takes for a plus sign.
  const tail = search.toString().replaceAll("+", "%20");
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(`/api/v1/${path}${tail ? `?${tail}` : ""}`, {
      method, headers, body: body === undefined ? text : JSON.stringify(body), signal: abort, cache: "no-store",
    });
    const is_json = (answer.headers.get("Content-Type") ?? "").includes("json");
    const value = is_json ? await answer.json() : await answer.text();
    if (answer.ok) return value;
    if (answer.status === 401) signedOut.value = true;
    throw new Problem(answer.status, is_json ? value : { detail: value || undefined });
  } catch (error) {
    if (error instanceof Problem || error.name === "AbortError") throw error;
    unreachable.report();
    throw new Problem(0, { detail: "the daemon cannot be reached", hint: "The page tries again by itself." });
  }
}

export const get = (path, query, abort) => api("GET", path, { query, signal: abort });
export const post = (path, body = {}, query) => api("POST", path, { body, query });
