// <vl-menu>: a <details> menu that also closes on Escape, on a click elsewhere and when the focus leaves it.
class SiteMenu extends HTMLElement {
  connectedCallback() {
    this.details = this.querySelector('details');
    if (!this.details) return;
    this.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !this.details.open) return;
      event.stopPropagation();
      this.details.open = false;
      this.details.querySelector('summary').focus();
    });
    this.addEventListener('focusout', (event) => {
      if (event.relatedTarget && !this.contains(event.relatedTarget)) this.details.open = false;
    });
    this.closeOutside = (event) => {
      if (!this.contains(event.target)) this.details.open = false;
    };
    document.addEventListener('pointerdown', this.closeOutside);
  }

  disconnectedCallback() {
    document.removeEventListener('pointerdown', this.closeOutside);
  }
}

customElements.define('vl-menu', SiteMenu);
