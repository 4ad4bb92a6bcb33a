// Where a mark may lie: the server refuses what breaks the order of phases, steps and tasks; here the desk keeps to it
// while a mark is moved, and takes along what has to follow. Pure: marks in, changes out.
const PARENT = { step: 'phase', task: 'step' };
const APART = new Set(['phase', 'step']);
const NEAR = 1e-6;

export const isInterval = (kind) => ['phase', 'step', 'task'].includes(kind);

const siblings = (marks, mark) => marks.filter((one) => one.kind === mark.kind && one.key !== mark.key);
const holds = (outer, inner) => outer.start <= inner.start + NEAR && (inner.end ?? inner.start) <= outer.end + NEAR;

/** The free room around a mark among those of its kind. */
function roomOf(marks, mark, duration) {
  const others = siblings(marks, mark);
  const middle = (mark.start + mark.end) / 2;
  const before = others.filter((one) => (one.start + one.end) / 2 <= middle).map((one) => one.end);
  const after = others.filter((one) => (one.start + one.end) / 2 > middle).map((one) => one.start);
  return [Math.max(0, ...before), Math.min(duration, ...after)];
}

function clampInto([low, high], start, end, isWhole) {
  if (isWhole) {
    const length = end - start;
    const begin = Math.min(Math.max(start, low), high - length);
    return [begin, begin + length];
  }
  return [Math.min(Math.max(start, low), high), Math.max(Math.min(end, high), low)];
}

/**
 * The changes that give `mark` these times, or the nearest that can be; none where there is no room.
 * @param {object} wanted {start, end} @param {boolean} isWhole moved as it is, keeping its length
 */
export function move(marks, mark, wanted, duration, isWhole = false) {
  const least = 0.001;
  let { start, end } = wanted;
  start = Math.max(0, Math.min(start, duration));
  if (end !== null) end = Math.max(0, Math.min(end, duration));
  if (end === null) return changed(mark, { ...mark, start, end });
  if (APART.has(mark.kind)) [start, end] = clampInto(roomOf(marks, mark, duration), start, end, isWhole);
  const inner = marks.filter((one) => PARENT[one.kind] === mark.kind && holds(mark, one));
  if (isWhole && inner.length > 0) return moveAll(marks, mark, inner, start - mark.start);
  if (inner.length > 0) {
    start = Math.min(start, ...inner.map((one) => one.start));
    end = Math.max(end, ...inner.map((one) => one.end ?? one.start));
  }
  if (end - start < least) return [];
  const next = { ...mark, start, end };
  const outer = PARENT[mark.kind] ? widen(marks, mark, next, duration) : [];
  if (outer === null) return [];
  return [...outer, ...changed(mark, next)];
}

/** A phase with its steps, or a step with its tasks, all by as much. */
function moveAll(marks, mark, inner, by) {
  const deeper = inner.flatMap((one) => marks.filter((task) => PARENT[task.kind] === one.kind && holds(one, task)));
  const outer = PARENT[mark.kind] && by !== 0 ? widen(marks, mark, { ...mark, start: mark.start + by, end: mark.end + by }, Infinity) : [];
  if (outer === null) return [];
  return [...outer, ...[mark, ...inner, ...deeper].flatMap((one) => changed(one, { ...one, start: one.start + by, end: one.end === null ? null : one.end + by }))];
}

/** What around `next` has to grow so that it lies inside; null where something is in the way. */
function widen(marks, mark, next, duration) {
  const parents = marks.filter((one) => one.kind === PARENT[mark.kind]);
  if (parents.some((one) => holds(one, next))) return [];
  const own = parents.find((one) => mark.start !== null && holds(one, mark)) ?? null;
  if (!own) return null;
  const wider = { ...own, start: Math.min(own.start, next.start), end: Math.max(own.end, next.end ?? next.start) };
  if (parents.some((one) => one.key !== own.key && one.start < wider.end - NEAR && wider.start < one.end - NEAR)) return null;
  const outer = PARENT[own.kind] ? widen(marks, own, wider, duration) : [];
  return outer === null ? null : [...outer, ...changed(own, wider)];
}

const changed = (before, after) => (before.start === after.start && before.end === after.end ? [] : [{ key: before.key, before, after }]);

/**
 * The changes that add a step, with its phase: the one that it lies in, else the next to it of the same term, widened,
 * else a new one. Null where another phase, or another step, is in the way.
 */
export function addStep(marks, step, phaseTerm, newKey) {
  if (marks.some((one) => one.kind === 'step' && one.start < step.end - NEAR && step.start < one.end - NEAR)) return null;
  const phases = marks.filter((one) => one.kind === 'phase').sort((one, other) => one.start - other.start);
  const added = { key: step.key, before: null, after: step };
  if (phases.some((one) => holds(one, step))) return [added];
  if (!phaseTerm) return null;
  const before = phases.filter((one) => one.start <= step.start).pop();
  const after = phases.find((one) => one.start > step.start);
  const own = [before, after].find((one) => one?.term === phaseTerm);
  const wider = own
    ? { ...own, start: Math.min(own.start, step.start), end: Math.max(own.end, step.end) }
    : { ...step, key: newKey(), kind: 'phase', term: phaseTerm, note: {} };
  if (phases.some((one) => one.key !== wider.key && one.start < wider.end - NEAR && wider.start < one.end - NEAR)) return null;
  return [{ key: wider.key, before: own ?? null, after: wider }, added];
}

/** A mark and what cannot be without it, the innermost first. */
export function removal(marks, mark) {
  const inner = marks.filter((one) => PARENT[one.kind] === mark.kind && holds(mark, one));
  return [...inner.flatMap((one) => removal(marks, one)), { key: mark.key, before: mark, after: null }];
}
