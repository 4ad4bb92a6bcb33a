// The marks of the desk, and what has been done to them: every deed is a list of {key, before, after}, so it can be undone.
const LONGEST_HISTORY = 500;
const SAME_DEED_MS = 1500;

export class Book extends EventTarget {
  constructor() {
    super();
    this.marks = new Map();
    this.past = [];
    this.future = [];
    this.names = 0;
  }

  /** A name for a new mark; what the server calls it comes later. */
  newKey() {
    this.names += 1;
    return `m${this.names}`;
  }

  list(...kinds) {
    return [...this.marks.values()].filter((mark) => kinds.length === 0 || kinds.includes(mark.kind)).sort((one, other) => one.start - other.start);
  }

  /**
   * Does something that can be undone. Deeds with the same `tag` that follow each other closely are undone together:
   * a word typed, a frame after a frame.
   */
  apply(changes, { tag = null } = {}) {
    if (changes.length === 0) return;
    const last = this.past[this.past.length - 1];
    const isMore = tag && last?.tag === tag && Date.now() - last.at < SAME_DEED_MS;
    if (isMore) {
      for (const change of changes) {
        const known = last.changes.find(({ key }) => key === change.key);
        if (known) known.after = change.after;
        else last.changes.push({ ...change });
      }
      last.at = Date.now();
    } else this.past.push({ tag, at: Date.now(), changes: changes.map((change) => ({ ...change })) });
    if (this.past.length > LONGEST_HISTORY) this.past.shift();
    this.future = [];
    this.put(changes, 'deed');
  }

  undo() {
    const deed = this.past.pop();
    if (!deed) return false;
    this.future.push(deed);
    this.put(deed.changes.map(({ key, before, after }) => ({ key, before: after, after: before })).reverse(), 'undo');
    return true;
  }

  redo() {
    const deed = this.future.pop();
    if (!deed) return false;
    this.past.push({ ...deed, tag: null });
    this.put(deed.changes, 'redo');
    return true;
  }

  /** Takes what came from the server; nobody here can undo it. */
  receive(changes) {
    this.put(changes, 'received');
  }

  put(changes, why) {
    for (const { key, after } of changes) {
      if (after) this.marks.set(key, after);
      else this.marks.delete(key);
    }
    this.dispatchEvent(new CustomEvent('changed', { detail: { keys: changes.map(({ key }) => key), why } }));
  }
}
