// The timing keys of the caption editor. With Alt they work while a caption is typed; [ ] and Space also alone elsewhere.
import { areKeysOff } from './player-keys.js';
import { isTyping } from './player-ready.js';

const WITH_ALT = {
  BracketLeft: 'start', BracketRight: 'end', KeyP: 'play', KeyR: 'replay', KeyN: 'add', KeyM: 'join', Enter: 'split', Delete: 'delete', Backspace: 'delete',
  ArrowUp: 'previous', ArrowDown: 'next', ArrowLeft: 'back', ArrowRight: 'on', KeyZ: 'undo', KeyY: 'redo',
};
const ALONE = { '[': 'start', '【': 'start', ']': 'end', '】': 'end' };

/** @param deeds by name: (event) => void */
export function listenForKeys(root, deeds) {
  document.addEventListener('keydown', (event) => {
    if (event.isComposing || event.defaultPrevented) return;
    const isUndo = (event.ctrlKey || event.metaKey) && ['z', 'y'].includes(event.key.toLowerCase());
    let name = null;
    if (event.altKey && !event.ctrlKey && !event.metaKey) name = WITH_ALT[event.code];
    else if (isUndo && root.contains(event.target)) name = event.key.toLowerCase() === 'y' || event.shiftKey ? 'redo' : 'undo';
    else if (!isTyping(event.target) && !areKeysOff() && !event.ctrlKey && !event.metaKey) name = ALONE[event.key];
    if (!name) return;
    event.preventDefault();
    event.stopPropagation();
    deeds[name](event);
  }, true);
}
