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
  node.addEventListener("click", () => node.getAttribute("aria-disabled") !== "true" && action());
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

/** Put values into a sentence; what Python would round, as in `{mb:.1f}`, comes as text already. */
function fill(sentence, values) {
  return String(sentence).replace(/\{(\w+)(?::[^}]*)?\}/g, (whole, key) => (key in values ? values[key] : whole));
}

/** Keep a key or a drop from the page around, such as the notebook's own shortcuts. */
function claim(event) {
  event.preventDefault();
  event.stopPropagation();
}

/** Listen to a model by event; returns what ends that. */
function listen(model, handlers) {
  for (const [event, handler] of Object.entries(handlers)) model.on(event, handler);
  return () => {
    for (const [event, handler] of Object.entries(handlers)) model.off(event, handler);
  };
}
