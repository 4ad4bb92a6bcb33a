// <vl-view-switch>: radio buttons for the views of a recording (native, subtracted, planes); all keep one clock.
class VlViewSwitch extends HTMLElement {
  connectedCallback() {
    this.addEventListener('change', (event) => document.querySelector('vl-player')?.showView(event.target.value));
  }
}

customElements.define('vl-view-switch', VlViewSwitch);
