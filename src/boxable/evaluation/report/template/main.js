// The page is put together, and addresses such as #class=/m/01g317 lead to their place.

function prepareScheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.scheme ?? (dark.matches ? "dark" : "light")) === "dark";
  const name = () => (slot("scheme").textContent = isDark() ? "Light" : "Dark");
  slot("scheme").addEventListener("click", () => {
    document.documentElement.dataset.scheme = isDark() ? "light" : "dark";
    name();
  });
  dark.addEventListener("change", name);
  name();
}

function visit() {
  const [, what, mid] = decodeURIComponent(location.hash).match(/^#(class|sheet)=(.*)$/s) ?? [];
  if (what === "class") visitClass(mid);
  if (what === "sheet") visitSheet(mid);
}

prepareScheme();
showHead();
showErrors();
showThreshold();
showSizes();
showClasses();
showConfusions();
showSheets();
addEventListener("hashchange", visit);
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((details) => (details.open = true)));
visit();
