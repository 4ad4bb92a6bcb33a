// Reads built style sheets and scripts and lists what the oldest browsers we promise cannot read, as JSON on stdout.
// node check_floor.mjs FILE…; each finding is [file, what, where]. The floor: Chromium 100, Safari and iOS 15, Firefox 115.
// Syntax is read by parsers (lightningcss, acorn), so nothing hides in a minified line; functions of the platform are
// looked for by name. Declarations that an old browser skips without harm (text-wrap, dvh beside vh) are not listed.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'acorn';
import { transform } from 'lightningcss';

const NEW_RULES = new Set(['layer-block', 'layer-statement', 'property', 'container', 'scope', 'starting-style', 'nesting',
  'view-transition', 'position-try', 'unknown']);
const NEW_FUNCTIONS = /(?<![\w-])(color-mix|oklch|oklab|lch|lab|color|light-dark|anchor|linear)\(/g;
const NEW_METHODS = new Set(['at', 'findLast', 'findLastIndex', 'toSorted', 'toReversed', 'toSpliced', 'withResolvers',
  'fromAsync', 'groupBy', 'isSubsetOf', 'hasOwn', 'showPopover', 'startViewTransition']);
const NEW_GLOBALS = new Set(['structuredClone', 'Iterator', 'URLPattern', 'CompressionStream']);

/** Selectors that are dropped whole with their rule; inside :is() and :where() an old browser drops only the part. */
function unforgivingParts(selector) {
  return selector.filter((part) => part.type === 'nesting' ||
    (part.type === 'pseudo-class' && ['has', 'popover-open', 'modal', 'state', 'user-invalid'].includes(part.kind)));
}

function readStyles(file, found) {
  const code = readFileSync(file);
  transform({
    filename: file, code, errorRecovery: false,
    visitor: {
      Rule(rule) {
        if (NEW_RULES.has(rule.type)) found.push([file, `@${rule.type}`, JSON.stringify(rule.value.loc ?? null)]);
      },
      Selector(selector) {
        for (const part of unforgivingParts(selector)) found.push([file, `:${part.kind ?? '&'}`, JSON.stringify(selector)]);
      },
    },
  });
  const text = code.toString();
  for (const match of text.matchAll(NEW_FUNCTIONS)) found.push([file, `${match[1]}()`, text.slice(match.index - 60, match.index + 40)]);
  for (const match of text.matchAll(/@media[^{]*[<>][^{]*/g)) found.push([file, 'media range', match[0]]);
}

function readScript(file, found) {
  const text = readFileSync(file, 'utf8');
  const note = (what, node) => found.push([file, what, text.slice(Math.max(node.start - 60, 0), node.start + 60)]);
  const isModule = path.basename(file).startsWith('floor') ? 'script' : 'module';
  const version = isModule === 'script' ? 5 : 2022; // the sentence for older browsers has to be read by them
  const tree = parse(text, { ecmaVersion: version, sourceType: isModule });
  const guarded = new Set(); // typeof X, X in Y, "X" in Y: the script asks before it uses
  const nodes = [];
  const walk = (node) => {
    if (Array.isArray(node)) { node.forEach(walk); return; }
    if (!node || typeof node.type !== 'string') return;
    nodes.push(node);
    if (node.type === 'UnaryExpression' && node.operator === 'typeof') guarded.add(node.argument.name ?? node.argument.property?.name);
    if (node.type === 'BinaryExpression' && node.operator === 'in' && node.left.type === 'Literal') guarded.add(node.left.value);
    Object.values(node).forEach((value) => { if (value && typeof value === 'object') walk(value); });
  };
  walk(tree);
  for (const node of nodes) {
    if (node.type === 'StaticBlock') note('static block', node);
    if (node.type === 'Literal' && node.regex && (/\(\?<[=!]/.test(node.regex.pattern) || /[vd]/.test(node.regex.flags))) note('regular expression', node);
    if (node.type === 'CallExpression' && node.callee.type === 'MemberExpression' && NEW_METHODS.has(node.callee.property.name) &&
        !node.optional && !guarded.has(node.callee.property.name)) note(`.${node.callee.property.name}()`, node);
    if (['CallExpression', 'NewExpression'].includes(node.type) && NEW_GLOBALS.has(node.callee.name) && !guarded.has(node.callee.name)) note(node.callee.name, node);
  }
}

const found = [];
for (const file of process.argv.slice(2)) {
  if (file.endsWith('.css')) readStyles(file, found);
  else readScript(file, found);
}
console.log(JSON.stringify(found));
