// Before the first paint: the theme of last time, else the system's. Stands alone, so that nothing waits for it.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const saved = () => {
    try { return localStorage.getItem("latchkey-theme") || "system"; } catch { return "system"; }
  };
  const apply = () => {
    const choice = saved();
    const root = document.documentElement;
    root.dataset.theme = choice === "system" ? (dark.matches ? "dark" : "light") : choice;
    root.dataset.themeChoice = choice;
    document.dispatchEvent(new Event("latchkey-theme"));
  };
  dark.addEventListener("change", apply);
  addEventListener("storage", apply);
  document.addEventListener("latchkey-theme-choose", event => {
    try { localStorage.setItem("latchkey-theme", event.detail); } catch { /* private mode: for this page only */ }
    apply();
  });
  // The framework takes away what the server did not write, when it updates a static page in place.
  new MutationObserver(() => { if (!document.documentElement.dataset.theme) apply(); })
    .observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  apply();
})();
