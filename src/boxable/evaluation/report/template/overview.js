// The head, and what holds for all classes together.

function showHead() {
  const { title, mAP, interval, protocol } = content;
  document.title = `${title} · Boxable evaluation`;
  fill("title", title);
  fill(
    "mean",
    node("p", { class: "mean-name" }, "mAP"),
    node("p", { class: "mean" }, figure(mAP, 4)),
    node("p", { class: "mean-interval" }, interval ? `95 % interval ${between(interval, 4)}` : noMean(mAP)),
    content.interval_warning && node("p", { class: "warning" }, content.interval_warning),
  );
  const switches = protocol.switches.split(", ").map((text) => node("li", {}, text));
  fill(
    "facts",
    fact("Protocol", strong(protocol.title), node("ul", {}, switches)),
    fact("Images", count(content.images)),
    fact("Classes", scoredClasses()),
    fact("Interval", intervalWords()),
  );
  if (mAP != null) fill("strip", responsive(strip), node("p", { class: "small" }, stripWords(interval)));
  fill("asides", cocoFigures(), notes(), notCounted());
  fill("footer", `Made by boxable ${content.version}`);
}

const fact = (name, ...values) => node("div", {}, node("dt", {}, name), node("dd", {}, values));
const noMean = (mAP) => (mAP == null ? "No class has ground truth." : "no interval");

function scoredClasses() {
  const rest = content.not_counted.length;
  return `${count(content.classes_scored)} with ground truth${rest ? `, ${count(rest)} not counted` : ""}`;
}

function intervalWords() {
  const { resamples, seed } = content.bootstrap;
  if (!content.interval) return "none was made";
  return `95 %, from ${count(resamples)} bootstrap draws of images, seed ${seed}`;
}

const stripWords = (interval) =>
  `Each tick is the AP of a class, the line the mean${interval ? ", the band its interval" : ""}.`;

/** The AP of every class as a tick, the mean AP and its interval on the same axis. */
function strip(width) {
  const { mAP, interval } = content;
  const x = (value) => 8 + value * (width - 16);
  const aps = content.classes.map((item) => item.AP).filter((ap) => ap != null);
  const faint = Math.max(0.25, Math.min(0.8, 30 / aps.length));
  return drawn(
    "svg",
    { viewBox: `0 0 ${width} 62`, height: 62, role: "img" },
    drawn("title", {}, `mAP ${figure(mAP, 4)} among the AP of ${plural(aps.length, "class", "classes")}`),
    interval &&
      drawn("rect", { class: "interval", x: x(interval[0]), width: x(interval[1]) - x(interval[0]), y: 8, height: 34 }),
    drawn("line", { class: "axis", x1: x(0), x2: x(1), y1: 42, y2: 42 }),
    aps.map((ap) =>
      drawn("line", { class: "tick-of-class", x1: x(ap), x2: x(ap), y1: 20, y2: 42, "stroke-opacity": faint }),
    ),
    drawn("line", { class: "mean-mark", x1: x(mAP), x2: x(mAP), y1: 4, y2: 42 }),
    ticks(width < 500 ? 5 : 10).map((value) =>
      drawn("text", { class: "tick middle", x: x(value), y: 58 }, String(value)),
    ),
  );
}

function cocoFigures() {
  if (!content.coco) return null;
  const figures = Object.entries(content.coco).map(([name, value]) => fact(name.replace("_", " "), figure(value, 4)));
  const limits =
    "Everything below but the AP of the classes is at IoU 0.50: kinds of error, thresholds, sizes, curves and counts.";
  return node("div", {}, node("dl", { class: "coco" }, figures), node("p", { class: "small" }, limits));
}

function notes() {
  const list = content.notes.map((note) => node("li", {}, note));
  return list.length ? aside(`Notes on the input: ${list.length}`, node("ul", {}, list)) : null;
}

function notCounted() {
  const names = content.not_counted;
  if (!names.length) return null;
  const why = "They have ground truth, but were not asked for or the model cannot name them:";
  return aside(`Classes not counted: ${count(names.length)}`, node("p", {}, why), node("p", {}, names.join(", ")));
}

