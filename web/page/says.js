// What the page says: to everybody in a line below the header, and to a screen reader.

import { html, useEffect, useState } from "./compat.js";

const news = new EventTarget();

/** Show a sentence until it is closed or the next one comes. */
export const say = (text) => news.dispatchEvent(new CustomEvent("said", { detail: { text, isSeen: true } }));

/** Only spoken: changes of state, never numbers. */
export const speak = (text) => news.dispatchEvent(new CustomEvent("said", { detail: { text, isSeen: false } }));

export function Says() {
  const [spoken, setSpoken] = useState("");
  const [shown, setShown] = useState("");
  useEffect(() => {
    const heard = ({ detail }) => (setSpoken(detail.text), detail.isSeen && setShown(detail.text));
    news.addEventListener("said", heard);
    return () => news.removeEventListener("said", heard);
  }, []);
  useEffect(() => {
    const gone = () => setShown("");
    addEventListener("hashchange", gone);
    return () => removeEventListener("hashchange", gone);
  }, []);
  return html`<div class="unseen" role="status" aria-live="polite">${spoken}</div>
    ${shown && html`<div class="toast"><span>${shown}</span>
      <button type="button" class="small" onClick=${() => setShown("")} aria-label="Close this message">Close</button></div>`}`;
}
