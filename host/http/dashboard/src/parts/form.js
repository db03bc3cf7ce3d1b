// Forms from manifests: one field a parameter, by its type; faults stand beside the fields. Secrets are never shown.
import { useId } from "preact/hooks";
import { html } from "../core/html.js";
import { Shape } from "./icon.js";

export const SECRET_TYPES = new Set(["encrypted", "encryptedLongText"]);
export const isSecret = (parameter) => parameter.secret || SECRET_TYPES.has(parameter.type) || parameter.type === "authentication";

/** A label, a control, its help and its faults, wired for readers. control(ids) gives the control. */
export function Field({ label, required, help, faults = [], control, group }) {
  const id = useId();
  const described = [help && `${id}-help`, faults.length > 0 && `${id}-fault`].filter(Boolean).join(" ") || undefined;
  const attributes = { id, "aria-describedby": described, "aria-invalid": faults.length > 0 ? "true" : undefined,
    "aria-required": required ? "true" : undefined };
  const name = html`${label}${required && html` <span class="required">required</span>`}`;
  return html`<div class="field" data-invalid=${faults.length > 0 ? "" : undefined}>
    ${group ? html`<span class="label" id=${`${id}-label`}>${name}</span>` : html`<label for=${id}>${name}</label>`}
    ${control(attributes, id)}
    ${help && html`<p class="help" id=${`${id}-help`}>${help}</p>`}
    ${faults.length > 0 && html`<div id=${`${id}-fault`}>${faults.map((fault) => html`<p class="fault"><${Shape} state="error"/>${fault}</p>`)}</div>`}
  </div>`;
}

export function Text({ label, value, onInput, type = "text", ...rest }) {
  const { required, help, faults, ...more } = rest;
  return html`<${Field} label=${label} required=${required} help=${help} faults=${faults} control=${(attributes) => html`<input class="input" type=${type}
    value=${value} onInput=${(event) => onInput(event.target.value)} autocomplete="off" spellcheck=${false} ...${attributes} ...${more}/>`}/>`;
}
export function Select({ label, value, options, onInput, ...rest }) {
  const { required, help, faults, ...more } = rest;
  return html`<${Field} label=${label} required=${required} help=${help} faults=${faults} control=${(attributes) => html`<select class="select"
    value=${value} onChange=${(event) => onInput(event.target.value)} ...${attributes} ...${more}>${options.map((option) => {
      const [id, text] = Array.isArray(option) ? option : [option, option];
      return html`<option value=${id} selected=${id === value}>${text}</option>`;
    })}</select>`}/>`;
}

const shown = (value) => (value === undefined || value === null ? "" : typeof value === "string" ? value : JSON.stringify(value));

function Control({ parameter, value, onInput, attributes, disabled, id }) {
  const { type } = parameter;
  const placeholder = parameter.default === undefined ? "" : `${shown(parameter.default)}`;
  const common = { ...attributes, disabled, autocomplete: "off", spellcheck: false };
  const take = (event) => onInput(event.target.value === "" ? undefined : event.target.value);
  if (type === "boolean") {
    const on = value ?? parameter.default ?? false;
    return html`<span class="check-row"><input type="checkbox" ...${attributes} disabled=${disabled} checked=${on === true}
      onChange=${(event) => onInput(event.target.checked)}/><span class="muted small">${on === true ? "Yes" : "No"}</span></span>`;
  }
  if (type === "singleSelect") {
    return html`<select class="select" ...${attributes} disabled=${disabled} onChange=${take}>
      <option value="" selected=${value === undefined}>${placeholder ? `${placeholder} (default)` : "–"}</option>
      ${(parameter.options ?? []).map((option) => html`<option value=${option} selected=${option === value}>${option}</option>`)}
      ${value !== undefined && !(parameter.options ?? []).includes(value) && html`<option value=${value} selected>${shown(value)}</option>`}</select>`;
  }
  if (type === "multiSelect") {
    const chosen = Array.isArray(value) ? value : Array.isArray(parameter.default) && value === undefined ? parameter.default : [];
    return html`<div class="checks" role="group" aria-labelledby=${`${id}-label`} aria-describedby=${attributes["aria-describedby"]} tabindex="0">
      ${(parameter.options ?? []).map((option) => html`<label><input type="checkbox" disabled=${disabled} checked=${chosen.includes(option)}
        onChange=${(event) => onInput(event.target.checked ? [...chosen, option] : chosen.filter((one) => one !== option))}/>${option}</label>`)}</div>`;
  }
  if (type === "longText") {
    return html`<textarea class="area-input mono" rows="5" ...${common} placeholder=${placeholder} value=${shown(value)} onInput=${take}></textarea>`;
  }
  return html`<input class=${`input${type === "address" || type === "interval" ? " mono" : ""}`} type="text" inputmode=${type === "number" ? "decimal" : undefined}
    ...${common} placeholder=${placeholder} value=${shown(value)} onInput=${take}/>`;
}

