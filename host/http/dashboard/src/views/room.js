// One incident: its war room, its facts, and what people were asked.
import { useState } from "preact/hooks";
import { get, pathOf, post } from "../core/api.js";
import { readable, severityOf } from "../core/format.js";
import { html } from "../core/html.js";
import { link } from "../core/router.js";
import { sorted } from "../core/store.js";
import { useAct, useLive } from "../core/use.js";
import { Ago, At, Button, Card, Dialog, Empty, Facts, failed, Found, ProblemNote, toast } from "../parts/basics.js";
import { Field, Select, Text } from "../parts/form.js";
import { Severity, State } from "../parts/icon.js";

const ENTRIES_PAGE = 1000;
const SENT_KEY = "Enter";

async function allEntries(id, abort) {
  const entries = [];
  let cursor;
  for (;;) {
    const page = await get(pathOf("incidents", id, "entries"), { limit: ENTRIES_PAGE, cursor }, abort);
    entries.push(...page.entries);
    if (!page.more || entries.length >= 5 * ENTRIES_PAGE) return { entries, more: page.more };
    cursor = page.next;
  }
}

export function Room({ id }) {
  const live = useLive((abort) => get(pathOf("incidents", id), {}, abort), [id], { on: (event) => event.kind === "incident" && event.incident === id });
  const entries = useLive((abort) => allEntries(id, abort), [id], { on: (event) => event.kind === "entry" && event.incident === id });
  const questions = useLive((abort) => get("questions", { incident: id, limit: 100 }, abort), [id],
    { on: (event) => event.kind === "entry" && event.incident === id, every_ms: 10000 });
  return html`<${Found} live=${live} what="incident">${(incident) => html`<div class="stack"><${Head} incident=${incident} reload=${live.reload}/>
    <div class="columns wide-left"><div class="stack"><${Card} title="War room" aside=${html`<span>${entries.value ? `${entries.value.entries.length} entries` : ""}</span>`}>
        <${Found} live=${entries} what="war room">${({ entries: rows, more }) => html`<div class="room">
          ${rows.length === 0 && html`<${Empty} icon="people" title="Nobody wrote yet"><p>What instances, people in chats and operators say about this incident stands here.</p><//>`}
          ${rows.map((entry) => html`<${Entry} key=${entry.id} entry=${entry}/>`)}
          ${more && html`<p class="card-body muted">There are more entries; the rest is on the command line: longhaul entries ${id}</p>`}</div>`}<//>
        <${Compose} id=${id} reload=${entries.reload}/><//></div>
      <div class="stack"><${About} incident=${incident}/><${Questions} id=${id} live=${questions}/></div></div></div>`}<//>`;
}

function Head({ incident, reload }) {
  const { id, name, status } = incident;
  const acting = useAct();
  const set = (what, body) => acting.run(async () => {
    try {
      await post(pathOf("incidents", id, what), body);
      toast(`Incident ${id} is ${what === "close" ? "closed" : "open again"}`);
    } catch (problem) {
      failed(problem, `Incident ${id} is as it was`);
    }
    reload();
  });
  return html`<div class="page-head"><div class="title"><nav class="crumbs" aria-label="Path"><a href="#/incidents">Incidents</a><span aria-hidden="true">/</span><span>${id}</span></nav>
    <h1 tabindex="-1" class="wrap">${name}</h1><div class="head-state"><${State} state=${status} text=${status === "active" ? "open" : status}/><${Severity} severity=${incident.severity} text=${severityOf(incident.severity)}/></div></div>
    <div class="actions">${status === "closed" ? html`<${Button} role="operate" busy=${acting.busy} onClick=${() => set("reopen", undefined)}>Open again<//>`
      : html`<${Button} role="operate" icon="check" busy=${acting.busy} onClick=${() => set("close", {})}>Close<//>`}</div></div>`;
}

const letterOf = (author) => (author?.match(/[\p{L}\p{N}]/u)?.[0] ?? "?").toUpperCase();
function Entry({ entry }) {
  return html`<article class="entry"><span class="badge-letter" aria-hidden="true">${letterOf(entry.author)}</span><div><header><b>${entry.author || "unknown"}</b>
    <span class="muted small"><${At} at=${entry.createdAt}/>${entry.contentType === "markdown" ? " · markdown" : ""}</span></header>
    <div class="words">${entry.text}</div></div></article>`;
}

function Compose({ id, reload }) {
  const [text, setText] = useState("");
  const sending = useAct();
  const send = async (event) => {
    event?.preventDefault();
    if (!text.trim() || sending.busy) return;
    if (!(await sending.run(() => post(pathOf("incidents", id, "entries"), { text })))) return;
    setText("");
    reload();
  };
  const onKey = (event) => {
    if (event.key === SENT_KEY && (event.ctrlKey || event.metaKey)) send();
  };
  return html`<form class="compose" onSubmit=${send}><${Field} label="New entry" control=${(attributes) => html`<textarea class="area-input" ...${attributes} value=${text}
      placeholder="What is known, what was done…" onInput=${(event) => setText(event.target.value)} onKeyDown=${onKey}></textarea>`}/>
    <${ProblemNote} problem=${sending.problem} title="Not kept"/>
    <div class="row"><span class="muted small"><kbd>Ctrl</kbd> <kbd>Enter</kbd> adds it too</span>
      <${Button} kind="primary" type="submit" role="operate" busy=${sending.busy} disabled=${!text.trim()}>Add entry<//></div></form>`;
}

