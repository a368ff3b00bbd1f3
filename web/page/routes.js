// Which view: by the part of the address behind #, so that any server can serve the page.

import { useEffect, useState } from "./vendor/htm-preact.js";

const VIEWS = new Set(["start", "workers", "dead"]);

export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").filter(Boolean).map(decoded);
  const given = Object.fromEntries(new URLSearchParams(query));
  if (!parts.length) return { view: "overview", given };
  if (parts[0] === "jobs" && parts.length === 2) return { view: "job", job: parts[1], given };
  if (parts[0] === "monitor" && parts.length <= 2) return { view: "monitor", name: parts[1], given };
  if (VIEWS.has(parts[0]) && parts.length === 1) return { view: parts[0], given };
  return { view: "unknown", given };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function useRoute() {
  const [route, set] = useState(parse(location.hash));
  useEffect(() => {
    const changed = () => set(parse(location.hash));
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}

export const to = (...parts) => `#/${parts.map(encodeURIComponent).join("/")}`;

export const go = (...parts) => {
  location.hash = to(...parts);
};
