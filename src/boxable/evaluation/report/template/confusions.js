// Which class was called what.

const FIRST_PAIRS = 12;

function showConfusions() {
  const [first] = content.confusions;
  if (!first) return fill("confusions-lead", "No detection above its best threshold fits an object of another class.");
  const share = ` is the most frequent: ${count(first.count)} of ${plural(first.of, "detection", "detections")} of ${first.called}.`;
  fill("confusions-lead", strong(first.is), " called ", strong(first.called), share);
  drawConfusions(FIRST_PAIRS);
}

function drawConfusions(shown) {
  const pairs = content.confusions;
  const heads = ["The object is", "and was called", "Detections", "Share"].map((name, index) =>
    node("th", { scope: "col", class: index === 3 ? "number" : null }, name),
  );
  const rows = pairs.slice(0, shown).map((pair) => confusionRow(pair, pairs[0].count));
  const more = moreButton(pairs.length, shown, "pairs", () => drawConfusions(pairs.length));
  slot("confusions-table").replaceChildren(
    node("table", { class: "confusions" }, node("thead", {}, node("tr", {}, heads)), node("tbody", {}, rows)),
    more ?? "",
  );
}

function confusionRow(pair, most) {
  const whole = node("span", { class: "small wide" }, ` of ${count(pair.of)}`);
  return node(
    "tr",
    {},
    node("td", {}, named(pair.is)),
    node("td", {}, named(pair.called)),
    node("td", {}, meter(bar(pair.count / most, null, "error"), count(pair.count))),
    node("td", { class: "number" }, percent(pair.count, pair.of), whole),
  );
}
