// Questions before something is done.

import { html, useLayoutEffect, useId, useRef, useState } from "./compat.js";
import { Field, Trouble } from "./parts.js";

/**
 * A modal question. `act` is called with what was filled in and may raise a Problem, which is shown; the dialog closes
 * once it is done. `typed`: a word that has to be typed first; `reason`: whether one is asked for, "needed" or "asked".
 */
function Question({ title, verb, isDangerous, reason, typed, act, close, children }) {
  const box = useRef(null);
  const heading = useId();
  const [why, setWhy] = useState("");
  const [word, setWord] = useState("");
  const [problem, setProblem] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const opener = useRef(document.activeElement);
  useLayoutEffect(() => {
    const shown = box.current;
    shown.showModal();
    return () => {
      shown.close(); // while it is open nothing else can have the focus
      if (opener.current?.isConnected) opener.current.focus();
      else document.querySelector("main h1")?.focus(); // the button went with what was done
    };
  }, []);

  const isReady = (reason !== "needed" || why.trim()) && (!typed || word === typed) && !isBusy;
  const submit = async (event) => {
    event.preventDefault();
    if (!isReady) return;
    setBusy(true);
    setProblem(null);
    try {
      await act(why.trim());
      close();
    } catch (error) {
      setProblem(error);
      setBusy(false);
    }
  };
  return html`<dialog ref=${box} aria-labelledby=${heading} onCancel=${(event) => (event.preventDefault(), isBusy || close())}>
    <form onSubmit=${submit}>
      <h2 id=${heading}>${title}</h2>
      ${children}
      ${reason && html`<${Field} title=${`Reason${reason === "needed" ? "" : " (may be left out)"}`} hint="Kept for good in the job's events.">
        ${(field) => html`<input ...${field} type="text" maxlength="500" required=${reason === "needed"} value=${why} onInput=${(e) => setWhy(e.target.value)} />`}<//>`}
      ${typed && html`<${Field} title=${html`Type <strong>${typed}</strong> to go on`}>
        ${(field) => html`<input ...${field} type="text" autocomplete="off" spellcheck=${false} value=${word} onInput=${(e) => setWord(e.target.value)} />`}<//>`}
      <${Trouble} problem=${problem} />
      <div class="buttons">
        <button type="button" onClick=${() => isBusy || close()}>${isDangerous ? "Leave it" : "Not now"}</button>
        <button type="submit" class=${isDangerous ? "danger" : "primary"} disabled=${!isReady}>${isBusy ? "…" : verb}</button>
      </div>
    </form>
  </dialog>`;
}

/** State of the one question that is open: `[question element, ask(properties)]`. */
export function useQuestion() {
  const [asked, ask] = useState(null);
  const element = asked && html`<${Question} ...${asked} close=${() => ask(null)} />`;
  return [element, ask];
}
