// <vl-theme-switch>: links that set the theme; with JavaScript at once, without it by a round trip (preferences.update).
const COOKIE = 'videolib_theme';
const YEAR_S = 365 * 24 * 3600;

class ThemeSwitch extends HTMLElement {
  connectedCallback() {
    this.addEventListener('click', (event) => {
      const link = event.target.closest('a[data-theme-choice]');
      if (!link || event.metaKey || event.ctrlKey) return;
      event.preventDefault();
      this.choose(link.dataset.themeChoice);
    });
  }

  choose(theme) {
    // A cookie and not localStorage: the server writes data-theme into the page, so no page flashes in the other theme.
    const secure = window.location.protocol === 'https:' ? '; Secure' : '';
    document.cookie = `${COOKIE}=${theme}; Path=/; Max-Age=${YEAR_S}; SameSite=Lax${secure}`;
    document.documentElement.dataset.theme = theme;
    for (const link of this.querySelectorAll('a[data-theme-choice]')) {
      if (link.dataset.themeChoice === theme) link.setAttribute('aria-current', 'true');
      else link.removeAttribute('aria-current');
    }
  }
}

customElements.define('vl-theme-switch', ThemeSwitch);
