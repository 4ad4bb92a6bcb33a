// Elements that work with the player of their page. What the picture does not wait for is loaded where the page has it.
import './chapter-list.js';
import './frame-time.js';
import './share-time.js';
import './shortcut-list.js';
import './side-tabs.js';
import './theatre.js';
import './view-switch.js';

const LATER = {
  'vl-area-field': () => import('./area-field.js'),
  'vl-beside': () => import('./beside.js'),
  'vl-desk-keys': () => import('./desk-keys.js'),
  'vl-loop': () => import('./loop-range.js'),
  'vl-mask-field': () => import('./mask-field.js'),
  'vl-overlays': () => import('./overlays.js'),
  'vl-own-notes': () => import('./own-notes.js'),
  'vl-played': () => import('./played.js'),
  'vl-playlist': () => import('./playlist.js'),
  'vl-report-form': () => import('./report-form.js'),
  'vl-step-sequence': () => import('./step-sequence.js'),
  'vl-time-field': () => import('./time-field.js'),
  'vl-transcript': () => import('./transcript.js'),
  'vl-watch-reporter': () => import('./watch-reporter.js'),
};
for (const [name, load] of Object.entries(LATER)) if (document.querySelector(name)) load();