/** What is sent for a text in a field of numbers: the number, or the text for the daemon to refuse with its own words. */
export function valueOf(parameter, value) {
  if (parameter.type !== "number" || typeof value !== "string") return value;
  const number = Number(value.trim());
  return value.trim() !== "" && Number.isFinite(number) ? number : value;
}

/**
 * parameters: the manifest's; values: name -> value (without: the default counts); faults: name -> sentences;
 * secret(parameter): what stands in place of a secret's control.
 */
export function ParameterFields({ parameters, values, faults, onChange, disabled, secret }) {
  const sections = new Map();
  for (const parameter of parameters) {
    if (parameter.hidden) continue;
    const name = parameter.section ?? "";
    if (!sections.has(name)) sections.set(name, []);
    sections.get(name).push(parameter);
  }
  const field = (parameter) => {
    const { name } = parameter;
    const group = parameter.type === "multiSelect" || isSecret(parameter);
    return html`<${Field} key=${name} label=${parameter.display || name} required=${parameter.required} help=${parameter.help} faults=${faults[name]}
      group=${group} control=${(attributes, id) => isSecret(parameter) ? secret(parameter, attributes, id)
        : html`<${Control} parameter=${parameter} value=${values[name]} attributes=${attributes} id=${id} disabled=${disabled}
            onInput=${(value) => onChange(name, valueOf(parameter, value))}/>`}/>`;
  };
  return html`${[...sections].map(([name, list]) => {
    const advanced = list.filter((parameter) => parameter.advanced);
    return html`<fieldset key=${name}>${name ? html`<legend>${name}</legend>` : sections.size > 1 && html`<legend>General</legend>`}
      ${list.filter((parameter) => !parameter.advanced).map(field)}
      ${advanced.length > 0 && html`<details open=${advanced.some(({ name: one }) => faults[one])}><summary>Advanced (${advanced.length})</summary>
        <fieldset aria-label=${`${name} advanced`}>${advanced.map(field)}</fieldset></details>`}</fieldset>`;
  })}`;
}

/** Faults of a plan by parameter; those of nothing that has a field are under "". */
export function faultsOf(problem, parameters) {
  const faults = {};
  const known = new Set(parameters.filter((one) => !one.hidden).map((one) => one.name));
  const rows = problem.body.plan?.problems ?? [];
  for (const row of rows) {
    const name = /\/parameters\/([^/]+)/.exec(row.pointer ?? "")?.[1]?.replaceAll("~1", "/").replaceAll("~0", "~");
    (faults[known.has(name) ? name : ""] ??= []).push(row.message);
  }
  if (rows.length === 0) {
    const name = problem.body.field?.split("/").at(-1);
    (faults[known.has(name) ? name : ""] ??= []).push(problem.hint ? `${problem.message} (${problem.hint})` : problem.message);
  }
  return faults;
}
