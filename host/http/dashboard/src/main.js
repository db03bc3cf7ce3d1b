// The operator's page. Shell and views draw what the store has; live.js keeps the store.
import { render } from "preact";
import { html } from "./core/html.js";
import { start } from "./core/live.js";
import { Shell } from "./views/shell.js";
import "./styles/app.css";

render(html`<${Shell}/>`, document.getElementById("app"));
start();
