// Runs before the first paint, so that a chosen theme does not flash: the rest is in src/shell/theme.ts.
try {
  var chosen = localStorage.getItem("yeoul.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch (_) {
  // Storage is off: the browser's own preference holds.
}
