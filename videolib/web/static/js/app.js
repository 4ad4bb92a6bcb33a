// The script of every page: small elements, each of which improves something that already works without it.
import './composing.js';
import './theme-switch.js';
import './site-menu.js';
import './search-box.js';
import './recording-status.js';
import './term-picker.js';
import './facet-fold.js';
import './completeness.js';
import './content-warning.js';
import './entry-form.js';
import './sign-in-again.js';
import './form-rows.js';
import './key-list.js';

if (document.querySelector('vl-live')) import('./live-part.js');
if (document.querySelector('vl-inbox')) import('./inbox.js');
if (document.querySelector('vl-reorder')) import('./reorder.js');
if (document.querySelector('vl-align')) import('./align.js');
if (document.querySelector('vl-recorder')) import('./recorder.js');
if (document.querySelector('vl-ranges')) import('./ranges.js');
