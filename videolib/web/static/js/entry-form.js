// <vl-entry-form>: keeps what is typed by itself, a moment after the last key; without it the Save button does the same.
// Where the session has ended, what is typed stays and is kept as soon as somebody has signed in again in another window.
const WAIT_MS = 1500;
const RETRY_MS = 10000;

// a session that is gone takes its token with it: then the token is what is refused
async function hasEnded(response) {
  if (response.status === 401 || response.type === 'opaqueredirect') return true;
  return response.status === 400 && (await response.clone().json()).code === 'csrf';
}

class EntryForm extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector('form');
    this.state = this.querySelector('[data-part="state"]');
    if (!this.form || this.bound) return;
    this.bound = true;
    this.edits = 0;
    this.form.addEventListener('input', () => this.note());
    this.form.addEventListener('change', () => this.note());
    this.form.addEventListener('submit', () => this.leave());
    window.addEventListener('focus', () => { if (this.isSignedOut) this.save(); });
    document.addEventListener('vl-session-back', () => { if (this.isSignedOut) this.save(); });
    window.addEventListener('beforeunload', (event) => {
      if (this.unsaved) event.preventDefault();
    });
  }

  note() {
    this.edits += 1;
    this.unsaved = true;
    this.show('unsaved');
    this.plan(WAIT_MS);
  }

  leave() {
    this.unsaved = false;
    clearTimeout(this.timer);
  }

  send(body) {
    const headers = { Accept: 'application/json' };
    return fetch(this.dataset.url, { method: 'POST', body, headers, redirect: 'manual' });
  }

  plan(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), wait);
  }

  async save() {
    if (this.saving) return this.plan(WAIT_MS);
    this.saving = true;
    const edits = this.edits;
    try {
      if (this.isSignedOut && !(await this.isBack())) return this.plan(RETRY_MS);
      this.show('saving');
      const response = await this.send(new FormData(this.form));
      if (await hasEnded(response)) this.signedOut();
      else if (response.ok) this.saved(await response.json(), edits);
      else throw new Error(String(response.status));
    } catch {
      this.show('failed');
      this.plan(RETRY_MS);
    } finally {
      this.saving = false;
    }
    return undefined;
  }

  signedOut() {
    if (!this.isSignedOut) document.dispatchEvent(new CustomEvent('vl-session-ended'));
    this.setSignedOut(true);
    this.show('signed-out');
    this.plan(RETRY_MS);
  }

  setSignedOut(isSignedOut) {
    this.isSignedOut = isSignedOut;
    const link = this.querySelector('[data-part="sign-in"]');
    if (link) link.hidden = !isSignedOut;
  }

  // whether somebody is signed in again; the new session has a token of its own
  async isBack() {
    const response = await fetch(window.location.href, { redirect: 'manual' });
    if (!response.ok) return false;
    const found = new DOMParser().parseFromString(await response.text(), 'text/html');
    const token = found.querySelector('input[name="csrf_token"]')?.value;
    if (!token) return false;
    for (const field of document.querySelectorAll('input[name="csrf_token"]')) field.value = token;
    const meta = document.querySelector('meta[name="csrf-token"]');
    if (meta) meta.content = token;
    this.setSignedOut(false);
    return true;
  }

  saved(answer, edits) {
    for (const [path, base] of Object.entries(answer.bases)) this.input(`base:${path}`).value = base;
    for (const field of this.querySelectorAll('[data-path]')) this.mark(field, answer.errors[field.dataset.path]);
    const isNewest = edits === this.edits;
    this.unsaved = !isNewest || answer.state !== 'saved';
    this.show(isNewest ? answer.state : 'unsaved');
    const panel = document.querySelector('vl-completeness');
    if (panel && panel.update) panel.update(answer);
  }

  input(name) {
    return this.form.elements.namedItem(name);
  }

  mark(field, sentence) {
    const old = field.querySelector('.field__error--live');
    if (old) old.remove();
    const control = field.querySelector('.input');
    if (control) control.toggleAttribute('aria-invalid', Boolean(sentence));
    if (control && sentence) control.setAttribute('aria-invalid', 'true');
    if (!sentence) return;
    const note = document.createElement('p');
    note.className = 'field__error field__error--live';
    note.textContent = sentence;
    field.append(note);
  }

  show(state) {
    const name = state.replace(/-(.)/g, (_all, letter) => letter.toUpperCase());
    if (this.state.dataset.state !== state) this.state.textContent = this.dataset[name] || '';
    this.state.dataset.state = state;
  }
}

customElements.define('vl-entry-form', EntryForm);
