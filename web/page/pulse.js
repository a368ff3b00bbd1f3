// Whether the page listens: not while its switch is off, and not while nobody can see it.

import { useEffect, useState } from "./vendor/htm-preact.js";

const changes = new EventTarget();
const state = { isOn: true, isSeen: document.visibilityState !== "hidden" };

document.addEventListener("visibilitychange", () => {
  state.isSeen = document.visibilityState !== "hidden";
  changes.dispatchEvent(new Event("change"));
});

export const isListening = () => state.isOn && state.isSeen;

export function turn(isOn) {
  state.isOn = isOn;
  changes.dispatchEvent(new Event("change"));
}

export function onTurn(heard) {
  changes.addEventListener("change", heard);
  return () => changes.removeEventListener("change", heard);
}

/** Whether live updates are switched on, and whether they come. */
export function usePulse() {
  const [, again] = useState(0);
  useEffect(() => onTurn(() => again((n) => n + 1)), []);
  return { isOn: state.isOn, isListening: isListening() };
}

/** The time in milliseconds, each second anew: for ages. */
export function useNow(seconds = 1) {
  const [now, set] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => state.isSeen && set(Date.now()), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
  return now;
}

/** Resolves after so long, or when it is called off; says which. */
export function wait(milliseconds, signal) {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const timer = setTimeout(() => resolve(true), milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve(false)), { once: true });
  });
}

/** Resolves once the page listens again, or when it is called off. */
export function listening(signal) {
  return new Promise((resolve) => {
    if (isListening() || signal.aborted) return resolve();
    const stop = onTurn(() => isListening() && (stop(), resolve()));
    signal.addEventListener("abort", () => (stop(), resolve()), { once: true });
  });
}
