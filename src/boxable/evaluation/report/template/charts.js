// Charts on axes from 0 to 1, as wide as there is room.

const MARGIN = { top: 12, right: 12, bottom: 38, left: 40 };
const CURVES = [
  ["precision", "Precision"],
  ["recall", "Recall"],
  ["f1", "F1"],
];

/** A box in which `draw(width)` draws anew whenever the width changes. */
function responsive(draw) {
  const box = node("div", { class: "chart" });
  let drawnWidth = 0;
  new ResizeObserver(([entry]) => {
    const width = Math.round(entry.contentRect.width);
    if (!width || width === drawnWidth) return;
    drawnWidth = width;
    box.replaceChildren(draw(width));
  }).observe(box);
  return box;
}

/** An empty plot: the SVG, the scales of both axes, and `back`, the value at a horizontal place. */
function plot(width, height, title, xName, [low, high] = [0, 1]) {
  const { top, right, bottom, left } = MARGIN;
  const [across, up] = [width - left - right, height - top - bottom];
  const x = (value) => left + ((value - low) / (high - low)) * across;
  const y = (value) => height - bottom - value * up;
  const svg = drawn(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, height, role: "img" },
    drawn("title", {}, title),
    ticks(5).map((value) => [
      drawn("line", { class: "grid", x1: left, x2: left + across, y1: y(value), y2: y(value) }),
      drawn("text", { class: "tick end", x: left - 8, y: y(value) + 4 }, String(value)),
    ]),
    ticks(width < 340 ? 5 : 10, low, high).map((value) =>
      drawn("text", { class: "tick middle", x: x(value), y: height - bottom + 18 }, rounded(value)),
    ),
    drawn("text", { class: "tick middle", x: left + across / 2, y: height - 3 }, xName),
  );
  return { svg, x, y, back: (place) => low + Math.min(1, Math.max(0, (place - left) / across)) * (high - low) };
}

const ticks = (parts, low = 0, high = 1) =>
  Array.from({ length: parts + 1 }, (_, index) => low + (index / parts) * (high - low));

function line(points, x, y, look) {
  const d = points
    .map(([across, up], index) => `${index ? "L" : "M"}${x(across).toFixed(1)} ${y(up).toFixed(1)}`)
    .join("");
  return drawn("path", { class: `curve ${look}`, d });
}

/** A text beside a place, on the side where there is room. */
function beside(place, up, width, text, look = "") {
  const left = place > 0.6 * width;
  return drawn("text", { class: `tick ${left ? "end" : ""} ${look}`, x: place + (left ? -8 : 8), y: up }, text);
}

/** Precision against recall; the area is what AP is: below the best precision at this recall or a higher one. */
function recallChart({ name, AP, curve, best }) {
  let highest = 0;
  const steps = curve.toReversed().flatMap(([recall, precision]) => {
    const before = highest;
    highest = Math.max(highest, precision);
    return [[recall, before], [recall, highest]];
  });
  const area = [...steps, [0, highest], [0, 0]];
  return responsive((width) => {
    const { svg, x, y } = plot(width, 230, `Precision against recall of ${name}, AP ${figure(AP)}`, "Recall");
    svg.append(line(area, x, y, "area"), line([[0, curve[0][1]], ...curve], x, y, "precision"));
    if (best) svg.append(...bestPoint(x(best.recall), y(best.precision), width, best));
    return svg;
  });
}

const bestPoint = (x, y, width, best) => [
  drawn("circle", { class: "dot", cx: x, cy: y, r: 4.5 }),
  beside(x, y - 7, width, `best threshold ${figure(best.score)}`, "halo"),
];

