// Plugin files, and what became of a plugin's releases.
import { get, pathOf, post } from "../core/api.js";
import { digestOf, plural } from "../core/format.js";
import { html } from "../core/html.js";
import { loadPlugins } from "../core/live.js";
import { link } from "../core/router.js";
import { plugins, sorted } from "../core/store.js";
import { useLive } from "../core/use.js";
import { Ago, At, Button, Card, confirm, Empty, Facts, failed, Found, Note, toast } from "../parts/basics.js";
import { State } from "../parts/icon.js";
import { Table } from "../parts/table.js";
import { Grants } from "./instance.js";

const nameOf = (path) => path.split("/").at(-1);
const COLUMNS = [
  { id: "state", title: "State", class: "shrink", render: (row) => html`<${State} state=${row.release ?? row.state}/>` },
  { id: "id", title: "Plugin", render: (row) => (row.id ? html`<a class="name" href=${link("plugins", row.id)}>${row.id}</a>` : html`<span class="mono">${nameOf(row.path)}</span>`) },
  { id: "version", title: "Version", class: "shrink", render: (row) => row.version ?? "–" },
  { id: "digest", title: "Digest", class: "from-m shrink", render: (row) => html`<span class="digest" title=${row.digest}>${digestOf(row.digest)}</span>` },
  { id: "signature", title: "Signed", class: "from-xl shrink", render: (row) => (row.signature ? html`<span class="digest" title=${row.signature.trustedComment}>${row.signature.keyId}</span>` : html`<span class="muted">–</span>`) },
  { id: "why", title: "File", class: "from-l grow", render: (row) => html`<span class=${row.reason ? "" : "muted"} title=${row.reason ?? row.path}>${row.reason || row.path}</span>` },
  { id: "instances", title: "Instances", class: "right shrink", render: (row) => row.instances.length },
  { id: "since", title: "Since", class: "from-m right shrink", render: (row) => html`<${Ago} at=${row.sinceAt}/>` },
];

export function Plugins() {
  const folders = useLive((abort) => get("plugins", {}, abort), []);
  const rows = [...plugins.value].sort((a, b) => (`${a.id ?? "~"} ${a.state}` < `${b.id ?? "~"} ${b.state}` ? -1 : 1));
  return html`<div class="page-head"><h1 tabindex="-1">Plugins</h1></div><${Card} label="Plugins">${rows.length === 0
    ? html`<${Empty} icon="plugins" title="No plugin yet"><p>Drop a plugin's <code>.so</code> file into ${folders.value?.folders.map((path) => html` <code>${path}</code>`) ?? "the plugin folder"}. It is looked at and staged
        a moment later, without a restart.</p><//>`
    : html`<${Table} label="Plugin files" columns=${COLUMNS} rows=${rows} keyOf=${(row) => row.path} rowClass=${(row) => (row.state === "active" ? "" : "dim")}/>`}<//>`;
}

const STAGES = { stable: "Nothing is tried.", canary: "One instance tries the newest release.", rolling: "The newest release is on its way to all instances." };

