// The table of classes: flat or as a tree, sorted, filtered, with the detail of the chosen class under its row.

const FIRST = 30;
const COLUMNS = [
  { name: "Class", look: "name", value: (item) => item.name.toLowerCase() },
  { name: "AP", look: "ap", value: (item) => item.AP },
  { name: "95 %", look: "number wide interval", value: lowEnd, show: (item) => between(item.interval) },
  { name: "Boxes", look: "number", value: (item) => item.ground_truth, show: (item) => count(item.ground_truth) },
  { name: "Detections", look: "number wide", value: (item) => item.detections, show: (item) => count(item.detections) },
  { name: "Recall at any score", look: "number wide", value: (item) => item.recall },
  { name: "Best threshold", look: "number wide", value: (item) => item.best?.score },
  { name: "F1 there", look: "number wide", value: (item) => item.best?.f1 },
];
const kindsOf = Map.groupBy(
  content.classes.flatMap((item) => item.parents.map((parent) => [parent, item])),
  ([parent]) => parent,
);

// `open` and `chosen` are paths of MIDs, since a class with two parents stands in the tree twice.
const view = { sort: COLUMNS[1], falls: true, all: false, open: new Set(), chosen: null };

function showClasses() {
  const empty = content.classes.filter((item) => !item.ground_truth).length;
  slot("class-empty-label").hidden = !empty;
  fill("class-empty-words", `Show ${plural(empty, "class", "classes")} without ground truth`);
  slot("class-controls").addEventListener("input", drawClasses);
  slot("class-tree").closest("label").hidden = !kindsOf.size;
  fill("class-heads", COLUMNS.map(head));
  drawClasses();
}

function lowEnd(item) {
  return item.interval?.[0];
}

const shown = ({ show, value }, item) => (show ? show(item) : figure(value(item)));

function head(column) {
  const sort = () => {
    view.falls = view.sort === column ? !view.falls : column !== COLUMNS[0];
    view.sort = column;
    drawClasses();
  };
  return node("th", { scope: "col", class: column.look }, node("button", { type: "button", click: sort }, column.name));
}

function drawClasses() {
  const rows = slot("class-tree").checked ? treeRows() : flatRows();
  const focused = document.activeElement?.dataset.key;
  const most = view.all || slot("class-tree").checked ? rows.length : FIRST;
  slot("class-rows").replaceChildren(...rows.slice(0, most).flatMap(classRow));
  if (focused) buttonOf(focused)?.focus();
  slot("class-more").replaceChildren(moreButton(rows.length, most, "classes", drawAll) ?? "");
  slot("class-count").textContent = plural(content.classes.filter(wanted).length, "class", "classes");
  COLUMNS.forEach((column, index) => {
    const order = view.falls ? "descending" : "ascending";
    slot("class-heads").children[index].setAttribute("aria-sort", view.sort === column ? order : "none");
  });
}

const buttonOf = (key) => slot("class-rows").querySelector(`[data-key=${CSS.escape(key)}]`);

function drawAll() {
  view.all = true;
  drawClasses();
}

const flatRows = () => sorted(content.classes.filter(wanted)).map((item) => ({ item, path: item.mid, depth: 0 }));

/** The rows of a tree whose branches are open; a class that is not wanted stays as the way to one that is. */
function treeRows(items = content.classes.filter((item) => !item.parents.length), above = "", depth = 0) {
  const filtered = slot("class-filter").value !== "";
  return sorted(items.filter(leadsToWanted)).flatMap((item) => {
    const path = `${above}/${item.mid}`;
    const kinds = (kindsOf.get(item.mid) ?? []).map(([, kind]) => kind).filter(leadsToWanted);
    const open = filtered || view.open.has(path);
    return [{ item, path, depth, kinds: kinds.length, open }, ...(open ? treeRows(kinds, path, depth + 1) : [])];
  });
}

const leadsToWanted = (item) => wanted(item) || (kindsOf.get(item.mid) ?? []).some(([, kind]) => leadsToWanted(kind));

function wanted(item) {
  const filter = slot("class-filter").value.trim().toLowerCase();
  return (
    (slot("class-empty").checked || item.ground_truth > 0) &&
    (item.name.toLowerCase().includes(filter) || item.mid === filter)
  );
}

/** By the chosen column, what has no value last; equals by name. */
function sorted(items) {
  const { value } = view.sort;
  const sign = view.falls ? -1 : 1;
  const compare = (one, other) => (one < other ? -sign : one > other ? sign : 0);
  return items.toSorted((one, other) => {
    const [first, second] = [value(one), value(other)];
    if (first == null || second == null) return (first == null) - (second == null);
    return compare(first, second) || one.name.localeCompare(other.name);
  });
}

function classRow(row) {
  const chosen = view.chosen === row.path;
  const cells = COLUMNS.slice(2).map((column) => node("td", { class: column.look }, shown(column, row.item)));
  const choose = (event) => event.target.closest("button") || chooseClass(row);
  return [
    node("tr", { class: chosen ? "chosen" : null, click: choose }, nameCell(row, chosen), apCell(row.item), cells),
    chosen ? node("tr", { class: "detail-row" }, node("td", { colspan: COLUMNS.length }, classDetail(row.item))) : null,
  ].filter(Boolean);
}

function nameCell(row, chosen) {
  const { item, path, depth, kinds } = row;
  const look = { type: "button", class: "class-name", "data-key": path, "aria-expanded": chosen };
  const name = node("button", { ...look, click: () => chooseClass(row) }, item.name);
  const branch = kinds === undefined ? null : branchButton(row);
  const number = kinds ? node("span", { class: "small" }, count(kinds)) : null;
  return node("th", { scope: "row", class: "name", "--depth": depth }, node("div", {}, branch, name, number));
}

/** The button that opens a branch, or room of the same width. */
function branchButton({ item, path, kinds, open }) {
  if (!kinds) return node("span", { class: "branch" });
  const toggle = () => {
    open ? view.open.delete(path) : view.open.add(path);
    drawClasses();
  };
  const look = { type: "button", class: "branch", "data-key": `${path} branch`, "aria-expanded": open };
  return node("button", { ...look, "aria-label": `Kinds of ${item.name}`, click: toggle });
}

function apCell(item) {
  return node("td", { class: "ap" }, meter(bar(item.AP, item.interval), figure(item.AP)));
}

function chooseClass({ item, path }) {
  view.chosen = view.chosen === path ? null : path;
  drawClasses();
  history.replaceState(null, "", view.chosen ? address("class", item.mid) : "#classes");
}

/** Show a class in the flat list, whatever was filtered or sorted away. */
function visitClass(mid) {
  const item = classOf.get(mid);
  if (!item) return;
  slot("class-filter").value = "";
  slot("class-tree").checked = false;
  slot("class-empty").checked ||= !item.ground_truth;
  view.chosen = mid;
  view.all ||= flatRows().findIndex((row) => row.item === item) >= FIRST;
  drawClasses();
  const button = buttonOf(mid);
  button.focus({ preventScroll: true });
  button.closest("tr").scrollIntoView({ block: "start" });
}
