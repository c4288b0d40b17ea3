// Nodes, numbers and words: what every section uses.

const content = JSON.parse(document.getElementById("content").textContent);
const classOf = new Map(content.classes.map((item) => [item.mid, item]));
const midOf = new Map(content.classes.map((item) => [item.name, item.mid]));

// Strings become text nodes and attributes, never markup, so that no name can do anything but be shown.
const node = (tag, attributes, ...children) => filled(document.createElement(tag), attributes, children);
const drawn = (tag, attributes, ...children) =>
  filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

/** Attributes: a function listens to the event of that name, null is left out, `--name` is a property of the style. */
function filled(element, attributes, children = []) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name.startsWith("--")) element.style.setProperty(name, value);
    else if (value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child != null));
  return element;
}

const slot = (id) => document.getElementById(id);
const fill = (id, ...children) => filled(slot(id), {}, children);

const figure = (value, digits = 3) => (value == null ? "–" : value.toFixed(digits));
const rounded = (value) => String(Number(value.toPrecision(2)));
const signed = (value) => (value == null ? "–" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`);
const between = (interval, digits = 3) => (interval ? interval.map((end) => end.toFixed(digits)).join(" – ") : "–");
const numbers = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const count = (value) => numbers.format(value);
const percent = (part, whole) => (part < whole / 100 ? "<1 %" : `${Math.round((100 * part) / whole)} %`);
const plural = (value, one, more) => `${count(value)} ${value === 1 ? one : more}`;
const strong = (text) => node("strong", {}, text);

const address = (what, mid) => `#${what}=${encodeURIComponent(mid).replaceAll("%2F", "/")}`;

/** The name of a class, a link to its detail if it is listed. */
function named(name) {
  const mid = midOf.get(name);
  return mid === undefined ? node("span", {}, name) : node("a", { href: address("class", mid) }, name);
}

/** A value from 0 to 1 as a bar, with its interval as a line across. */
function bar(value, interval, look = "") {
  const [low, high] = interval ?? [];
  return node(
    "span",
    { class: `bar ${look}`, "aria-hidden": "true", "--value": Math.max(0, value ?? 0) },
    interval && node("i", { "--low": low, "--high": high }),
  );
}

const meter = (drawnBar, text) => node("span", { class: "meter" }, drawnBar, node("b", {}, text));

/** The first few rows, and a button for all of them. */
function moreButton(rows, shown, what, show) {
  if (rows <= shown) return null;
  return node("button", { type: "button", class: "more", click: show }, `Show all ${count(rows)} ${what}`);
}

const KINDS = {
  localization: [
    "Localization",
    "detections",
    "The class is right, but the box overlaps the object by an IoU of only 0.1 to 0.5.",
  ],
  classification: ["Classification", "detections", "The box fits an object, but one of another class."],
  both: ["Both", "detections", "It touches an object, but neither its place nor its class is right."],
  duplicate: ["Duplicate", "detections", "It fits an object that another detection has found already."],
  background: ["Background", "detections", "There is nothing: it overlaps no object by an IoU of more than 0.1."],
  missed: ["Missed", "boxes", "Nothing found the object, and no localization or classification error is about it. Fixed by taking it out."],
};

// Truth and detections of each kind, in a frame of 48 by 36.
const GLYPHS = {
  localization: { truth: [3, 4, 26, 20], found: [[17, 12, 28, 20]] },
  classification: { truth: [6, 4, 32, 24], found: [[10, 8, 32, 24]], sign: [25, 24.5] },
  both: { truth: [2, 3, 24, 18], found: [[19, 13, 27, 20]], sign: [34, 27.5] },
  duplicate: {
    truth: [9, 8, 30, 20],
    found: [
      [5, 4, 31, 21],
      [13, 12, 31, 21],
    ],
  },
  background: { found: [[9, 7, 30, 22]] },
  missed: { truth: [9, 7, 30, 22] },
};

/** A kind of error as a picture: the object dashed, the detection solid. */
function glyph(kind) {
  const { truth, found = [], sign } = GLYPHS[kind];
  const box = (look, [x, y, width, height]) => drawn("rect", { class: look, x, y, width, height, rx: 1.5 });
  return drawn(
    "svg",
    { class: "glyph", viewBox: "0 0 48 36", "aria-hidden": "true" },
    truth && box("truth", truth),
    found.map((place) => box("found", place)),
    sign && drawn("text", { x: sign[0], y: sign[1] }, "≠"),
  );
}

function boxLegend() {
  return [
    [glyph("missed"), node("span", {}, "dashed: the object, as annotated")],
    [glyph("background"), node("span", {}, "solid: the detection")],
  ].map((pair) => node("span", { class: "legend-item" }, pair));
}
