// The script of signing in and of one's account: small elements beside what works without them.
import './password-field.js';
import './copy-field.js';
import './passkey.js';
