// From what is in the form to what is sent: only what was filled in.

export const EMPTY = {
  backfill: "", mode: "", parameters: {}, limit: "", batch_size: "", priority: "normal", order: "asc", ids: "", after: "",
  deadline: "", max_workers: "", pause_ms: "",
};

const NUMBERS = ["limit", "batch_size", "max_workers", "pause_ms"];

export const ids = (text) => text.split(/[\s,;]+/).filter(Boolean);

export function request(form, backfill) {
  const body = { backfill: form.backfill, mode: form.mode, priority: form.priority, order: form.order };
  for (const name of NUMBERS) if (form[name] !== "") body[name] = Number(form[name]);
  if (ids(form.ids).length) body.ids = ids(form.ids);
  if (form.after.trim()) body.after = form.after.trim();
  if (form.deadline) body.deadline = new Date(form.deadline).toISOString();
  const parameters = Object.fromEntries((backfill.parameters || []).map((one) => [one.name, typed(form.parameters[one.name], one.type)]).filter(([, value]) => value !== ""));
  if (Object.keys(parameters).length) body.parameters = parameters;
  return body;
}

/** Whole numbers that JSON would round stay text, which the server reads as well. */
function typed(value, type) {
  if (value === "" || value === null || value === undefined) return "";
  if (/^bool/.test(type)) return value === true || value === "true";
  if (/^(int|float|number)/.test(type) && Number.isFinite(Number(value)) && Math.abs(Number(value)) <= Number.MAX_SAFE_INTEGER) return Number(value);
  return value;
}
