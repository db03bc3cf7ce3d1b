// Where one is: the fragment, as segments and a query. All views are at one path of the server.
import { signal } from "@preact/signals";

function parse() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const segments = path.split("/").filter(Boolean).map((piece) => {
    try {
      return decodeURIComponent(piece);
    } catch {
      return piece;
    }
  });
  // What chats link to.
  if (segments[0] === "WarRoom") segments[0] = "incidents";
  return { segments, query: new URLSearchParams(query ?? ""), key: segments.join("/") };
}

export const route = signal(parse());
addEventListener("hashchange", () => (route.value = parse()));

export const link = (...segments) => `#/${segments.map((piece) => encodeURIComponent(piece)).join("/")}`;
export const go = (...segments) => (location.hash = link(...segments));

/** Changes the query without a new step of the history: filters. */
export function setQuery(changes) {
  const query = new URLSearchParams(route.value.query);
  for (const [key, value] of Object.entries(changes)) value ? query.set(key, value) : query.delete(key);
  const text = query.toString();
  history.replaceState(null, "", `${link(...route.value.segments)}${text ? `?${text}` : ""}`);
  route.value = parse();
}
