// How numbers, times and names are written.

const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en-GB", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const short = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DAY = 86_400;

/** A whole number, or - for none. */
export const count = (n) => (n === null || n === undefined ? "-" : whole.format(n));

export const counted = (n, one, many = `${one}s`) => `${count(n)} ${Number(n) === 1 ? one : many}`;

export function rate(n) {
  if (n === null || n === undefined) return "-";
  return `${n < 100 ? tenths.format(n) : whole.format(n)}/s`;
}

/** Never 100 % before all of it is done, never 0 % once some of it is. */
export function percent(part, all) {
  if (!all) return "-";
  const share = (100 * part) / all;
  if (share > 99.9 && part < all) return "99.9 %";
  if (share < 0.1 && part > 0) return "0.1 %";
  return `${share === 100 || share === 0 ? whole.format(share) : tenths.format(share)} %`;
}

/** Seconds in the two largest units, such as 1 h 05 min. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "-";
  const all = Math.max(0, Math.round(seconds));
  const [days, hours, minutes, rest] = [Math.floor(all / DAY), Math.floor((all % DAY) / 3600), Math.floor((all % 3600) / 60), all % 60];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${String(minutes).padStart(2, "0")} min`;
  return minutes ? `${minutes} min ${String(rest).padStart(2, "0")} s` : `${rest} s`;
}

/** How long something took that may take milliseconds. */
export const took = (milliseconds) => (milliseconds === null || milliseconds === undefined ? "-" : milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : duration(milliseconds / 1000));

export function ago(seconds) {
  return seconds < 1 ? "now" : `${duration(seconds)} ago`;
}

/** The time of day, with its date where that is not today's. */
export function time(iso, now = new Date(), isShort = false) {
  const at = new Date(iso);
  if (!iso || Number.isNaN(at.getTime())) return "-";
  const hour = (isShort ? short : clock).format(at);
  return at.toDateString() === now.toDateString() ? hour : `${day.format(at)} ${hour}`;
}

export function bytes(n) {
  if (n === null || n === undefined) return "-";
  if (n < 1024) return `${n} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(Math.floor(Math.log2(n) / 10), units.length);
  const value = n / 1024 ** power;
  return `${value < 10 ? tenths.format(value) : whole.format(value)} ${units[power - 1]}`;
}

export const brief = (id) => String(id ?? "").slice(0, 8);

/** What a name of a state or an event reads like: `job.resumed` is "resumed". */
export const plain = (name) => String(name ?? "").replace(/^job\./, "").replaceAll(/[._-]/g, " ");

/** Any value as text; objects as JSON, never as markup. */
export function shown(value) {
  if (value === null || value === undefined) return "-";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
