// Contact sheets: photos with the box of the detection and of the object, and the viewer that enlarges them.

const GROUPS = [
  ["true", "Found", "the best scores first"],
  ["false", "False alarms", "the best scores first: these hurt most"],
  ["missed", "Missed", "the largest first"],
];

function showSheets() {
  const [first] = content.sheets;
  if (!first) return fill("sheet", noSheets());
  const which = first.why === "chosen" ? "The chosen classes." : "The classes with the lowest AP.";
  fill("sheets-about", `${which} Choose a photo to enlarge it.`);
  fill("sheet-legend", boxLegend());
  fill("sheet-chooser", content.sheets.map(sheetButton));
  showSheet(first);
  prepareViewer();
}

const sheetButton = (sheet) =>
  node("button", { type: "button", "data-mid": sheet.mid, click: () => showSheet(sheet) }, sheet.name);

function noSheets() {
  const what = " shows photos here: what was found, wrongly found and missed.";
  return node("p", { class: "lead" }, node("code", {}, "--images DIR"), what);
}

function showSheet(sheet) {
  for (const button of slot("sheet-chooser").children) {
    button.setAttribute("aria-pressed", button.dataset.mid === sheet.mid);
  }
  slot("sheet").replaceChildren(...GROUPS.map(([key, name, order]) => group(sheet, sheet[key], name, order)));
}

function visitSheet(mid) {
  const sheet = content.sheets.find((one) => one.mid === mid);
  if (!sheet) return;
  showSheet(sheet);
  slot("sheets").scrollIntoView();
}

function group(sheet, shots, name, order) {
  const photos = shots.map((shot, index) => thumbnail(sheet, shots, index));
  return node(
    "div",
    { class: "shots" },
    node("h3", {}, name, " ", node("span", { class: "small" }, shots.length ? order : "none")),
    shots.length ? node("ul", {}, photos) : null,
  );
}

function thumbnail(sheet, shots, index) {
  const shot = shots[index];
  const { width, height } = content.photos[shot.image];
  const label = `${sheet.name}: ${described(shot)}. Enlarge`;
  const open = () => openViewer(sheet, shots, index);
  return node(
    "li",
    { "--aspect": width / height },
    node("button", { type: "button", "aria-label": label, click: open }, photo(shot)),
    node("p", { class: "small", "aria-hidden": "true" }, described(shot)),
  );
}

/** What became of it, in a few words. */
function described({ kind, score, is, truth }) {
  if (score === undefined) return `${rounded(100 * areaOf(truth))} % of the image`;
  return `${score.toFixed(2)} ${kind}${is === undefined ? "" : `, is ${is}`}`;
}

/** The photo with the object dashed and the detection solid, each on a dark line that shows on any ground. */
function photo({ image, box, truth }) {
  const { src, width, height } = content.photos[image];
  const rect = ([ymin, xmin, ymax, xmax], look) => {
    const across = { x: xmin * width, width: (xmax - xmin) * width };
    const down = { y: ymin * height, height: (ymax - ymin) * height };
    return ["under", look].map((name) => drawn("rect", { class: name, ...across, ...down }));
  };
  return drawn(
    "svg",
    { class: "photo", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", "--aspect": width / height },
    drawn("image", { href: src, width, height }),
    truth && rect(truth, "truth"),
    box && rect(box, "found"),
  );
}

let viewed = { sheet: null, shots: [], index: 0 };

function prepareViewer() {
  slot("viewer-before").addEventListener("click", () => turn(-1));
  slot("viewer-after").addEventListener("click", () => turn(1));
  slot("viewer-close").addEventListener("click", () => slot("viewer").close());
  slot("viewer").addEventListener("click", (event) => event.target === slot("viewer") && slot("viewer").close());
  slot("viewer").addEventListener("keydown", ({ key }) => turn({ ArrowLeft: -1, ArrowRight: 1 }[key] ?? 0));
}

function openViewer(sheet, shots, index) {
  viewed = { sheet, shots, index };
  turn(0);
  slot("viewer").showModal();
}

function turn(step) {
  const { sheet, shots } = viewed;
  viewed.index = (viewed.index + step + shots.length) % shots.length;
  const shot = shots[viewed.index];
  const overlap = shot.box && shot.truth ? `, IoU ${overlapOf(shot.box, shot.truth).toFixed(2)} with the object` : "";
  slot("viewer-photo").replaceChildren(photo(shot));
  slot("viewer-caption").replaceChildren(strong(sheet.name), ` ${described(shot)}${overlap} · image ${shot.image}`);
}

const areaOf = ([ymin, xmin, ymax, xmax]) => (ymax - ymin) * (xmax - xmin);

function overlapOf(one, other) {
  const side = (low, high) => Math.max(0, Math.min(one[high], other[high]) - Math.max(one[low], other[low]));
  const common = side(0, 2) * side(1, 3);
  return common / (areaOf(one) + areaOf(other) - common);
}