function About({ incident }) {
  const { fields = {} } = incident;
  const [owner, setOwner] = useState(null);
  const { details, labels, rawJSON, owner: reported, ...rest } = fields;
  const has = incident.owner ?? reported;
  return html`<${Card} title="About"><div class="card-body tight"><${Facts} rows=${[
      ["Type", incident.type || html`<span class="muted">none</span>`],
      ["From", incident.instance ? html`<a href=${link("instances", incident.instance)}>${incident.instance}</a>` : "an operator"],
      ["Occurred", html`<${At} at=${incident.occurredAt}/>`], ["Came", html`<${Ago} at=${incident.createdAt}/>`],
      ["Owner", html`<span class="row">${has || html`<span class="muted">nobody</span>`}<${Button} kind="small" role="operate" onClick=${() => setOwner(has ?? "")}>Assign…<//></span>`],
      ["Labels", labels?.length > 0 && html`<span class="wrap">${labels.map((label) => `${label.type}: ${label.value}`).join(", ")}</span>`],
      ["Details", details && html`<span style=${{ whiteSpace: "pre-wrap" }}>${details}</span>`],
      ...Object.entries(rest).filter(([, value]) => value !== "" && value !== null).map(([key, value]) => [key, html`<span class="mono">${readable(value)}</span>`])]
      .map(([term, value]) => [term, value === false ? null : value])}/></div>
    ${rawJSON && html`<details class="card-body tight"><summary>As it was reported</summary><pre class="words" tabindex="0" aria-label="As it was reported">${readable(rawJSON)}</pre></details>`}
    ${owner !== null && html`<${Assign} id=${incident.id} first=${owner} onClose=${() => setOwner(null)}/>`}<//>`;
}

function Assign({ id, first, onClose }) {
  const [owner, setOwner] = useState(first);
  const users = useLive((abort) => get("users", { limit: 1000 }, abort), []);
  const acting = useAct();
  const save = async (event) => {
    event.preventDefault();
    if (await acting.run(() => post(pathOf("incidents", id, "assign"), { owner }))) onClose();
  };
  return html`<${Dialog} title=${`Owner of incident ${id}`} onClose=${onClose}><form class="stack" onSubmit=${save}>
    <${Select} label="Owner" value=${owner} onInput=${setOwner} options=${[["", "nobody"], ...(users.value?.users ?? []).map((user) => [user.username, user.name ? `${user.username} (${user.name})` : user.username])]}
      help=${users.value?.users.length === 0 ? html`There are no users yet: <a href="#/people">People</a>.` : ""}/>
    <${ProblemNote} problem=${acting.problem}/><footer><${Button} kind="primary" type="submit" busy=${acting.busy}>Assign<//></footer></form><//>`;
}

function Questions({ id, live }) {
  const [asking, setAsking] = useState(false);
  return html`<${Card} title="Questions" aside=${html`<${Button} kind="small" role="operate" onClick=${() => setAsking(true)}>Ask…<//>`}>
    <${Found} live=${live} what="questions">${({ questions }) => questions.length === 0
      ? html`<${Empty} icon="people" title="Nobody was asked"><p>A question goes to a person through a chat instance, and the answer comes back here.</p><//>`
      : questions.map((question) => html`<div class="question" key=${question.id}><div class="row between"><b class="wrap">${question.text}</b><${State} state=${question.state}/></div>
          <p class="muted small">${question.askedBy} asked ${question.to} through ${question.instance}, <${Ago} at=${question.createdAt}/></p>
          ${question.answer !== undefined && html`<p>${question.answeredBy ? html`<b>${question.answeredBy}</b> answered: ` : "By default: "}<b>${question.answer}</b></p>`}
          ${question.waitsFor && html`<p class="muted small">It did not go out yet: ${question.waitsFor}</p>`}</div>`)}<//>
    ${asking && html`<${Asking} id=${id} onClose=${() => (setAsking(false), live.reload())}/>`}<//>`;
}

function Asking({ id, onClose }) {
  const chats = sorted.value;
  const [form, setForm] = useState({ to: "", text: "", options: "yes, no", instance: chats.find((one) => one.plugin === "chat")?.name ?? chats[0]?.name ?? "" });
  const asking = useAct();
  const set = (key) => (value) => setForm((was) => ({ ...was, [key]: value }));
  const ask = async (event) => {
    event.preventDefault();
    const options = form.options.split(",").map((piece) => piece.trim()).filter(Boolean);
    const body = { to: form.to, text: form.text, instance: form.instance, ...(options.length ? { options } : {}) };
    if (await asking.run(() => post(pathOf("incidents", id, "questions"), body))) onClose();
  };
  return html`<${Dialog} title="Ask somebody" onClose=${onClose}><form class="stack" onSubmit=${ask}>
    <${Text} label="Who" required value=${form.to} onInput=${set("to")} help="A user, an e-mail address, or an id in that chat."/>
    <${Field} label="Question" required control=${(attributes) => html`<textarea class="area-input" ...${attributes} value=${form.text} onInput=${(event) => set("text")(event.target.value)}></textarea>`}/>
    <${Text} label="Answers to choose from" value=${form.options} onInput=${set("options")} help="With commas; empty: any text."/>
    <${Select} label="Through" value=${form.instance} onInput=${set("instance")} options=${chats.map((one) => one.name)}/>
    <${ProblemNote} problem=${asking.problem} title="Not asked"/>
    <footer><${Button} kind="primary" type="submit" busy=${asking.busy} disabled=${!form.to.trim() || !form.text.trim()}>Ask<//></footer></form><//>`;
}
