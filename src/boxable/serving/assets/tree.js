/** The classes that were found, with their ancestors, as a tree of checkboxes with counts. */

/** Build nodes from detections; `known` maps a MID to its class with `ancestors`, nearest first. */
export function treeOf(detections, known) {
  const roots = new Map();
  for (const { mid, name } of detections) {
    let level = roots;
    for (const step of [...(known.get(mid)?.ancestors ?? [])].reverse().concat(name)) {
      if (!level.has(step)) level.set(step, { name: step, count: 0, children: new Map() });
      const node = level.get(step);
      node.count += 1;
      level = node.children;
    }
  }
  return roots;
}

/** Show a tree in a list element; `hidden` has the names of the nodes that are unchecked. */
export function showTree(list, nodes, hidden, changed) {
  list.replaceChildren(...[...nodes.values()].map((node) => itemOf(node, hidden, changed)));
}

function itemOf(node, hidden, changed) {
  const item = document.createElement("li");
  const label = document.createElement("label");
  const box = document.createElement("input");
  const number = document.createElement("span");
  box.type = "checkbox";
  box.checked = !hidden.has(node.name);
  box.addEventListener("change", () => {
    box.checked ? hidden.delete(node.name) : hidden.add(node.name);
    changed();
  });
  number.className = "number";
  number.textContent = ` ${node.count}`;
  label.append(box, ` ${node.name}`, number);
  item.append(label);
  if (node.children.size) {
    const list = document.createElement("ul");
    showTree(list, node.children, hidden, changed);
    item.append(list);
  }
  return item;
}
