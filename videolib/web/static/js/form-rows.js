// <vl-form-rows>: adds and removes rows of a list; without it the empty row at the end does the same.
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

customElements.define('vl-form-rows', FormRows);
