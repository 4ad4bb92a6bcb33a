// When each acquired frame of a DICOM recording is shown: the server sends stretches [start, step, count] in seconds.

/** @param {number[][] | null} steps  @returns {number[]} the start of every frame, in order */
export function frameStarts(steps) {
  return (steps ?? []).flatMap(([start, step, count]) => Array.from({ length: count }, (_, index) => start + index * step));
}

/** Which frame is shown at `time`, from 0. */
export function frameNumber(starts, time) {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (starts[middle] <= time + 1e-3) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Where to go to show the frame that is `count` away from the one at `time`: well inside it, whatever is rounded. */
export function stepTarget(starts, time, count) {
  const wanted = Math.min(Math.max(frameNumber(starts, time) + count, 0), starts.length - 1);
  const lasts = (starts[wanted + 1] ?? starts[wanted] + 0.04) - starts[wanted];
  return starts[wanted] + Math.min(lasts / 2, 0.02);
}
