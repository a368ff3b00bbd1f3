// Server-sent events, read with fetch: EventSource hides the status of a refusal, and the keep-alive comments that tell
// a quiet server from a dead one.

import { address, Problem, problem, unreachable } from "./calls.js";

const SILENCE = 20_000; // the server sends at least a comment every 15 s

/** Calls `hear(name, data)` for each event; ends with the stream, raises a Problem. */
export async function listen(parts, { hear, signal }) {
  const stop = new AbortController();
  const ended = () => stop.abort();
  signal.addEventListener("abort", ended);
  let timer = setTimeout(ended, SILENCE);
  try {
    const answer = await fetch(address(parts), {
      headers: { Accept: "text/event-stream" },
      signal: stop.signal,
      credentials: "same-origin",
      cache: "no-store",
    });
    if (!answer.ok) throw await problem(answer);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(ended, SILENCE);
      const blocks = (rest + value).split(/\r?\n\r?\n/);
      rest = blocks.pop();
      for (const block of blocks) tell(block, hear);
    }
  } catch (error) {
    if (error instanceof Problem || signal.aborted) throw error;
    throw stop.signal.aborted ? new Problem(0, "No news", "The server has sent nothing for 20 s.") : unreachable(error);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", ended);
    stop.abort();
  }
}

function tell(block, hear) {
  let name = "message";
  const data = [];
  for (const line of block.split(/\r?\n/)) {
    if (line.startsWith("event:")) name = line.slice(6).trim();
    if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
  }
  if (!data.length && name === "message") return; // a comment
  let value = null;
  try {
    value = JSON.parse(data.join("\n") || "null");
  } catch {
    return; // what cannot be read is as good as not sent: the next one comes
  }
  hear(name, value);
}
