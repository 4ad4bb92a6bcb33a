// <vl-theatre>: gives the picture the whole width of the window, and remembers it.
const WIDE = 'videolib-theatre';

class Theatre extends HTMLElement {
  connectedCallback() {
    this.button = this.querySelector('button');
    this.button.addEventListener('click', () => this.toggle());
    this.show(localStorage.getItem(WIDE) === '1');
  }

  toggle() {
    const wide = this.button.getAttribute('aria-pressed') !== 'true';
    if (wide) localStorage.setItem(WIDE, '1');
    else localStorage.removeItem(WIDE);
    this.show(wide);
  }

  show(wide) {
    this.button.setAttribute('aria-pressed', String(wide));
    document.querySelector('.watch__grid')?.classList.toggle('watch__grid--theatre', wide);
  }
}

customElements.define('vl-theatre', Theatre);
