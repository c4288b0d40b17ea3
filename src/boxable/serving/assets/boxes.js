/** Boxes over the image, and the image with boxes drawn into it; in the colors of the server's `draw()`. */

const SVG = "http://www.w3.org/2000/svg";

export const percent = (score) => `${Math.round(score * 100)} %`;

/** Draw a rectangle for each detection, the weakest first; `pointed(index)` is called as the pointer moves, null: out. */
export function showBoxes(svg, detections, colorOf, pointed) {
  svg.replaceChildren(
    ...detections
      .map((item, index) => {
        const [top, left, bottom, right] = item.box.map((value) => Math.min(1, Math.max(0, value)));
        const rect = document.createElementNS(SVG, "rect");
        const shape = { x: left, y: top, width: right - left, height: bottom - top, stroke: colorOf(item).color };
        for (const [name, value] of Object.entries(shape)) rect.setAttribute(name, value);
        rect.dataset.index = index;
        rect.addEventListener("pointerenter", () => pointed(index));
        rect.addEventListener("pointerleave", () => pointed(null));
        return rect;
      })
      .reverse(),
  );
}

/** Draw the image and its boxes at full size; returns a PNG blob. */
export async function annotated(image, detections, colorOf) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const pen = canvas.getContext("2d");
  const size = Math.max(12, Math.round(Math.min(canvas.width, canvas.height) / 30));
  pen.drawImage(image, 0, 0);
  pen.font = `600 ${size}px system-ui, sans-serif`;
  pen.lineWidth = Math.max(2, size / 6);
  for (const item of [...detections].reverse()) {
    const { color, text_color } = colorOf(item);
    const [top, left, bottom, right] = item.box.map((value, axis) => value * (axis % 2 ? canvas.width : canvas.height));
    const text = `${item.name} ${percent(item.score)}`;
    pen.strokeStyle = pen.fillStyle = color;
    pen.strokeRect(left, top, right - left, bottom - top);
    const above = Math.max(0, top - size * 1.3);
    pen.fillRect(left, above, pen.measureText(text).width + size * 0.6, size * 1.3);
    pen.fillStyle = text_color;
    pen.fillText(text, left + size * 0.3, above + size);
  }
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}
