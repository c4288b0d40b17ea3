/** The page: an image comes in, detections go on it and into a list, and filters choose among them. */

import { KeyNeeded, classes, detect, models, useKey } from "./api.js";
import { annotated, percent, showBoxes } from "./boxes.js";
import { closeCamera, openCamera, takePicture } from "./camera.js";
import { showTree, treeOf } from "./tree.js";

const LOWEST = 0.05;
const find = (id) => document.getElementById(id);

const state = { known: new Map(), record: null, shown: [], hidden: new Set(), last: null, number: 0 };

const colorOf = (item) => state.known.get(item.mid) ?? { color: "#ffb000", text_color: "#000000" };

async function attempt(work) {
  find("error").hidden = true;
  try {
    await work();
  } catch (error) {
    find("status").textContent = "";
    find("error").textContent = error.message;
    find("error").hidden = false;
    if (error instanceof KeyNeeded) {
      find("key-field").hidden = false;
      find("key").focus();
    }
  }
}

async function start() {
  const served = await models();
  find("model").replaceChildren(...served.map(({ name }) => new Option(name, name)));
  find("model-field").hidden = served.length < 2;
  await learnClasses();
}

async function learnClasses() {
  state.known = new Map((await classes(find("model").value)).map((item) => [item.mid, item]));
}

async function look(file) {
  const number = (state.number += 1);
  find("results").hidden = find("figure").hidden = true;
  if (!file?.type.startsWith("image/")) throw new Error("This is not an image.");
  state.last = file;
  if (!state.known.size) await start();
  find("status").textContent = "Detecting…";
  const image = find("image");
  URL.revokeObjectURL(image.src);
  find("boxes").replaceChildren();
  image.src = URL.createObjectURL(file);
  const began = performance.now();
  const record = await detect(file, find("model").value, LOWEST);
  if (number !== state.number) return; // another image came meanwhile
  state.record = record;
  state.hidden.clear();
  find("figure").hidden = find("results").hidden = false;
  image.alt = `The image that was sent, ${record.width} by ${record.height} pixels`;
  find("status").textContent = `${Math.round(performance.now() - began)} ms, ${record.width}×${record.height} pixels`;
  show();
}

function show() {
  const least = find("score").valueAsNumber / 100;
  find("score-value").textContent = percent(least);
  const scored = state.record.detections.filter((item) => item.score >= least);
  showTree(find("classes"), treeOf(scored, state.known), state.hidden, showDetections);
  showDetections();
}

function showDetections() {
  const least = find("score").valueAsNumber / 100;
  const isShown = (item) =>
    item.score >= least &&
    ![item.name, ...(state.known.get(item.mid)?.ancestors ?? [])].some((name) => state.hidden.has(name));
  state.shown = state.record.detections.filter(isShown);
  find("count").textContent = state.shown.length === 1 ? "1 detection" : `${state.shown.length} detections`;
  showBoxes(find("boxes"), state.shown, colorOf, point);
  find("list").replaceChildren(...state.shown.map(rowOf));
  point(null);
}

function rowOf(item, index) {
  const row = document.createElement("li");
  const button = document.createElement("button");
  const swatch = document.createElement("span");
  const number = document.createElement("span");
  swatch.className = "swatch";
  swatch.style.background = colorOf(item).color;
  number.className = "number";
  number.textContent = percent(item.score);
  button.type = "button";
  button.append(swatch, item.name, number);
  for (const event of ["pointerenter", "focus"]) button.addEventListener(event, () => point(index));
  for (const event of ["pointerleave", "blur"]) button.addEventListener(event, () => point(null));
  row.append(button);
  return row;
}

/** Emphasize a detection in the image and in the list; null: none. */
function point(index) {
  for (const rect of find("boxes").children) rect.classList.toggle("on", rect.dataset.index === String(index));
  [...find("list").children].forEach((row, place) => row.firstChild.classList.toggle("on", place === index));
  const tip = find("tip");
  tip.hidden = index === null;
  if (index === null) return;
  const item = state.shown[index];
  const { color, text_color } = colorOf(item);
  tip.textContent = `${item.name} ${percent(item.score)}`;
  tip.style.background = color;
  tip.style.color = text_color;
  tip.style.left = `${Math.min(75, Math.max(0, item.box[1] * 100))}%`;
  tip.style.top = `${Math.min(92, Math.max(0, item.box[0] * 100))}%`;
}

async function download() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await annotated(find("image"), state.shown, colorOf));
  link.download = "annotated.png";
  link.click();
  URL.revokeObjectURL(link.href);
}

const imageIn = (items) => [...(items ?? [])].find((file) => file.type.startsWith("image/")) ?? items?.[0];
const on = (id, event, work) => find(id).addEventListener(event, (happened) => attempt(() => work(happened)));

on("choose", "click", () => find("file").click());
on("file", "change", () => find("file").files.length && look(find("file").files[0]));
on("camera", "click", openCamera);
on("take", "click", async () => look(await takePicture()));
on("stop", "click", closeCamera);
on("score", "input", show);
on("download", "click", download);
on("model", "change", async () => {
  await learnClasses();
  if (state.last) await look(state.last);
});
on("copy", "click", async () => {
  if (!navigator.clipboard) throw new Error("Browsers let pages copy over HTTPS or from localhost alone.");
  await navigator.clipboard.writeText(JSON.stringify({ ...state.record, detections: state.shown }, null, 1));
  find("status").textContent = "Copied.";
});
on("key-field", "submit", async (event) => {
  event.preventDefault();
  useKey(find("key").value);
  await start();
  find("key-field").hidden = true;
  if (state.last) await look(state.last);
});
document.addEventListener("paste", (event) => {
  const file = imageIn(event.clipboardData.files);
  if (file) attempt(() => look(file));
});
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  find("drop").classList.add("over");
});
document.addEventListener("dragleave", () => find("drop").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  find("drop").classList.remove("over");
  attempt(() => look(imageIn(event.dataTransfer.files)));
});
attempt(start);