/** Precision, recall and F1 against the score, with a slider that reads them. */
function thresholdChart(measured, best, whose, height) {
  const points = best ? withPoint(measured, [best.score, best.precision, best.recall, best.f1]) : measured;
  const range = [Math.min(0, points.at(-1)[0]), Math.max(1, points[0][0])];
  const start = best?.score ?? (range[0] + range[1]) / 2;
  const legend = readout();
  const label = `Score threshold, ${whose}`;
  const slider = node("input", { type: "range", min: range[0], max: range[1], step: "any", "aria-label": label });
  let moveCursor = () => {};
  const read = (threshold) => {
    const found = at(points, threshold);
    slider.value = threshold;
    slider.setAttribute("aria-valuetext", legend.show(threshold, found));
    moveCursor(threshold, found);
  };
  slider.addEventListener("input", () => read(Number(slider.value)));
  slider.value = start;
  const draw = (width) => {
    const axes = thresholdPlot(points, best, whose, [width, height], range);
    moveCursor = cursor(axes, read, () => read(start));
    read(Number(slider.value));
    return axes.svg;
  };
  return node("div", { class: "threshold" }, legend.element, responsive(draw), slider);
}

const withPoint = (points, point) => [...points, point].sort(([one], [other]) => other - one);

function thresholdPlot(points, best, whose, [width, height], range) {
  const title = `Precision, recall and F1 against the score threshold, ${whose}`;
  const axes = plot(width, height, title, "Score threshold", range);
  const { svg, x, y } = axes;
  CURVES.forEach(([look], index) => {
    const curve = points.map((point) => [point[0], point[index + 1]]);
    svg.append(line(curve, x, y, look));
  });
  if (best) {
    const place = x(best.score);
    svg.append(drawn("line", { class: "mark", x1: place, x2: place, y1: y(0), y2: y(1) }));
    svg.append(beside(place, y(1) + 9, width, `best ${figure(best.score)}`, "halo"));
  }
  return axes;
}

/** The legend of the curves, which says their values too; `show` returns them in words. */
function readout() {
  const score = node("b");
  const values = CURVES.map(() => node("b"));
  const names = CURVES.map(([look, name], index) => node("span", {}, swatch(look), `${name} `, values[index]));
  const element = node("p", { class: "readout" }, node("span", {}, "score ≥ ", score), names);
  const show = (threshold, found) => {
    score.textContent = figure(threshold);
    found.forEach((value, index) => (values[index].textContent = figure(value)));
    return `${figure(threshold)}: ${CURVES.map(([, name], index) => `${name} ${figure(found[index])}`).join(", ")}`;
  };
  return { element, show };
}

function swatch(look) {
  const stroke = drawn("path", { class: `curve ${look}`, d: "M1 5H23" });
  return drawn("svg", { class: "swatch", viewBox: "0 0 24 10", "aria-hidden": "true" }, stroke);
}

/** A line with a dot on each curve that follows the pointer; returns what puts it somewhere. */
function cursor({ svg, x, y, back }, follow, leave) {
  const rule = drawn("line", { class: "cursor", y1: y(0), y2: y(1) });
  const dots = CURVES.map(([look]) => drawn("circle", { class: `dot ${look}`, r: 4 }));
  svg.append(rule, ...dots);
  svg.addEventListener("pointermove", (event) => follow(back(event.clientX - svg.getBoundingClientRect().left)));
  svg.addEventListener("pointerleave", leave);
  return (threshold, found) => {
    filled(rule, { x1: x(threshold), x2: x(threshold) });
    dots.forEach((dot, index) => {
      const visibility = found[index] == null ? "hidden" : "visible";
      filled(dot, { visibility, cx: x(threshold), cy: y(found[index] ?? 0) });
    });
  };
}

/** Precision, recall and F1 at a threshold, between the points, whose scores fall; above all scores nothing is kept. */
function at(points, threshold) {
  if (threshold > points[0][0]) return [null, 0, 0];
  const after = points.findIndex(([score]) => score <= threshold);
  if (after <= 0) return points.at(after).slice(1);
  const [high, low] = [points[after - 1], points[after]];
  const part = (high[0] - threshold) / (high[0] - low[0]);
  return low.slice(1).map((value, index) => high[index + 1] + part * (value - high[index + 1]));
}
