// The form of an instance's parameters, and of a new instance: made from the manifest, checked by the daemon, faults beside
// the fields.
import { useEffect, useRef, useState } from "preact/hooks";
import { api, get, pathOf } from "../core/api.js";
import { countOf } from "../core/format.js";
import { html } from "../core/html.js";
import { touch } from "../core/live.js";
import { go, route } from "../core/router.js";
import { instances, may, plugins } from "../core/store.js";
import { useAct, useLive } from "../core/use.js";
import { Button, Card, Dialog, Empty, Found, Note, ProblemNote, toast } from "../parts/basics.js";
import { faultsOf, isSecret, ParameterFields, Select, Text } from "../parts/form.js";

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** The first field with a fault gets the focus: what is wrong is read at once. */
function useFocusOnFault(faults, box) {
  useEffect(() => {
    if (Object.keys(faults).length === 0) return;
    box.current?.querySelector("[data-invalid] input, [data-invalid] select, [data-invalid] textarea, .note.bad")?.focus();
  }, [faults]);
}
function General({ faults }) {
  return faults[""] ? html`<div class="note bad" role="alert" tabindex="-1"><div>${faults[""].map((fault) => html`<p>${fault}</p>`)}</div></div>` : null;
}
function Summary({ faults }) {
  const count = Object.values(faults).reduce((sum, list) => sum + list.length, 0);
  return count > 0 ? html`<span class="fault-count" role="alert">${count === 1 ? "One value is not right." : `${countOf(count)} values are not right.`} Nothing was changed.</span>` : null;
}

export function Parameters({ instance, reload }) {
  const live = useLive((abort) => get(pathOf("plugins", instance.plugin), {}, abort), [instance.plugin], { on: (event) => event.kind === "plugin" });
  return html`<${Found} live=${live} what="manifest">${(manifest) => manifest.parameters.filter((one) => !one.hidden).length === 0
    ? html`<${Card}><${Empty} icon="check" title="Nothing to set"><p>${manifest.name ?? manifest.id} has no parameters.</p><//><//>`
    : html`<${Form} key=${instance.name} instance=${instance} manifest=${manifest} reload=${reload}/>`}<//>`;
}

function Form({ instance, manifest, reload }) {
  const stored = instance.config?.parameters ?? {};
  const [changes, setChanges] = useState({});
  const [faults, setFaults] = useState({});
  const [secret, setSecret] = useState(null);
  const saving = useAct();
  const box = useRef(null);
  useFocusOnFault(faults, box);
  const by_file = instance.owner === "file";
  const disabled = by_file || !may("admin");
  const values = { ...stored, ...changes };
  const dirty = Object.keys(changes).length > 0;
  const change = (name, value) => {
    setChanges((was) => {
      const next = { ...was, [name]: value };
      if (same(value, stored[name])) delete next[name];
      return next;
    });
    setFaults(({ [name]: _, ...rest }) => rest);
  };
  const save = async (event) => {
    event.preventDefault();
    const body = Object.fromEntries(Object.entries(changes).map(([name, value]) => [name, value ?? null]));
    try {
      saving.clear();
      const done = await saving.run(async () => {
        try {
          return await api("PATCH", pathOf("instances", instance.name, "parameters"), { body });
        } catch (problem) {
          setFaults(faultsOf(problem, manifest.parameters));
          throw problem;
        }
      });
      if (!done) return;
    } finally {
      touch(instance.name);
    }
    setChanges({});
    setFaults({});
    toast(`${instance.name} has its new parameters`);
    reload();
  };
  return html`<${Card} label="Parameters"><div class="card-body stack">
    ${by_file ? html`<${Note} state="info">The file <code>${instance.source}</code> manages this instance: change it there, and it is taken up by itself.<//>`
      : !may("admin") && html`<${Note} state="info">Changing parameters wants the role admin.<//>`}
    <form class="form" ref=${box} onSubmit=${save} novalidate><${General} faults=${faults}/>
      <${ParameterFields} parameters=${manifest.parameters} values=${values} faults=${faults} onChange=${change} disabled=${disabled}
        secret=${(parameter) => html`<${SecretRow} parameter=${parameter} value=${stored[parameter.name]} disabled=${disabled} onSet=${() => setSecret(parameter)}/>`}/>
      ${!disabled && html`<div class="form-end"><${Button} kind="primary" type="submit" busy=${saving.busy} disabled=${!dirty}>Save and restart<//>
        <${Button} disabled=${!dirty} onClick=${() => (setChanges({}), setFaults({}))}>Discard<//>
        ${Object.keys(faults).length > 0 ? html`<${Summary} faults=${faults}/>` : html`<span class="muted small">${dirty ? "A new worker takes over with these values." : "No changes."}</span>`}</div>`}
    </form></div>
    ${secret && html`<${SecretDialog} instance=${instance} parameter=${secret} onClose=${() => (setSecret(null), reload())}/>`}<//>`;
}

