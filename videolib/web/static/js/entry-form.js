// <vl-entry-form>: keeps what is typed by itself, a moment after the last key; without it the Save button does the same.
// <vl-form-rows>: adds and removes rows of a list. <vl-completeness> shows how far the entry is.
const WAIT_MS = 1500;
const RETRY_MS = 10000;

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

  plan(wait) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), wait);
  }

  async save() {
    if (this.saving) return this.plan(WAIT_MS);
    this.saving = true;
    const edits = this.edits;
    this.show('saving');
    try {
      const response = await fetch(this.dataset.url, {
        method: 'POST',
        body: new FormData(this.form),
        headers: { Accept: 'application/json' },
        redirect: 'manual',
      });
      if (response.status === 401 || response.type === 'opaqueredirect') this.show('signed-out');
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

class FormRows extends HTMLElement {
  connectedCallback() {
    this.template = this.querySelector('template');
    this.list = this.querySelector('.form-rows');
    const add = this.querySelector('.form-rows__add');
    if (!this.template || add.dataset.bound) return;
    add.dataset.bound = 'yes';
    add.hidden = false;
    this.next = this.list.children.length;
    add.addEventListener('click', () => this.add());
    for (const row of this.list.children) this.wire(row);
  }

  add() {
    const row = this.template.content.firstElementChild.cloneNode(true);
    for (const item of row.querySelectorAll('[name], [id], [for]')) {
      for (const name of ['name', 'id', 'for']) {
        const value = item.getAttribute(name);
        if (value) item.setAttribute(name, value.replace('__row__', String(this.next)));
      }
    }
    this.next += 1;
    this.list.append(row);
    this.wire(row);
    row.querySelector('.input').focus();
  }

  wire(row) {
    const remove = row.querySelector('.form-row__remove');
    remove.hidden = false;
    remove.addEventListener('click', () => {
      row.remove();
      this.querySelector('.form-rows__add').focus();
      this.dispatchEvent(new Event('change', { bubbles: true }));
    });
  }
}

customElements.define('vl-entry-form', EntryForm);
customElements.define('vl-form-rows', FormRows);
