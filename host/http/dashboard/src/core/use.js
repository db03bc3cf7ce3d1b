// Hooks of the views: what is read from the API and read again when an event says so.
import { useEffect, useRef, useState } from "preact/hooks";
import { onEvent } from "./live.js";

const AGAIN_MS = 250; // events of so long are one reading

/**
 * What `read(abort)` gives: {value, problem, reload, pending}. Read when `deps` change, when an event fits (`on(event)`), when
 * the connection came back, and every `every_ms`. An older answer never replaces a newer one.
 */
export function useLive(read, deps, { on = () => false, every_ms = 0 } = {}) {
  const [found, setFound] = useState({ value: undefined, problem: null, pending: true });
  const latest = useRef({});
  latest.current.on = on;
  useEffect(() => {
    let abort = null;
    let timer = 0;
    const load = async () => {
      abort?.abort();
      const mine = (abort = new AbortController());
      setFound((was) => ({ ...was, pending: true }));
      try {
        const value = await read(mine.signal);
        if (abort === mine) setFound({ value, problem: null, pending: false });
      } catch (problem) {
        if (problem.name === "AbortError" || abort !== mine) return;
        setFound((was) => ({ value: problem.status === 0 ? was.value : undefined, problem, pending: false }));
      }
    };
    latest.current.load = load;
    setFound({ value: undefined, problem: null, pending: true });
    load();
    const again = () => {
      timer ||= setTimeout(() => {
        timer = 0;
        if (!document.hidden) load();
      }, AGAIN_MS);
    };
    const end = onEvent((event) => {
      if (event.kind === "resync" || latest.current.on(event)) again();
    });
    const ticking = every_ms ? setInterval(() => document.hidden || load(), every_ms) : 0;
    return () => {
      abort?.abort();
      abort = null;
      clearTimeout(timer);
      clearInterval(ticking);
      end();
    };
  }, deps);
  return { ...found, reload: () => latest.current.load?.() };
}

/** An act under way: {busy, problem, run(async act)}; run gives what the act gave, or undefined where it failed. */
export function useAct() {
  const [state, setState] = useState({ busy: false, problem: null });
  const run = async (act) => {
    setState({ busy: true, problem: null });
    try {
      const value = await act();
      setState({ busy: false, problem: null });
      return value ?? true;
    } catch (problem) {
      setState({ busy: false, problem });
      return undefined;
    }
  };
  return { ...state, run, clear: () => setState({ busy: false, problem: null }) };
}