const aside = (summary, ...children) => node("details", {}, node("summary", {}, summary), children);

function showErrors() {
  const kinds = content.errors.toSorted((one, other) => (other.delta_ap ?? 0) - (one.delta_ap ?? 0));
  const most = Math.max(...kinds.map((error) => error.delta_ap ?? 0));
  const rows = kinds.map((error) => errorRow(error, most));
  fill("errors-lead", most > 0 ? errorsLead(kinds[0]) : "No kind of error costs anything.");
  fill("box-legend", boxLegend());
  fill("errors-list", rows);
}

function errorsLead({ kind, delta_ap }) {
  const name = kind === "missed" ? "Missed objects" : `${KINDS[kind][0]} errors`;
  return [strong(name), ` cost most: ${without(delta_ap)}`];
}

/** COCO's own mAP is of other IoUs than delta AP. */
function without(delta_ap) {
  if (content.coco) return `without them mAP at IoU 0.50 would be ${figure(delta_ap)} higher.`;
  return `without them mAP would be ${figure(content.mAP + delta_ap)} instead of ${figure(content.mAP)}.`;
}

function errorRow({ kind, count: number, delta_ap }, most) {
  const [name, of, what] = KINDS[kind];
  return node(
    "li",
    {},
    glyph(kind),
    node("div", { class: "kind-name" }, strong(name), node("span", { class: "small" }, plural(number, of === "boxes" ? "box" : "detection", of))),
    node("div", { class: "kind-bar" }, bar(most > 0 ? delta_ap / most : 0, null, "error"), node("b", {}, signed(delta_ap))),
    node("p", { class: "kind-what small" }, what),
  );
}

function showThreshold() {
  const { best, thresholds } = content;
  if (!best) return fill("threshold-lead", "Nothing was found at any score.");
  fill(
    "threshold-lead",
    "If you use one threshold for all classes: ",
    strong(figure(best.score)),
    `, with precision ${figure(best.precision)}, recall ${figure(best.recall)} and F1 ${figure(best.f1)}.`,
  );
  fill("threshold-chart", thresholdChart(thresholds, best, "all classes", 300));
}

function showSizes() {
  const known = content.sizes.filter((size) => size.mAP != null);
  if (!known.length) return fill("sizes-lead", "No class has ground truth.");
  const words = known.map(({ name, mAP }, index) => [index ? ", " : "", `${name} objects `, strong(figure(mAP))]);
  fill("sizes-lead", "mAP of ", words, ".");
  const heads = ["Size", "mAP", "Recall", "Boxes"].map((name, index) =>
    node("th", { scope: "col", class: index === 3 ? "number" : null }, name),
  );
  const rows = content.sizes.map(sizeRow);
  fill(
    "sizes-table",
    node("table", { class: "sizes" }, node("thead", {}, node("tr", {}, heads)), node("tbody", {}, rows)),
  );
}

function sizeRow(size) {
  const name = node("span", {}, size.name, node("span", { class: "small" }, sizeWords(size)));
  return node(
    "tr",
    {},
    node("th", { scope: "row" }, node("div", {}, sizeIcon(size.high ?? 0.45), name)),
    node("td", {}, meter(bar(size.mAP), figure(size.mAP))),
    node("td", {}, meter(bar(size.recall, null, "second"), figure(size.recall))),
    node("td", { class: "number" }, count(size.ground_truth)),
  );
}

function sizeWords({ low, high }) {
  if (!low) return `below ${100 * high} %`;
  return high == null ? `${100 * low} % and more` : `${100 * low} to ${100 * high} %`;
}

/** A box of this share of its frame. */
function sizeIcon(share) {
  const side = Math.sqrt(share);
  const [width, height] = [40 * side, 30 * side];
  return drawn(
    "svg",
    { class: "size-icon", viewBox: "0 0 44 34", "aria-hidden": "true" },
    drawn("rect", { class: "frame", x: 1, y: 1, width: 42, height: 32, rx: 2 }),
    drawn("rect", { class: "inside", x: 22 - width / 2, y: 17 - height / 2, width, height }),
  );
}
