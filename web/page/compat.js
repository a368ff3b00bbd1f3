// The view library's names, and those that it lacks.

import { useLayoutEffect, useRef, useState } from "./vendor/htm-preact.js";

export { Component, createContext, html, render, useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/htm-preact.js";

let last = 0;

/** A name for an element that others point to; the given one, if any. */
export function useId(given) {
  const [own] = useState(() => `i${++last}`);
  return given || own;
}

/** How wide an element is, in whole pixels; what is assumed until it is shown. */
export function useWidth(assumed) {
  const element = useRef(null);
  const [width, set] = useState(assumed);
  useLayoutEffect(() => {
    const watch = new ResizeObserver(([entry]) => set(Math.max(200, Math.round(entry.contentRect.width))));
    watch.observe(element.current);
    return () => watch.disconnect();
  }, []);
  return [element, width];
}
