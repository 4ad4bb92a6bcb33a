// What can be done to a list of captions: each deed gives a new list and which of it is chosen then. Pure.
// A caption is {start, end, text}, seconds to the millisecond; a list is in the order of time.
const LEAST_S = 0.1;
const USUAL_S = 2;
const CHINESE = /[\u3400-\u9fff]/;

export const toMs = (seconds) => Math.round(seconds * 1000) / 1000;

const byTime = (one, other) => one.start - other.start || one.end - other.end;

/** The list with `cue` in the place of the one at `index`. */
export function replace(cues, index, cue) {
  const next = [...cues];
  next[index] = cue;
  next.sort(byTime);
  return { cues: next, index: next.indexOf(cue) };
}

/** An edge of a caption at that time; the other edge gives way where it would lie on the wrong side. */
export function setEdge(cues, index, edge, time) {
  const cue = { ...cues[index], [edge]: toMs(time) };
  if (cue.end - cue.start < LEAST_S) {
    if (edge === 'start') cue.end = toMs(cue.start + (cues[index].end - cues[index].start));
    else cue.start = toMs(Math.max(0, cue.end - LEAST_S));
  }
  return cue.end > cue.start ? replace(cues, index, cue) : { cues, index };
}

export function add(cues, time, duration) {
  const after = cues.find((cue) => cue.start > time + LEAST_S);
  const end = Math.min(time + USUAL_S, after?.start ?? Infinity, duration);
  if (end - time < LEAST_S) return { cues, index: cues.findIndex((cue) => cue.end > time) };
  const cue = { start: toMs(time), end: toMs(end), text: '' };
  const next = [...cues, cue].sort(byTime);
  return { cues: next, index: next.indexOf(cue) };
}

export function remove(cues, index) {
  return { cues: cues.filter((_, at) => at !== index), index: Math.min(index, cues.length - 2) };
}

/** Two captions out of one: the text parts at `caret`, the time at `time`, or where the text does if that lies outside. */
export function split(cues, index, caret, time) {
  const { start, end, text } = cues[index];
  const at = caret > 0 && caret < text.length ? caret : Math.ceil(text.length / 2);
  const isInside = time > start + LEAST_S && time < end - LEAST_S;
  const middle = toMs(isInside ? time : start + (end - start) * (text.length ? at / text.length : 0.5));
  if (middle - start < LEAST_S / 2 || end - middle < LEAST_S / 2) return { cues, index };
  const parts = [{ start, end: middle, text: text.slice(0, at).trim() }, { start: middle, end, text: text.slice(at).trim() }];
  return { cues: [...cues.slice(0, index), ...parts, ...cues.slice(index + 1)], index: index + 1 };
}

/** One caption out of this and the next. */
export function join(cues, index) {
  const [one, other] = [cues[index], cues[index + 1]];
  if (!other) return { cues, index };
  const gap = CHINESE.test(one.text.slice(-1) + other.text.slice(0, 1)) ? '' : ' ';
  const text = [one.text, other.text].filter(Boolean).join(gap);
  const cue = { start: one.start, end: Math.max(one.end, other.end), text };
  return { cues: [...cues.slice(0, index), cue, ...cues.slice(index + 2)], index };
}

/** All from `from` on by so many seconds; what would begin before the recording begins with it. */
export function shift(cues, from, by) {
  const moved = cues.map((cue, index) => {
    if (index < from) return cue;
    const start = toMs(Math.max(0, cue.start + by));
    return { ...cue, start, end: toMs(Math.max(start + LEAST_S, cue.end + by)) };
  });
  return { cues: moved, index: from };
}

/** Characters a second; Chinese reads half as many. */
export function isTooFast({ start, end, text }) {
  const letters = text.replace(/\s/g, '').length;
  return letters > 0 && letters / (end - start) > (CHINESE.test(text) ? 9 : 20);
}

const keyOf = ({ start, end, text }) => `${start}|${end}|${text}`;

/**
 * Two people's changes of one list, put together: what I took away and added, on top of theirs.
 * @returns {{cues, clashes}} `clashes`: pairs of mine and theirs that are new on both sides and lie over each other
 */
export function mergeLists(base, mine, theirs) {
  const known = new Set(base.map(keyOf));
  const [my, their] = [mine, theirs].map((list) => new Set(list.map(keyOf)));
  const added = mine.filter((cue) => !known.has(keyOf(cue)) && !their.has(keyOf(cue)));
  const news = theirs.filter((cue) => !known.has(keyOf(cue)) && !my.has(keyOf(cue)));
  const kept = theirs.filter((cue) => my.has(keyOf(cue)) || !known.has(keyOf(cue)));
  const clashes = added.flatMap((cue) => news.filter((one) => one.start < cue.end && cue.start < one.end).map((one) => [cue, one]));
  return { cues: [...kept, ...added].sort(byTime), clashes };
}
