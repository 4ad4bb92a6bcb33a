// The script of every page: small elements, each of which improves something that already works without it.
import './theme-switch.js';
import './site-menu.js';
import './search-box.js';
import './recording-status.js';
import './term-picker.js';
import './facet-fold.js';
import './completeness.js';
import './content-warning.js';
import './entry-form.js';
import './form-rows.js';
