// What all scripts of this folder use; `page_widget.py` joins it in front of each of them. Text from outside
// only ever becomes a text node, a property of a control or an attribute that holds words.

/**
 * Make an element. Each part is a child, a text, or an object of properties and attributes;
 * `dataset` is an object of its own, and what is null or undefined is left out.
 */
function element(tag, className, ...parts) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  for (const part of parts) {
    if (part === null || part === undefined) continue;
    if (part instanceof Node) node.append(part);
    else if (typeof part === "object") setAll(node, part);
    else node.append(String(part));
  }
  return node;
}

function setAll(node, options) {
  for (const [name, value] of Object.entries(options)) {
    if (name === "dataset") Object.assign(node.dataset, value);
    else if (name in node) node[name] = value;
    else node.setAttribute(name, value);
  }
}

/** Make a button whose action is left alone while it is disabled (see `enable`). */
function button(className, text, action, options) {
  const node = element("button", className, { type: "button" }, text, options);
  on(node, "click", () => node.getAttribute("aria-disabled") !== "true" && action());
  return node;
}

/** Not `disabled`, which would take the focus away. */
function enable(node, isReady) {
  if (isReady) node.removeAttribute("aria-disabled");
  else node.setAttribute("aria-disabled", "true");
}

/** Make an element that a screen reader speaks when its text changes. */
function liveRegion(tag, className, options) {
  return element(tag, className, { role: "status", "aria-live": "polite" }, options);
}

/** Make a sign that is seen, not spoken. */
function sign(text, className = "") {
  return element("span", className, { "aria-hidden": "true" }, text);
}

/** Set a text or a property only when it changes: what is set anew is drawn, and maybe spoken, again. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function setProperty(node, name, value) {
  if (node[name] !== value) node[name] = value;
}

/**
 * Put values into a sentence; of `{count:job|jobs}` the first words where the count is 1. What Python would
 * round, as in `{mb:.1f}`, comes as text already.
 */
function fill(sentence, values) {
  return String(sentence).replace(/\{(\w+)(?::([^}|]*)(\|[^}]*)?)?\}/g, (whole, key, one, many) => {
    if (!(key in values)) return whole;
    return many === undefined ? values[key] : String(values[key]) === "1" ? one : many.slice(1);
  });
}

/** Keeps Lab from taking the keys of a control before the control does; it has to stand on the control itself. */
const OWN_KEYS = { dataset: { lmSuppressShortcuts: "true" } };

/** Keep a key or a drop from the page around, such as the notebook's own shortcuts. */
function claim(event) {
  event.preventDefault();
  event.stopPropagation();
}

/** Listen to a model by event; returns what ends that. */
function listen(model, handlers) {
  const guarded = Object.entries(handlers).map(([event, handler]) => [event, guard(event, handler)]);
  for (const [event, handler] of guarded) model.on(event, handler);
  return () => {
    for (const [event, handler] of guarded) model.off(event, handler);
  };
}

/** Listen to an element. */
function on(node, event, handler, options) {
  node.addEventListener(event, guard(event, handler), options);
}

// --- the edge: what fails is said in the widget's own line, and works again at the next call ---

const wrong = new Map(); // sentences by source, the newest last
const places = new Set(); // writes the line, for each place where the widget is on show

/** Make a function that never throws; a source is well again as soon as one of its calls is. */
function guard(source, work) {
  const well = (result) => {
    if (wrong.delete(source)) places.forEach((tell) => tell());
    return result;
  };
  const failed = (error) => {
    const what = String(error?.message ?? error).slice(0, 300);
    if (wrong.get(source) !== what) console.error("motion_widgets:", source, error);
    wrong.delete(source);
    wrong.set(source, what);
    places.forEach((tell) => tell());
  };
  return (...args) => {
    try {
      const result = work(...args);
      return result instanceof Promise ? result.then(well, failed) : well(result);
    } catch (error) {
      failed(error);
    }
  };
}

/** Make what anywidget calls of what a script draws with. A drawing that failed is made anew at the next change. */
function page({ initialize, render }) {
  const draw = ({ model, el }) => {
    const line = liveRegion("p", "mw-note mw-error");
    let worn = [];
    let clean = null; // ends the drawing; null: there is none
    const make = guard("render", () => {
      clean = null;
      el.replaceChildren(line);
      clean = render({ model, el });
    });
    const tell = () => {
      const what = [...wrong.values()].at(-1);
      const words = model.get("_words");
      setText(line, what === undefined ? (model.get("_trouble") ?? "") : fill(words.page_failed, { what }));
      line.hidden = !line.textContent;
    };
    const again = guard("page", () => {
      tell();
      // Those that the kernel gives it later, too: anywidget's view hears of them no more once it is drawn.
      const classes = model.get("_dom_classes");
      if (classes !== worn) {
        el.classList.remove(...worn);
        el.classList.add(...(worn = classes));
      }
      if (clean === null) make();
    });
    places.add(tell);
    again();
    model.on("change", again);
    return () => {
      places.delete(tell);
      model.off("change", again);
      guard("close", () => clean?.())();
    };
  };
  return { initialize: initialize && guard("initialize", initialize), render: draw };
}
