// Users and tokens.
import { useState } from "preact/hooks";
import { api, get, pathOf, post } from "../core/api.js";
import { html } from "../core/html.js";
import { may } from "../core/store.js";
import { useAct, useLive } from "../core/use.js";
import { Ago, At, Button, Card, confirm, Dialog, Empty, failed, Found, Note, ProblemNote, toast } from "../parts/basics.js";
import { Select, Text } from "../parts/form.js";

const ROLES = [["read", "read: looks at everything"], ["operate", "operate: switches, runs, works on incidents"], ["admin", "admin: changes what there is"]];
const DAY_MS = 86400000;
const on_act = (prefix) => (event) => event.kind === "act" && event.act.startsWith(prefix);

export function People() {
  return html`<div class="page-head"><h1 tabindex="-1">People</h1></div><${Users}/><${Tokens}/>`;
}

function Users() {
  const live = useLive((abort) => get("users", { limit: 1000 }, abort), [], { on: on_act("users") });
  const [adding, setAdding] = useState(false);
  const remove = async (user) => {
    if (!(await confirm({ title: `Remove ${user.username}?`, text: "What this user wrote stays.", act: "Remove", danger: true }))) return;
    try {
      await api("DELETE", pathOf("users", user.username), { query: { yes: true } });
      toast(`${user.username} is removed`);
    } catch (problem) {
      failed(problem, "Not removed");
    }
    live.reload();
  };
  return html`<${Card} title="Users" aside=${html`<${Button} kind="small" role="admin" icon="plus" onClick=${() => setAdding(true)}>New user<//>`}>
    <${Found} live=${live} what="users">${({ users }) => users.length === 0
      ? html`<${Empty} icon="people" title="No user yet"><p>A user gives a person a role, and joins the names that person has: a login of this machine, an id in a chat.</p><//>`
      : html`<div class="table-box" tabindex="0" role="group" aria-label="Users"><table class="table" aria-label="Users"><thead><tr><th scope="col">User</th><th scope="col">Role</th><th scope="col" class="from-m">E-mail</th><th scope="col" class="from-l">Also known as</th>
          <th scope="col" class="from-l right">Made</th><th scope="col" class="shrink"><span class="unseen">Acts</span></th></tr></thead><tbody>
        ${users.map((user) => html`<tr key=${user.username}><td><b>${user.username}</b>${user.name && html`<span class="sub">${user.name}</span>`}</td><td>${user.role}</td><td class="from-m">${user.email ?? "–"}</td>
          <td class="from-l">${user.identities?.map((one) => `${one.provider}: ${one.value}`).join(", ") || "–"}</td><td class="from-l right"><${Ago} at=${user.createdAt}/></td>
          <td><span class="actions"><${Button} kind="small ghost" role="admin" aria-label=${`Remove ${user.username}`} onClick=${() => remove(user)}>Remove<//></span></td></tr>`)}</tbody></table></div>`}<//>
    ${adding && html`<${NewUser} onClose=${() => (setAdding(false), live.reload())}/>`}<//>`;
}

function NewUser({ onClose }) {
  const [form, setForm] = useState({ username: "", name: "", email: "", role: "operate", login: "" });
  const adding = useAct();
  const set = (key) => (value) => setForm((was) => ({ ...was, [key]: value }));
  const add = async (event) => {
    event.preventDefault();
    const { username, name, email, role, login } = form;
    const body = { username, role, ...(name ? { name } : {}), ...(email ? { email } : {}), ...(login ? { identities: [{ provider: "unix", value: login }] } : {}) };
    if (await adding.run(() => post("users", body))) onClose();
  };
  return html`<${Dialog} title="New user" onClose=${onClose}><form class="stack" onSubmit=${add}>
    <${Text} label="Username" required value=${form.username} onInput=${set("username")}/><${Text} label="Name" value=${form.name} onInput=${set("name")}/>
    <${Text} label="E-mail" type="email" value=${form.email} onInput=${set("email")}/><${Select} label="Role" value=${form.role} onInput=${set("role")} options=${ROLES}/>
    <${Text} label="Login of this machine" value=${form.login} onInput=${set("login")} help="Who has it gets the role on the socket."/>
    <${ProblemNote} problem=${adding.problem}/><footer><${Button} kind="primary" type="submit" busy=${adding.busy} disabled=${!form.username.trim()}>Make user<//></footer></form><//>`;
}

function Tokens() {
  if (!may("admin")) return html`<${Card} title="Tokens"><${Empty} icon="lock" title="This wants the role admin"><p>Tokens let programs ask the API.</p><//><//>`;
  return html`<${TokenList}/>`;
}

function TokenList() {
  const live = useLive((abort) => get("tokens", {}, abort), [], { on: on_act("tokens") });
  const [adding, setAdding] = useState(false);
  const revoke = async (name) => {
    if (!(await confirm({ title: `Revoke ${name}?`, text: "Whoever uses it is refused from now on.", act: "Revoke", danger: true }))) return;
    try {
      await api("DELETE", pathOf("tokens", name));
      toast(`${name} is revoked`);
    } catch (problem) {
      failed(problem, "Not revoked");
    }
    live.reload();
  };
  return html`<${Card} title="Tokens" aside=${html`<${Button} kind="small" icon="plus" onClick=${() => setAdding(true)}>New token<//>`}>
    <${Found} live=${live} what="tokens">${({ tokens }) => tokens.length === 0
      ? html`<${Empty} icon="lock" title="No token yet"><p>A token lets a program ask the API with a role of its own, for as long as you say.</p><//>`
      : html`<div class="table-box" tabindex="0" role="group" aria-label="Tokens"><table class="table" aria-label="Tokens"><thead><tr><th scope="col">Token</th><th scope="col">Role</th><th scope="col" class="from-m">Made</th><th scope="col">Good until</th>
          <th scope="col" class="shrink"><span class="unseen">Acts</span></th></tr></thead><tbody>
        ${tokens.map((token) => html`<tr key=${token.name}><td><b>${token.name}</b></td><td>${token.role}</td><td class="from-m">${token.createdAt ? html`<${Ago} at=${token.createdAt}/>` : "–"}</td>
          <td>${token.expiresAt ? html`<${At} at=${token.expiresAt}/>` : "it is revoked"}</td>
          <td><span class="actions"><${Button} kind="small ghost" aria-label=${`Revoke ${token.name}`} onClick=${() => revoke(token.name)}>Revoke<//></span></td></tr>`)}</tbody></table></div>`}<//>
    ${adding && html`<${NewToken} onClose=${() => (setAdding(false), live.reload())}/>`}<//>`;
}

function NewToken({ onClose }) {
  const [form, setForm] = useState({ name: "", role: "read", life: "" });
  const [made, setMade] = useState(null);
  const adding = useAct();
  const set = (key) => (value) => setForm((was) => ({ ...was, [key]: value }));
  const add = async (event) => {
    event.preventDefault();
    const answer = await adding.run(() => post("tokens", { name: form.name, role: form.role, ...(form.life ? { lifeMs: Number(form.life) * DAY_MS } : {}) }));
    if (answer) setMade(answer.token);
  };
  if (made) {
    return html`<${Dialog} title=${`Token ${form.name}`} onClose=${onClose}><${Note} tone="warn" state="warning">It is shown this once. The daemon keeps its SHA-256 alone.<//>
      <pre class="words" tabindex="0" aria-label="Token">${made}</pre>
      <footer><${Button} onClick=${() => navigator.clipboard?.writeText(made).then(() => toast("Copied"))}>Copy<//><${Button} kind="primary" onClick=${onClose}>Done<//></footer><//>`;
  }
  return html`<${Dialog} title="New token" onClose=${onClose}><form class="stack" onSubmit=${add}>
    <${Text} label="Name" required value=${form.name} onInput=${set("name")} help="What the audit calls who uses it."/><${Select} label="Role" value=${form.role} onInput=${set("role")} options=${ROLES}/>
    <${Select} label="Good for" value=${form.life} onInput=${set("life")} options=${[["", "until it is revoked"], ["1", "a day"], ["30", "30 days"], ["365", "a year"]]}/>
    <${ProblemNote} problem=${adding.problem}/><footer><${Button} kind="primary" type="submit" busy=${adding.busy} disabled=${!form.name.trim()}>Make token<//></footer></form><//>`;
}
