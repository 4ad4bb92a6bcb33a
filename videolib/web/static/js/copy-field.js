// <vl-copy-field data-from="id">: copies what the field holds. Without it the field is selected and copied by hand.
class CopyField extends HTMLElement {
  connectedCallback() {
    const field = document.getElementById(this.dataset.from);
    const said = this.querySelector('[role="status"]');
    field?.addEventListener('focus', () => field.select());
    this.hidden = !navigator.clipboard; // only there in a secure context
    this.querySelector('button').addEventListener('click', async () => {
      await navigator.clipboard.writeText(field.value);
      said.textContent = this.dataset.done;
    });
  }
}

customElements.define('vl-copy-field', CopyField);
