// <vl-facet-fold>: the list of filters is folded on a narrow window and open on a wide one.
const WIDE = '(min-width: 60rem)';

class FacetFold extends HTMLElement {
  connectedCallback() {
    this.details = this.querySelector('details');
    this.wide = window.matchMedia(WIDE);
    this.follow = () => { this.details.open = this.wide.matches; };
    this.wide.addEventListener('change', this.follow);
    this.follow();
  }

  disconnectedCallback() {
    this.wide.removeEventListener('change', this.follow);
  }
}

customElements.define('vl-facet-fold', FacetFold);
