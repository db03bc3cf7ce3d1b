// The live log: follows by waiting requests, keeps at most LINES_MAX lines, stays where one reads.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, pathOf } from "../core/api.js";
import { clockOf, countOf } from "../core/format.js";
import { html } from "../core/html.js";
import { route, setQuery } from "../core/router.js";
import { Button, Card, ProblemNote } from "../parts/basics.js";
import { State } from "../parts/icon.js";

const LINES_MAX = 2000;
const FIRST = 500;
const WAIT_MS = 25000;
const RETRY_MS = 2000;
const AT_END_PX = 40;
let serial = 0;

/** Lines of `name` as they come: {lines, problem, older()}. Nothing is asked while `paused` or while the tab is hidden. */
function useLog(name, level, source, paused) {
  const [lines, setLines] = useState([]);
  const [problem, setProblem] = useState(null);
  const place = useRef({});
  useEffect(() => {
    place.current = {};
    setLines([]);
  }, [name, level, source]);
  useEffect(() => {
    if (paused) return undefined;
    const abort = new AbortController();
    let ended = false;
    let timer = 0;
    const ask = async () => {
      if (ended || document.hidden) return;
      const here = place.current;
      try {
        const found = await get(pathOf("instances", name, "logs"), here.next ? { cursor: here.next, waitMs: WAIT_MS, n: LINES_MAX, level, source }
          : { n: FIRST, level, source }, abort.signal);
        if (ended) return;
        here.next = found.next;
        here.before ??= found.before;
        const more = found.lines.map((line) => ({ ...line, key: ++serial }));
        if (found.gap) more.unshift({ key: ++serial, gap: true });
        if (more.length) setLines((was) => [...was, ...more].slice(-LINES_MAX));
        setProblem(null);
        ask();
      } catch (failure) {
        if (failure.name === "AbortError" || ended) return;
        setProblem(failure);
        timer = setTimeout(ask, RETRY_MS);
      }
    };
    const onVisible = () => !document.hidden && ask();
    document.addEventListener("visibilitychange", onVisible);
    ask();
    return () => {
      ended = true;
      abort.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, [name, level, source, paused]);
  const older = async () => {
    if (!place.current.before) return;
    const found = await get(pathOf("instances", name, "logs"), { before: place.current.before, n: FIRST, level, source });
    place.current.before = found.lines.length ? found.before : null;
    setLines((was) => [...found.lines.map((line) => ({ ...line, key: ++serial })), ...was].slice(0, LINES_MAX));
  };
  return { lines, problem, older };
}

function marked(text, words) {
  if (!words) return text;
  const pieces = [];
  const lower = text.toLowerCase();
  let at = 0;
  for (let found = lower.indexOf(words); found >= 0; found = lower.indexOf(words, at)) {
    pieces.push(text.slice(at, found), html`<mark>${text.slice(found, found + words.length)}</mark>`);
    at = found + words.length;
  }
  return [...pieces, text.slice(at)];
}

function Line({ line, words }) {
  if (line.gap) return html`<li class="gap">lines in between were rotated away</li>`;
  return html`<li class=${`level-${line.level}`}><span class="at" title=${`${line.time}, pid ${line.pid}, generation ${line.generation}`}>${
    clockOf(line.time)}.${line.time.slice(20, 23)}</span><${State} plain state=${line.level}/><span class="source">${line.source}</span>
    <span class="words">${marked(line.text, words)}${line.cut ? html`<span class="muted"> …cut</span>` : ""}</span></li>`;
}

export function Log({ name }) {
  const { query } = route.value;
  const level = query.get("level") ?? "";
  const source = query.get("source") ?? "";
  const words = (query.get("q") ?? "").toLowerCase();
  const [paused, setPaused] = useState(false);
  const { lines, problem, older } = useLog(name, level, source, paused);
  const box = useRef(null);
  const [following, setFollowing] = useState(true);
  const shown = words ? lines.filter((line) => line.gap || line.text.toLowerCase().includes(words)) : lines;
  useEffect(() => {
    if (following && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines, following, words]);
  const onScroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = box.current;
    setFollowing(scrollHeight - scrollTop - clientHeight < AT_END_PX);
  };
  return html`<${Card} label="Log"><div class="filters">
      <${Button} icon=${paused ? "play" : "pause"} onClick=${() => setPaused(!paused)} aria-pressed=${paused ? "true" : "false"}>${paused ? "Go on" : "Pause"}<//>
      <label class="row"><span class="muted small">Level</span><select class="select" style=${{ width: "auto" }} onChange=${(event) => setQuery({ level: event.target.value })}>
        ${[["", "all"], ["info", "info and up"], ["warning", "warning and up"], ["error", "error"]].map(([id, text]) => html`<option value=${id} selected=${id === level}>${text}</option>`)}</select></label>
      <label class="row"><span class="muted small">From</span><select class="select" style=${{ width: "auto" }} onChange=${(event) => setQuery({ source: event.target.value })}>
        ${[["", "everywhere"], ["plugin", "plugin"], ["stdout", "stdout"], ["stderr", "stderr"], ["host", "host"]].map(([id, text]) => html`<option value=${id} selected=${id === source}>${text}</option>`)}</select></label>
      <div class="search"><input class="input" style=${{ paddingLeft: "10px" }} type="search" aria-label="Filter lines" placeholder="Filter lines" value=${query.get("q") ?? ""}
        onInput=${(event) => setQuery({ q: event.target.value })}/></div>
      <span class="muted small" role="status">${paused ? "paused" : problem ? "trying again" : "live"}, ${words ? `${countOf(shown.length)} of ` : ""}${countOf(lines.length)} lines</span>
      ${!following && html`<${Button} kind="small" onClick=${() => setFollowing(true)}>To the end<//>`}
    </div>
    <${ProblemNote} problem=${problem}/>
    <div class="log" ref=${box} onScroll=${onScroll} tabindex="0" role="log" aria-live="off" aria-label=${`Log of ${name}`}><ol>
      ${lines.length >= FIRST && !words && html`<li class="gap"><${Button} kind="small" onClick=${older}>Older lines<//></li>`}
      ${shown.length === 0 && html`<li class="gap">${lines.length ? "No line has these words." : level || source ? "No such line yet." : "Nothing was logged yet. Lines come here as the plugin writes them."}</li>`}
      ${shown.map((line) => html`<${Line} key=${line.key} line=${line} words=${words}/>`)}
    </ol></div><//>`;
}
