// What the desk keeps of an annotation, to and from W3C Web Annotation as /api/v1 answers and takes it.
// A mark is plain and never changed in place: {key, kind, start, end, term, severity, instrument, target, note, shape, confidence};
// times are seconds, and a moment has no end.
const TERM = 'urn:videolib:term:';
const FIELD_OF = { term: 'term', severity: 'severity', instrument: 'instrument', target: 'target' };
const PURPOSE = { term: 'classifying', severity: 'assessing', instrument: 'tagging', target: 'tagging' };
const TAGS = { zh: 'zh-Hans', en: 'en' };
export const FIELDS = ['kind', 'start', 'end', 'term', 'severity', 'instrument', 'target', 'note.zh', 'note.en', 'shape', 'confidence'];

const seconds = (text) => text.split(':').reduce((total, part) => total * 60 + Number(part), 0);

/** A time as the API reads it back: nine decimals tell two of its ticks apart. */
const decimal = (value) => value.toFixed(9).replace(/\.?0+$/, '');

/** The value of a field, `note.zh` too; null where there is none. */
export function valueOf(mark, field) {
  const [name, inner] = field.split('.');
  const value = inner ? mark[name]?.[inner] : mark[name];
  return value === undefined || value === '' ? null : value;
}

/** That mark with another value in a field. */
export function withValue(mark, field, value) {
  const [name, inner] = field.split('.');
  if (!inner) return { ...mark, [name]: value };
  const note = { ...mark.note, [inner]: value };
  if (!value) delete note[inner];
  return { ...mark, note };
}

/** Whether both say the same. */
export const isSame = (one, other) => one === other || (Boolean(one) && Boolean(other)
  && FIELDS.every((field) => JSON.stringify(valueOf(one, field)) === JSON.stringify(valueOf(other, field))));

function readSelector(selector, mark) {
  for (const part of (selector.value ?? '').split('&')) {
    const [name, value] = part.split('=');
    if (name === 't') {
      const [start, end] = value.split(',');
      Object.assign(mark, { start: seconds(start || '0'), end: end ? seconds(end) : null });
    } else if (name === 'xywh') mark.shape = { box: value.replace('percent:', '').split(',').map(Number) };
  }
  if (selector.refinedBy?.type === 'SvgSelector') mark.shape = { svg: selector.refinedBy.value };
}

/** @returns {{mark, id, revision, labels, author}} what an annotation of the API says; `labels` of its terms by id. */
export function fromWeb(item, key) {
  const mark = { key, kind: item.kind, start: 0, end: null, term: null, severity: null, instrument: null, target: null, note: {}, shape: null, confidence: item.confidence ?? null };
  const labels = {};
  for (const body of item.body ?? []) {
    if (body.type === 'TextualBody') mark.note[body.language?.startsWith('zh') ? 'zh' : 'en'] = body.value;
    else if (FIELD_OF[body.role]) {
      const id = body.source.replace(TERM, '');
      mark[FIELD_OF[body.role]] = id;
      labels[id] = body.label ?? {};
    }
  }
  readSelector(item.target.selector, mark);
  return { mark, id: item.id.split('/').pop(), revision: item.revision, labels, author: item.creator?.name ?? '' };
}

/** The annotation to send for a mark. */
export function toWeb(mark, { layer, origin, tool }) {
  const terms = Object.entries(FIELD_OF).filter(([, name]) => mark[name]).map(([role, name]) => (
    { type: 'SpecificResource', purpose: PURPOSE[role], role, source: TERM + mark[name] }
  ));
  const notes = Object.entries(mark.note).filter(([, text]) => text).map(([language, value]) => (
    { type: 'TextualBody', purpose: mark.kind === 'note' ? 'commenting' : 'describing', value, language: TAGS[language], format: 'text/plain' }
  ));
  const time = mark.end === null ? decimal(mark.start) : `${decimal(mark.start)},${decimal(mark.end)}`;
  const box = mark.shape?.box ? `&xywh=percent:${mark.shape.box.join(',')}` : '';
  const selector = { type: 'FragmentSelector', conformsTo: 'http://www.w3.org/TR/media-frags/', value: `t=${time}${box}` };
  if (mark.shape?.svg) selector.refinedBy = { type: 'SvgSelector', value: mark.shape.svg };
  return {
    type: 'Annotation', ...(origin ? { id: origin } : {}), kind: mark.kind, layer, confidence: mark.confidence,
    generator: { type: 'Software', name: tool }, body: [...terms, ...notes], target: { source: 'urn:videolib:entry', selector },
  };
}

/** Three-way: what both changed from `base` to different values are the fields in `clashes`; elsewhere each change counts. */
export function merge(base, mine, theirs) {
  const clashes = [];
  let merged = theirs;
  for (const field of FIELDS) {
    const [was, my, their] = [base, mine, theirs].map((mark) => JSON.stringify(valueOf(mark, field)));
    if (my === was || my === their) continue;
    if (their !== was) clashes.push(field);
    merged = withValue(merged, field, valueOf(mine, field) ?? (field.startsWith('note') ? '' : null));
  }
  return { merged, clashes };
}
