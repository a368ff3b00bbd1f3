// Who is signed in, and the view that signs in.

import { createContext, html, useContext, useEffect, useState } from "./compat.js";
import { call, read, signedOut } from "./calls.js";
import { Field, Trouble } from "./parts.js";
import { wait } from "./pulse.js";

const Context = createContext(null);

export const useSession = () => useContext(Context);

/** Whether this person may change anything. */
export const useMay = () => useContext(Context)?.role === "operate";

/** Shows its children to whoever is signed in, else the way to sign in. */
export function Session({ children }) {
  const [view, set] = useState({ session: null, isOut: false, problem: null });
  const ask = async (signal) => {
    for (;;) {
      try {
        return set({ session: await read(["session"], {}, signal), isOut: false, problem: null });
      } catch (problem) {
        if (signal?.aborted) return undefined;
        if (problem.status === 401) return set({ session: null, isOut: true, problem: null });
        set((old) => ({ ...old, problem }));
        if (!signal || !(await wait(3000, signal))) return undefined;
      }
    }
  };
  useEffect(() => {
    const stop = new AbortController();
    const out = () => set({ session: null, isOut: true, problem: null });
    signedOut.addEventListener("out", out);
    ask(stop.signal);
    return () => (stop.abort(), signedOut.removeEventListener("out", out));
  }, []);

  if (view.session) {
    const leave = async () => {
      await call("DELETE", ["session"]).catch(() => {});
      set({ session: null, isOut: true, problem: null });
    };
    return html`<${Context.Provider} value=${{ ...view.session, leave }}>${children}<//>`;
  }
  if (view.isOut) return html`<${SignIn} done=${() => ask()} />`;
  return html`<main class="alone"><h1>backfill</h1>
    ${view.problem ? html`<${Trouble} problem=${view.problem} /><p>Trying again every few seconds.</p>` : html`<p>Reading …</p>`}</main>`;
}

function SignIn({ done }) {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await call("POST", ["session"], { body: { token: token.trim() } });
      setToken("");
      await done();
    } catch (error) {
      setProblem(error);
    }
    setBusy(false);
  };
  useEffect(() => {
    document.title = "Sign in · backfill";
    document.querySelector("input[type=password]")?.focus();
  }, []);
  return html`<main class="alone">
    <h1><img src="assets/icon.svg" alt="" width="28" height="28" /> backfill</h1>
    <form class="panel" onSubmit=${submit}>
      <h2>Sign in</h2>
      <${Field} title="Token" hint=${html`An operator makes one with <code>backfill token create NAME --role=read</code>. It is sent once, for a cookie that this page cannot read.`}>
        ${(field) => html`<input ...${field} type="password" autocomplete="current-password" required value=${token} onInput=${(e) => setToken(e.target.value)} />`}<//>
      <${Trouble} problem=${problem} />
      <div class="buttons"><button type="submit" class="primary" disabled=${isBusy || !token.trim()}>Sign in</button></div>
    </form>
  </main>`;
}
