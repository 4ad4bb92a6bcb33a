// Numbers of an upload in the language of the page.
const number = (value, unit, digits = 0) =>
  new Intl.NumberFormat(document.documentElement.lang, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: digits }).format(value);

export const percent = (part) =>
  new Intl.NumberFormat(document.documentElement.lang, { style: 'percent' }).format(Math.floor(part * 100) / 100);

export function bytes(count) {
  if (count >= 1e9) return number(count / 1e9, 'gigabyte', 2);
  if (count >= 1e6) return number(count / 1e6, 'megabyte', 1);
  return count >= 1e3 ? number(count / 1e3, 'kilobyte') : number(count, 'byte');
}

export const speed = (perSecond) => number(perSecond / 1e6, 'megabyte-per-second', 1);

export function time(seconds) {
  if (seconds < 60) return number(Math.max(1, Math.round(seconds)), 'second');
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return number(minutes, 'minute');
  return `${number(Math.floor(minutes / 60), 'hour')} ${number(minutes % 60, 'minute')}`;
}

export const date = (iso) =>
  new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso));

/** The sentence with its {places} filled. */
export const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_whole, name) => values[name] ?? '');