function SecretRow({ parameter, value, disabled, onSet }) {
  const secret = parameter.type === "authentication" ? value?.password : value;
  const state = secret === undefined ? "not set" : secret?.set ? "set, encrypted" : String(secret);
  return html`<div class="row" role="group" aria-label=${parameter.display || parameter.name}><span class=${secret === undefined ? "muted" : "mono"}>${state}</span>
    <${Button} kind="small" icon="lock" disabled=${disabled} onClick=${onSet}>${secret === undefined ? "Set…" : "Replace…"}<//></div>`;
}

function SecretDialog({ instance, parameter, onClose }) {
  const [value, setValue] = useState("");
  const saving = useAct();
  const save = async (event) => {
    event.preventDefault();
    const done = await saving.run(() => api("PUT", pathOf("instances", instance.name, "secrets", parameter.name), { body: { value } }));
    if (!done) return;
    toast(`${parameter.display || parameter.name} is set`);
    onClose();
  };
  return html`<${Dialog} title=${`Set ${parameter.display || parameter.name}`} onClose=${onClose}><form class="stack" onSubmit=${save}>
    <${Text} label="Value" type="password" value=${value} onInput=${setValue} help="It is encrypted where it is kept, and never shown again."/>
    <${ProblemNote} problem=${saving.problem}/>
    <footer><${Button} kind="primary" type="submit" busy=${saving.busy} disabled=${!value}>Set<//></footer></form><//>`;
}

export function NewInstance() {
  const ids = [...new Set(plugins.value.filter((one) => one.state === "active").map((one) => one.id))].sort();
  const wanted = route.value.query.get("plugin");
  const [plugin, setPlugin] = useState(ids.includes(wanted) ? wanted : ids[0]);
  return html`<div class="page-head"><div class="title"><nav class="crumbs" aria-label="Path"><a href="#/instances">Instances</a><span aria-hidden="true">/</span></nav><h1 tabindex="-1">New instance</h1></div></div>
    <${Card} label="New instance">${ids.length === 0
      ? html`<${Empty} icon="plugins" title="No plugin yet"><p>Drop a plugin's <code>.so</code> file into the plugin folder; it stands here a moment later.</p><a href="#/plugins">Plugins</a><//>`
      : !may("admin") ? html`<${Empty} icon="lock" title="This wants the role admin"><p>Ask somebody who has it.</p><//>`
      : html`<div class="card-body"><${NewForm} key=${plugin} plugin=${plugin} ids=${ids} onPlugin=${setPlugin}/></div>`}<//>`;
}

function NewForm({ plugin, ids, onPlugin }) {
  const live = useLive((abort) => get(pathOf("plugins", plugin), {}, abort), [plugin]);
  const [name, setName] = useState("");
  const [values, setValues] = useState({});
  const [faults, setFaults] = useState({});
  const saving = useAct();
  const box = useRef(null);
  useFocusOnFault(faults, box);
  const make = async (event) => {
    event.preventDefault();
    if (!name.trim()) return setFaults({ "/name": ["An instance wants a name: letters, digits, - _ ."] });
    if (instances.value.has(name)) return setFaults({ "/name": [`There is an instance ${name} already.`] });
    const parameters = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
    const text = JSON.stringify({ instances: [{ name, plugin, parameters }] });
    const done = await saving.run(async () => {
      try {
        return await api("POST", "apply", { text, query: { file: "dashboard" } });
      } catch (problem) {
        const found = faultsOf(problem, live.value.parameters);
        const named = (problem.body.plan?.problems ?? []).filter((row) => /\/instances\/0\/name$/.test(row.pointer ?? ""));
        if (named.length) {
          found["/name"] = named.map((row) => row.message);
          found[""] = (found[""] ?? []).filter((message) => !found["/name"].includes(message));
          if (found[""].length === 0) delete found[""];
        }
        setFaults(found);
        throw problem;
      }
    });
    if (!done) return;
    touch(name);
    toast(`${name} is made`);
    go("instances", name);
  };
  return html`<form class="form" ref=${box} onSubmit=${make} novalidate><${General} faults=${faults}/>
    <fieldset><${Select} label="Plugin" value=${plugin} options=${ids} onInput=${onPlugin} help=${live.value?.description}/>
      <${Text} label="Name" required value=${name} onInput=${(value) => (setName(value), setFaults(({ "/name": _, ...rest }) => rest))} faults=${faults["/name"]}
        help="What it is called everywhere; it cannot be changed later."/></fieldset>
    <${Found} live=${live} what="manifest">${(manifest) => html`
      <${ParameterFields} parameters=${manifest.parameters} values=${values} faults=${faults}
        onChange=${(key, value) => (setValues((was) => ({ ...was, [key]: value })), setFaults(({ [key]: _, ...rest }) => rest))}
        secret=${(parameter) => html`<p class="muted">${isSecret(parameter) ? "A secret: it is set once the instance is there." : ""}</p>`}/>`}<//>
    <div class="form-end"><${Button} kind="primary" type="submit" busy=${saving.busy}>Make and enable<//><a class="button" href="#/instances">Cancel</a><${Summary} faults=${faults}/></div></form>`;
}
