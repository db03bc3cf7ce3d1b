// Commands of an instance's plugin: chosen, filled in, run, with the result beside.
import { useState } from "preact/hooks";
import { get, pathOf, post } from "../core/api.js";
import { readable } from "../core/format.js";
import { html } from "../core/html.js";
import { useAct, useLive } from "../core/use.js";
import { Button, Card, Empty, Found, Note, ProblemNote } from "../parts/basics.js";
import { Select, Text } from "../parts/form.js";

export function Commands({ name }) {
  const live = useLive((abort) => get(pathOf("instances", name, "commands"), {}, abort), [name], { on: (event) => event.kind === "plugin" });
  return html`<${Found} live=${live} what="commands">${({ commands }) => commands.length === 0
    ? html`<${Card}><${Empty} icon="play" title="Its plugin has no commands"><p>A plugin that has some names them in its manifest, under <code>commands</code>.</p><//><//>`
    : html`<${Run} name=${name} commands=${commands}/>`}<//>`;
}

function Run({ name, commands }) {
  const [chosen, setChosen] = useState(commands[0].name);
  const [values, setValues] = useState({});
  const [result, setResult] = useState(null);
  const running = useAct();
  const command = commands.find((one) => one.name === chosen) ?? commands[0];
  const choose = (id) => {
    setChosen(id);
    setValues({});
    setResult(null);
    running.clear();
  };
  const run = async (event) => {
    event.preventDefault();
    setResult(null);
    const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
    const answer = await running.run(() => post(pathOf("instances", name, "execute"), { command: command.name, arguments: given }));
    if (answer) setResult(answer);
  };
  return html`<div class="columns two"><${Card} title="Run a command"><form class="card-body stack" onSubmit=${run} novalidate>
      <${Select} label="Command" value=${command.name} options=${commands.map((one) => one.name)} onInput=${choose} help=${command.description}/>
      ${command.arguments.map((argument) => {
        const common = { key: `${command.name}.${argument.name}`, label: argument.name, required: argument.required, value: values[argument.name] ?? "",
          help: `${argument.description ?? ""}${argument.isArray ? " (a list: a, b)" : ""}`,
          onInput: (value) => setValues((was) => ({ ...was, [argument.name]: value })) };
        if (argument.options) return html`<${Select} ...${common} options=${[["", argument.default === undefined ? "–" : `${readable(argument.default)} (default)`], ...argument.options]}/>`;
        return html`<${Text} ...${common} type=${argument.secret ? "password" : "text"} placeholder=${argument.default === undefined ? "" : readable(argument.default)}/>`;
      })}
      <div class="row"><${Button} kind="primary" type="submit" role="operate" icon="play" busy=${running.busy}>Run<//>
        ${running.busy && html`<span class="muted" role="status">The plugin works…</span>`}</div></form><//>
    <${Card} title="Result"><div class="card-body stack" aria-live="polite">
      ${running.problem && html`<${ProblemNote} problem=${running.problem} title="It failed"/>`}
      ${result && (result.said ? html`<pre class="words" tabindex="0" aria-label="Result">${shown(result.result)}</pre>` : html`<${Note} tone="ok" state="healthy">Done. It said nothing.<//>`)}
      ${!result && !running.problem && html`<p class="muted">What the command gives stands here.</p>`}</div><//></div>`;
}

// XSOAR's form of results: the readable part first.
function shown(result) {
  if (typeof result === "string") return result;
  const parts = (Array.isArray(result) ? result : [result]).map((one) => one?.HumanReadable || one?.Contents || one);
  return parts.map(readable).join("\n\n");
}
