// Calls to the API. Whatever goes wrong ends as a Problem with a sentence for people.

const BASE = new URL("api/v1/backfill/", document.baseURI);
const SECONDS = 20; // reading is a matter of milliseconds
const CHANGING_SECONDS = 75; // the server gives itself a minute for what grows with a job

export class Problem extends Error {
  constructor(status, title, detail, more = {}) {
    super(detail || title);
    this.status = status;
    this.title = title;
    this.allowed = more.allowed;
    this.errors = more.errors;
  }
}

/** Told of every answer that says that nobody is signed in. */
export const signedOut = new EventTarget();

/** The address of a path below the API; each part is data, and is escaped. */
export function address(parts, query = {}) {
  const url = new URL(parts.map((part) => encodeURIComponent(part)).join("/"), BASE);
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) {
      if (one !== null && one !== undefined && one !== "") url.searchParams.append(name, one);
    }
  }
  return url;
}

export async function problem(answer) {
  let body = {};
  try {
    body = await answer.json();
  } catch {
    // a proxy's page of HTML says no more than its status
  }
  if (answer.status === 401) signedOut.dispatchEvent(new Event("out"));
  const title = text(body.title) || `The server answered ${answer.status} ${answer.statusText}`.trim();
  return new Problem(answer.status, title, text(body.detail) || details(body.errors), body);
}

/** A call that is given up after a while; its JSON, or null where there is none. */
export async function call(method, parts, { query, body, headers = {}, signal } = {}) {
  const seconds = method === "GET" ? SECONDS : CHANGING_SECONDS;
  const late = AbortSignal.timeout(seconds * 1000);
  let answer;
  try {
    answer = await fetch(address(parts, query), {
      method,
      headers: body === undefined ? headers : { "Content-Type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, late]) : late,
      credentials: "same-origin",
      cache: "no-store",
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unreachable(error, seconds);
  }
  if (!answer.ok) throw await problem(answer);
  if (answer.status === 204) return null;
  try {
    return await answer.json();
  } catch {
    throw new Problem(answer.status, "The server's answer cannot be read", "It was cut off; try again.");
  }
}

export const read = (parts, query, signal) => call("GET", parts, { query, signal });

export function unreachable(error, seconds = SECONDS) {
  const late = error?.name === "TimeoutError";
  const detail = late
    ? `The server has not answered for ${seconds} s; is its database overloaded?`
    : "The server cannot be reached; is backfill serve running?";
  return new Problem(0, late ? "No answer" : "No connection", detail);
}

function text(value) {
  return typeof value === "string" ? value : "";
}

function details(errors) {
  if (!Array.isArray(errors)) return "";
  return errors.map((one) => [(one.loc || []).slice(1).join("."), text(one.msg ?? one)].filter(Boolean).join(": ")).join("; ");
}
