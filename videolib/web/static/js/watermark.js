// The watcher's name over the picture, where the library asks for it: a film of the screen says whose screen it was.
const MOVE_EVERY_MS = 20000;
// shares of the free room, from the top left; never in the middle, where the operation is
const PLACES = [[0.04, 0.12], [0.96, 0.8], [0.5, 0.06], [0.04, 0.8], [0.96, 0.12], [0.5, 0.82]];

/** @param {HTMLElement} frame what goes full screen  @param {string | undefined} text  @returns {() => void} takes it away */
export function watermark(frame, text) {
  if (!text) return () => {};
  const mark = document.createElement('div');
  mark.className = 'watermark';
  mark.setAttribute('aria-hidden', 'true');
  mark.textContent = text;
  let place = Math.floor(Math.random() * PLACES.length);
  const move = () => {
    place = (place + 1 + Math.floor(Math.random() * (PLACES.length - 1))) % PLACES.length;
    const [x, y] = PLACES[place];
    mark.style.left = `${100 * x}%`;
    mark.style.top = `${100 * y}%`;
    mark.style.transform = `translateX(${-100 * x}%)`;
    // whoever takes it out of the page gets it back
    if (mark.parentElement !== frame) frame.append(mark);
  };
  move();
  const timer = window.setInterval(move, MOVE_EVERY_MS);
  return () => {
    window.clearInterval(timer);
    mark.remove();
  };
}

/** No way out of the page for a picture that is to carry a name. @param {HTMLVideoElement} video */
export function keepHere(video) {
  Object.assign(video, { disablePictureInPicture: true, disableRemotePlayback: true });
}
