// Elements that work with the player of their page.
import './chapter-list.js';
import './share-time.js';
import './shortcut-list.js';
import './step-sequence.js';
import './time-field.js';
import './mask-field.js';
import './played.js';
import './view-switch.js';
