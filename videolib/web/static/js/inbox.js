// <vl-inbox>: whoever follows a message's link has read it; without this, a button says so.
class Inbox extends HTMLElement {
  connectedCallback() {
    const token = document.querySelector('meta[name="csrf-token"]').content;
    for (const name of ['click', 'auxclick']) {
      this.addEventListener(name, (event) => {
        const link = event.target.closest('a[data-read]');
        if (!link || event.button > 1) return;
        // keepalive: it is sent although this page is left now
        fetch(link.dataset.read, { method: 'POST', headers: { 'X-CSRFToken': token }, keepalive: true, redirect: 'manual' });
        const row = link.closest('[data-message]');
        row.classList.remove('is-unread');
      });
    }
  }
}

customElements.define('vl-inbox', Inbox);
