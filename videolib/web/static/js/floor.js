// Shows the "older browser" sentence. Old browsers read this file: ES5 only, never transformed by the build.
(function () {
  var css = window.CSS && CSS.supports;
  var reaches = css && CSS.supports('aspect-ratio', '1') && CSS.supports('inset', '0') &&
    'noModule' in document.createElement('script') && window.customElements && window.ResizeObserver &&
    window.PointerEvent && 'replaceAll' in String.prototype;
  var sentence = document.getElementById('old-browser');
  if (!reaches && sentence) sentence.removeAttribute('hidden');
})();
