// Enter that ends a word of an input method belongs to the input method: it submits no form and reaches no script.
// Heard before anybody else, so no form and no element has to think of it. 229 is what Safari calls such a key.
window.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || !(event.isComposing || event.keyCode === 229)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);