export function Plugin({ id }) {
  const manifest = useLive((abort) => get(pathOf("plugins", id), {}, abort), [id], { on: (event) => event.kind === "plugin" });
  const history = useLive((abort) => get(pathOf("plugins", id, "releases"), {}, abort), [id], { on: (event) => event.kind === "plugin" || event.kind === "state", every_ms: 10000 });
  const users = sorted.value.filter((one) => one.plugin === id);
  return html`<div class="page-head"><div class="title"><nav class="crumbs" aria-label="Path"><a href="#/plugins">Plugins</a><span aria-hidden="true">/</span></nav>
      <h1 tabindex="-1">${manifest.value?.name || id}</h1>${manifest.value?.description && html`<p class="muted">${manifest.value.description}</p>`}</div>
      <div class="actions"><a class="button primary" href=${`#/instances/new?plugin=${encodeURIComponent(id)}`}>New instance</a></div></div>
    <div class="columns wide-left"><div class="stack">
      <${Found} live=${history} what="releases">${(value) => html`<${Releases} id=${id} history=${value} reload=${history.reload}/>`}<//>
      <${Card} title="Instances" aside=${plural(users.length, "instance")}>${users.length === 0 ? html`<${Empty} icon="instances" title="None yet"><p>An instance is this plugin with a configuration.</p><//>`
        : html`<ul class="attention">${users.slice(0, 50).map((one) => html`<li key=${one.name}><div><a href=${link("instances", one.name)}><b>${one.name}</b></a>
          <span class="muted small"> ${one.current?.version ?? ""}</span></div><${State} state=${one.state}/></li>`)}</ul>`}<//></div>
    <div class="stack"><${Found} live=${manifest} what="manifest">${(value) => html`
      <${Card} title="Manifest"><div class="card-body tight"><${Facts} rows=${[["Id", value.id], ["Version", value.version], ["Vendor", value.vendor],
        ["Digest", html`<span class="digest wrap" title=${value.digest}>${value.digest}</span>`], ["Parameters", value.parameters.length], ["Commands", value.commands.map((one) => one.name).join(", ") || "none"],
        ["Listeners", value.listeners.map((one) => `${one.name} (${one.transport})`).join(", ") || "none"], ["Capabilities", value.capabilities.join(", ") || "none"],
        ["State schema", value.stateSchema || null]]}/></div><//>
      <${Card} title="Asks for"><div class="card-body tight"><${Grants} grants=${value.grants}/></div><//>`}<//></div></div>`;
}

function Releases({ id, history, reload }) {
  const act = async (question, what, body) => {
    if (!(await confirm(question))) return;
    try {
      await post(pathOf("plugins", id, what), body);
      toast(what === "rollback" ? `${id} goes back` : `The release is allowed`);
    } catch (problem) {
      failed(problem, what === "rollback" ? "It does not go back" : "Not allowed");
    }
    await loadPlugins().catch(() => {});
    reload();
  };
  const rollback = (release) => act({ title: `Go back to ${release.version}?`, act: "Roll back", danger: true,
    text: `All instances of ${id} get this release, and the one they run now is marked as bad: it is not taken again until it is allowed.` }, "rollback", { digest: release.digest });
  const allow = (release) => act({ title: `Allow ${release.version}?`, act: "Allow", text: `The mark is lifted. When its file is the active one, it is tried again: one instance first.` }, "allow", { digest: release.digest });
  const current = history.releases.find((one) => one.digest === (history.candidate ?? history.stable));
  return html`<${Card} title="Releases" aside=${html`<span>${STAGES[history.stage]}</span>`}>
    ${history.stage === "canary" && html`<div class="card-body"><${Note} state="canary"><b>${history.canary}</b> tries ${current?.version}${history.watchedUntil ? html`, watched until <${At} at=${history.watchedUntil}/>` : ""}.<//></div>`}
    ${history.releases.length === 0 ? html`<${Empty} icon="plugins" title="No release was run yet"><p>The first instance that runs makes the first one.</p><//>`
    : html`<ul class="releases">${history.releases.map((release) => html`<li key=${release.digest}><div>
        <div class="row"><b>${release.version}</b><${State} state=${release.state}/>${release.active && html`<span class="muted small">its file is the active one</span>`}${release.keep && html`<span class="muted small">kept by an operator</span>`}</div>
        <p class="muted small"><span class="digest" title=${release.digest}>${digestOf(release.digest)}</span> · came <${Ago} at=${release.arrivedAt}/> · ${release.instances.length ? `runs in ${plural(release.instances.length, "instance")}` : "runs nowhere"}</p>
        ${release.badReason && html`<p class="wrap">${release.badReason}</p>`}</div>
      <div class="row">${release.state === "bad" && html`<${Button} kind="small" role="admin" onClick=${() => allow(release)}>Allow…<//>`}
        ${["kept", "stable"].includes(release.state) && release.digest !== current?.digest && html`<${Button} kind="small" role="operate" onClick=${() => rollback(release)}>Roll back to this…<//>`}</div></li>`)}</ul>`}<//>`;
}
