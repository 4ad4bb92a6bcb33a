// Elements that work with the player of their page.
import './chapter-list.js';
import './share-time.js';
import './shortcut-list.js';
import './step-sequence.js';
import './time-field.js';
import './view-switch.js';
