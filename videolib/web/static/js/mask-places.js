// Where masks are: in time between their keys, and on the picture that the player shows. Shares of the picture in percent.
export const STEP = 0.5;
export const LEAST = 0.5;

export const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

/** Where a mask is at a time: its last place before, straight on to the next one. */
export function placeAt(keys, time) {
  const after = keys.findIndex(([at]) => at > time);
  if (after <= 0) return (keys[after === 0 ? 0 : keys.length - 1] ?? []).slice(1);
  const [one, other] = [keys[after - 1], keys[after]];
  const share = (time - one[0]) / (other[0] - one[0]);
  return one.slice(1).map((value, index) => value + (other[index + 1] - value) * share);
}

/** The style that lies exactly over the picture of a player: a recording of another shape has bars beside it. */
export function pictureBox(host) {
  const video = host.querySelector('video');
  const [width, height] = [host.clientWidth, host.clientHeight];
  const shape = video?.videoWidth ? video.videoWidth / video.videoHeight : width / height;
  const wide = Math.min(width, height * shape);
  const high = wide / shape;
  return { left: `${(width - wide) / 2}px`, top: `${(height - high) / 2}px`, width: `${wide}px`, height: `${high}px` };
}

/** The place that a pointer draws: a box that is held moves, elsewhere a new one goes from corner to corner. */
export function drawnPlace({ event, frame, place, isMove }, moved) {
  const at = ({ clientX, clientY }) => [
    clamp(((clientX - frame.left) / frame.width) * 100, 0, 100),
    clamp(((clientY - frame.top) / frame.height) * 100, 0, 100),
  ];
  const [[fromX, fromY], [toX, toY], [x, y, width, height]] = [at(event), at(moved), place];
  if (isMove) return [clamp(x + toX - fromX, 0, 100 - width), clamp(y + toY - fromY, 0, 100 - height), width, height];
  const size = [Math.max(LEAST, Math.abs(toX - fromX)), Math.max(LEAST, Math.abs(toY - fromY))];
  return [Math.min(fromX, toX, 100 - size[0]), Math.min(fromY, toY, 100 - size[1]), ...size];
}
