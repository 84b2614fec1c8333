// Keeps the keyboard's place: it goes where the kernel asks, and to the nearest control where its own one went.
// It is in every panel, so it also marks the panel's language, and keeps the keys of what ipywidgets made.

const ROOT = ".motion-widgets";
const CONTROLS = "a[href], button, input, select, textarea, summary, video[controls], [tabindex]";
const TYPED = "textarea, input:not([type=radio], [type=checkbox]), [contenteditable]";
const PATIENCE = 10_000; // ms in which a widget that is asked for may still be drawn
const GRACE = 300; // ms in which a control may come back, such as a button that waits for an answer

const seen = (node) => node.isConnected && node.checkVisibility({ visibilityProperty: true });
const usable = (node) => seen(node) && !node.disabled && node.tabIndex >= 0;
const nowhere = () => !document.activeElement || document.activeElement === document.body;

/** Return what takes the focus of a widget: itself, its first control, or itself as a place to read from. */
function target(node) {
  if (usable(node)) return node;
  const first = node.matches('[role="tabpanel"], .mw-place') ? null : [...node.querySelectorAll(CONTROLS)].find(usable);
  if (!first) node.tabIndex = -1;
  return first ?? node;
}

/** Return the control nearest to one that went: behind it, else before it, in the smallest part that has any. */
function nearest(trail) {
  for (const part of trail) {
    if (!seen(part)) continue;
    const controls = [...part.querySelectorAll(CONTROLS)].filter(usable);
    const place = trail[0].isConnected ? trail[0] : part;
    const behind = (node) => place.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING;
    const found = controls.find(behind) ?? controls.at(-1);
    if (found) return found;
    if (part.matches(ROOT) && !part.parentElement?.closest(ROOT)) return null;
  }
  return null;
}

/**
 * The page's keyboard, for the kernels of all its notebooks: what one kernel's script does is nobody's choice
 * for another's either. `trail`: the control that has, or last had, the focus, and what it lies in; `hand`:
 * whether a key or the pointer may move the focus, since the person last did something; `moved`: whether
 * somebody went on (where Lab puts the focus by itself, nobody did); `lost`: when its place was found to have
 * gone; `pending`: what a kernel asks for.
 */
const KEY = Symbol.for("motion-widgets.keyboard");
const isFirst = !(KEY in globalThis);
const keyboard = (globalThis[KEY] ??= { trail: [], hand: false, moved: false, lost: 0, pending: null });

/** Not away from where somebody went on meanwhile. */
const free = () => !keyboard.moved || nowhere() || !seen(document.activeElement);
const acted = () => (keyboard.hand = keyboard.moved = false);

function go(node, options) {
  Object.assign(keyboard, { pending: null, lost: 0 });
  target(node).focus(options);
  acted(); // nobody chose this place, so what the kernel asks for next still counts
}

function look() {
  const { pending, trail } = keyboard;
  if (pending) {
    const node = [...document.getElementsByClassName(pending.to)].find(seen);
    if (node && free()) return go(node);
    if (!free() || performance.now() > pending.until) keyboard.pending = null;
  }
  if (keyboard.pending || !trail.length || !nowhere() || usable(trail[0])) keyboard.lost = 0;
  else if (!keyboard.lost) keyboard.lost = performance.now();
  else if (performance.now() - keyboard.lost > GRACE) {
    const next = nearest(trail);
    keyboard.trail = [];
    if (next) go(next, { preventScroll: true });
  }
}

const HANDLERS = {
  focusin: ({ target }) => {
    keyboard.moved ||= keyboard.hand || Boolean(target.closest?.(ROOT));
    keyboard.trail = [];
    for (let node = target; node?.closest?.(ROOT); node = node.parentElement) keyboard.trail.push(node);
    // As Tab does: what is typed replaces what is there. Who clicks into a text chose a place in it.
    if (keyboard.trail.length && !keyboard.hand && target.matches("input[type=text]")) target.select();
    if (keyboard.trail.length && target.matches("select, input[type=radio]")) setAll(target, OWN_KEYS);
  },
  pointerdown: ({ target }) => {
    keyboard.hand = true;
    if (!target.closest?.(ROOT)) keyboard.trail = [];
  },
  click: ({ target }) => target.matches?.(TYPED) || acted(),
  keydown: ({ key }) => (key === "Enter" || key === " " ? acted() : (keyboard.hand = true)),
  input: ({ target }) => (target.matches?.(TYPED) ? (keyboard.moved = true) : acted()),
};

if (isFirst) for (const [event, handler] of Object.entries(HANDLERS)) on(document, event, handler, true);

function initialize({ model }) {
  const timer = setInterval(guard("focus", look), 100);
  const unlisten = listen(model, {
    "msg:custom": ({ to }) => {
      if (!to) return;
      keyboard.pending = { to, until: performance.now() + PATIENCE };
      look(); // mostly it is there already, and the next key may come before the timer does
    },
  });
  return () => {
    clearInterval(timer);
    unlisten();
  };
}

function render({ model, el }) {
  const mark = guard("language", (tries) => {
    const root = el.closest(ROOT);
    if (root) root.lang = model.get("_lang");
    else if (tries) requestAnimationFrame(() => mark(tries - 1)); // not in the page yet
  });
  mark(300);
  return listen(model, { "change:_lang": () => mark(0) });
}

export default page({ initialize, render });
