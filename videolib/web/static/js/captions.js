// The script of the caption editor's page.
import './caption-editor.js';
