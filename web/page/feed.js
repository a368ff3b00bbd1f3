// What a view shows: read once, then kept up to date by a stream or by asking again.

import { useCallback, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { Problem, read } from "./calls.js";
import { listening, isListening, onTurn, wait } from "./pulse.js";
import { listen } from "./stream.js";

const AGAIN = [1, 2, 4, 5]; // seconds before each try; then the last of them
const FINAL = new Set([403, 404, 422]);
const NOTHING = { data: null, problem: null, heardAt: 0 };

/**
 * The view's own source: `{data, problem, heardAt, isLive, isEnded, reload}`. It begins with a GET, so that what is shown
 * is right at once, and goes on with the stream below it. `also(name, value)` hears the other events.
 */
export function useStream(parts, name, also) {
  const [view, set] = useState({ data: null, problem: null, heardAt: 0, isLive: false, isEnded: false });
  const [round, again] = useState(0);
  const other = useRef(also);
  other.current = also;
  const key = parts.join("/");

  useEffect(() => {
    const stop = new AbortController();
    const change = (more) => stop.signal.aborted || set((old) => ({ ...old, ...more }));
    follow(parts, name, stop.signal, change, (event, value) => other.current?.(event, value));
    return () => stop.abort();
  }, [key, round]);

  return { ...view, reload: useCallback(() => again((n) => n + 1), []) };
}

async function follow(parts, name, signal, change, tell) {
  for (let failed = 0, isFirst = true; !signal.aborted; isFirst = false) {
    if (!isFirst) await listening(signal); // whoever opens a view sees it once, also while live updates are off
    const turned = new AbortController();
    const unhear = onTurn(() => isListening() || turned.abort());
    try {
      const both = AbortSignal.any([signal, turned.signal]);
      const data = await read(parts, {}, isFirst ? signal : both);
      change({ data, problem: null, heardAt: Date.now(), isLive: true, isEnded: false });
      if (!isListening()) continue;
      let isEnded = false;
      const stream = parts[0] === "overview" ? ["stream"] : [...parts, "stream"];
      await listen(stream, {
        signal: both,
        hear: (event, value) => {
          failed = 0;
          if (event === "end") isEnded = true;
          else if (event === "problem") change({ problem: new Problem(value.status, "No news", value.detail), isLive: false });
          else change({ heardAt: Date.now(), isLive: true, problem: null, ...(event === name ? { data: value } : {}) });
          if (event !== name && event !== "end") tell(event, value);
        },
      });
      if (isEnded) {
        change({ data: await read(parts, {}, signal), heardAt: Date.now(), isEnded: true, isLive: true });
        tell("end", null);
        return;
      }
    } catch (problem) {
      if (signal.aborted) return;
      if (!turned.signal.aborted) {
        change({ problem, isLive: false });
        if (FINAL.has(problem.status) || problem.status === 401) return;
      }
    } finally {
      unhear();
    }
    if (!turned.signal.aborted) await wait(1000 * AGAIN[Math.min(failed++, AGAIN.length - 1)], signal);
  }
}

/** A part of a view: read, and read again every so many seconds (0: only when asked) while the page listens. */
export function usePolled(parts, query = {}, seconds = 0) {
  const [view, set] = useState(NOTHING);
  const [round, again] = useState(0);
  const key = parts && JSON.stringify([parts, query]);

  useEffect(() => {
    if (!parts) return undefined;
    const stop = new AbortController();
    (async () => {
      for (let isFirst = true, next = seconds; !stop.signal.aborted; isFirst = false) {
        if (!isFirst) await listening(stop.signal);
        next = seconds;
        try {
          const data = await read(parts, query, stop.signal);
          if (!stop.signal.aborted) set({ key, data, problem: null, heardAt: Date.now() });
        } catch (problem) {
          if (stop.signal.aborted) return;
          set((old) => ({ ...(old.key === key ? old : NOTHING), key, problem }));
          next = Math.min(seconds, 5);
          if (problem.status === 401 || (FINAL.has(problem.status) && !seconds)) return;
        }
        if (!seconds || !(await wait(next * 1000, stop.signal))) return;
      }
    })();
    return () => stop.abort();
  }, [key, seconds, round]);

  return { ...(view.key === key ? view : NOTHING), reload: useCallback(() => again((n) => n + 1), []) };
}
