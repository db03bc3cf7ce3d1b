// Events as sentences.
import { html } from "../core/html.js";
import { link } from "../core/router.js";
import { At } from "./basics.js";
import { Shape, toneOf } from "./icon.js";

const instance = (name) => html`<a href=${link("instances", name)}>${name}</a>`;
const incident = (id) => html`<a href=${link("incidents", id)}>incident ${id}</a>`;

const SENTENCES = {
  state: (e) => [e.state, html`${instance(e.instance)} is <b>${e.state}</b>${e.reason ? `: ${e.reason}` : ""}`],
  health: (e) => [e.state, html`${instance(e.instance)} says it is <b>${e.state}</b>${e.text ? `: ${e.text}` : ""}`],
  removed: (e) => ["removed", html`${e.instance} was removed`],
  incident: (e) => [e.status, e.new
    ? html`${incident(e.incident)} is new: ${e.name}`
    : html`${incident(e.incident)} is <b>${e.status}</b>`],
  entry: (e) => ["info", html`${e.author} wrote in ${incident(e.incident)}: ${e.text}`],
  plugin: (e) => [e.release ?? e.state, e.release
    ? html`<a href=${link("plugins", e.plugin)}>${e.plugin}</a> ${e.version} is <b>${e.release}</b>${e.reason ? `: ${e.reason}` : ""}`
    : html`plugin file ${e.plugin ? html`<a href=${link("plugins", e.plugin)}>${e.plugin}</a> ${e.version ?? ""}` : e.path.split("/").at(-1)} is <b>${e.state}</b>${e.reason ? `: ${e.reason}` : ""}`],
  config: (e) => [e.applied ? "healthy" : "warning", e.applied
    ? `the instances folder was applied`
    : `the instances folder was not applied: ${e.reason ?? `${e.problemsCount} problems`}`],
  act: (e) => [e.outcome === "done" ? "healthy" : "warning", html`${e.actor}: ${e.act} <b>${e.target}</b>${
    ["done", "begun"].includes(e.outcome) ? "" : ` — ${e.outcome}`}`],
};

export function Event({ event }) {
  const [state, sentence] = SENTENCES[event.kind]?.(event) ?? ["unknown", event.kind];
  return html`<li class=${`tone-${toneOf(state)}`}><span class="muted small number"><${At} at=${event.at}/></span>
    <${Shape} state=${state}/><p>${sentence}</p></li>`;
}
