// What is known of one class.

function classDetail(item) {
  return node(
    "div",
    { class: "detail" },
    node("dl", { class: "narrow detail-facts" }, hiddenFacts(item)),
    item.curve.length ? node("div", { class: "pair" }, detailCharts(item)) : node("p", {}, noCurve(item)),
    node("div", { class: "pair" }, block("Errors", classErrors(item)), block("Confusions", classConfusions(item))),
    node("p", { class: "small" }, node("code", {}, item.mid), sheetLink(item)),
  );
}

const block = (name, ...children) => node("div", {}, node("h3", {}, name), children);
const noCurve = (item) =>
  item.ground_truth ? "No detection of this class: there are no curves." : "Without ground truth there are no curves.";

/** What the table has no room for on a narrow screen. */
const hiddenFacts = (item) =>
  COLUMNS.filter(({ look }) => look.includes("wide")).map((column) => fact(column.name, shown(column, item)));

function detailCharts(item) {
  return [
    block("Precision and recall", recallChart(item)),
    block("Threshold", thresholdChart(item.thresholds, item.best, item.name, 200)),
  ];
}

function classErrors({ errors }) {
  const most = Math.max(...Object.values(errors), 1);
  const rows = Object.entries(errors).map(([kind, number]) =>
    node(
      "tr",
      {},
      node("td", {}, glyph(kind)),
      node("th", { scope: "row" }, KINDS[kind][0]),
      node("td", {}, bar(number / most, null, "error")),
      node("td", { class: "number" }, count(number)),
    ),
  );
  return node("table", { class: "small-table" }, node("tbody", {}, rows));
}

function classConfusions({ name }) {
  const called = content.confusions.filter((pair) => pair.is === name);
  const isReally = content.confusions.filter((pair) => pair.called === name);
  if (!called.length && !isReally.length) return node("p", { class: "small" }, "None above the best thresholds.");
  return [
    confusionList(`${name} is called`, called, (pair) => pair.called),
    confusionList(`What is called ${name} is really`, isReally, (pair) => pair.is),
  ];
}

function confusionList(heading, pairs, other) {
  if (!pairs.length) return null;
  const items = pairs.slice(0, 6).map((pair) => node("li", {}, named(other(pair)), ` ${count(pair.count)}`));
  return [node("p", { class: "small" }, heading), node("ul", { class: "inline" }, items)];
}

function sheetLink(item) {
  const known = content.sheets.some((sheet) => sheet.mid === item.mid);
  return known ? [" · ", node("a", { href: address("sheet", item.mid) }, "contact sheet")] : null;
}
