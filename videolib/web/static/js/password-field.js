// <vl-password-field>: lets one look at the password that one types. Without it the field is as browsers make it.
class PasswordField extends HTMLElement {
  connectedCallback() {
    if (this.bound) return;
    this.bound = true;
    const field = this.querySelector('input');
    const label = document.createElement('label');
    label.className = 'check';
    const box = document.createElement('input');
    box.type = 'checkbox';
    const text = document.createElement('span');
    text.textContent = this.dataset.show;
    label.append(box, text);
    box.addEventListener('change', () => { field.type = box.checked ? 'text' : 'password'; });
    field.form?.addEventListener('submit', () => { field.type = 'password'; });
    this.append(label);
  }
}

customElements.define('vl-password-field', PasswordField);
