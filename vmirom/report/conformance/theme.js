(() => {
  "use strict";
  const root = document.documentElement;
  root.classList.add("js");
  try {
    const kept = localStorage.getItem("vmirom-theme");
    if (kept === "dark" || kept === "light") root.dataset.theme = kept;
  } catch { /* nothing is kept where that is not allowed */ }
})();
