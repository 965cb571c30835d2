(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const data = JSON.parse($("data").textContent);
  const grid = $("grid"), panel = $("panel"), body = $("panel-body"), tools = $("tools");
  const rows = [...grid.querySelectorAll("tr[data-id]")];
  const heads = [...grid.querySelectorAll("th[data-place]")];
  const bad = new Set(data.bad);
  let back = null; // what has the focus again once the panel closes

  // Every row once: what it can be found by, and its cells.
  const facts = new Map(rows.map((row) => {
    const id = row.dataset.id, one = data.rows[id];
    const reasons = one.reasons.map((at) => data.reasons[at]);
    const calls = one.calls.map((at) => data.calls[at]);
    const text = [id, row.querySelector("th span").textContent, ...calls, ...reasons].join("\n").toLowerCase();
    const cells = [...row.querySelectorAll("td")];
    cells.forEach((cell) => { cell.tabIndex = -1; const link = cell.querySelector("a"); if (link) link.tabIndex = -1; });
    row.querySelector("th a").tabIndex = -1;
    return [row, { id, text, cells, reasons, calls: new Set(calls), area: row.parentNode.dataset.area }];
  }));

  // Theme
  const theme = $("theme"), prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme || (prefersDark.matches ? "dark" : "light")) === "dark";
  const nameTheme = () => { theme.textContent = isDark() ? "Light scheme" : "Dark scheme"; };
  theme.hidden = false;
  nameTheme();
  prefersDark.addEventListener("change", nameTheme);
  theme.addEventListener("click", () => {
    const next = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try { localStorage.setItem("vmirom-theme", next); } catch { /* not kept */ }
    nameTheme();
  });

  // Filters
  const value = (id) => $(id).value;
  function filter() {
    const words = value("search").toLowerCase().split(/\s+/).filter(Boolean);
    const area = value("area"), state = value("state"), call = value("call");
    const visible = data.places.map((p) =>
      (!value("backend") || p.backend === value("backend")) && (!value("host") || p.host === value("host")));
    heads.forEach((head, at) => { head.hidden = !visible[at]; });
    let count = 0;
    for (const [row, one] of facts) {
      const fits = (cell) => !state || (state === "bad" ? bad.has(cell.className) : cell.className === state);
      one.cells.forEach((cell, at) => { cell.hidden = visible.length > 0 && !visible[at]; });
      const show = (!area || one.area === area) && (!call || one.calls.has(call)) &&
        words.every((word) => one.text.includes(word)) && one.cells.some((cell) => !cell.hidden && fits(cell));
      row.hidden = !show;
      count += show;
    }
    for (const part of grid.tBodies) part.hidden = ![...part.rows].some((row) => row.dataset.id && !row.hidden);
    $("nothing").hidden = count > 0;
    $("shown").textContent = `${count} of ${rows.length} clauses`;
    $("only-bad").setAttribute("aria-pressed", String(state === "bad"));
    rove();
  }
  for (const kind of ["input", "change"]) tools.addEventListener(kind, filter);
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.addEventListener("reset", () => setTimeout(filter));
  $("only-bad").addEventListener("click", () => { $("state").value = value("state") === "bad" ? "" : "bad"; filter(); });

  // The matrix: one stop for the tab key, arrows inside.
  let current = null;
  const shownRows = () => rows.filter((row) => !row.hidden);
  const shownCells = (row) => facts.get(row).cells.filter((cell) => !cell.hidden);
  function rove(cell) {
    const usable = (one) => one && !one.hidden && !one.parentNode.hidden;
    const next = usable(cell) ? cell : usable(current) ? current : shownRows().flatMap(shownCells)[0];
    if (current) current.tabIndex = -1;
    current = next || null;
    if (current) current.tabIndex = 0;
  }
  function go(cell) { if (!cell) return; rove(cell); cell.focus(); cell.scrollIntoView({ block: "nearest", inline: "nearest" }); clearHead(cell); }
  // what is sticky must not hide the cell that has the focus
  function clearHead(cell) {
    const frame = $("frame"), head = grid.tHead.getBoundingClientRect(), side = cell.parentNode.cells[0].getBoundingClientRect(), box = cell.getBoundingClientRect();
    if (box.top < head.bottom) frame.scrollTop -= head.bottom - box.top;
    if (box.left < side.right) frame.scrollLeft -= side.right - box.left;
  }
  grid.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td");
    if (!cell || event.altKey || event.metaKey) return;
    const list = shownRows(), row = list.indexOf(cell.parentNode), cells = shownCells(cell.parentNode), col = cells.indexOf(cell);
    const at = (r, c) => { const line = list[Math.max(0, Math.min(list.length - 1, r))]; const all = shownCells(line); return all[Math.max(0, Math.min(all.length - 1, c))]; };
    const far = event.ctrlKey;
    const where = {
      ArrowUp: () => at(row - 1, col), ArrowDown: () => at(row + 1, col), ArrowLeft: () => at(row, col - 1), ArrowRight: () => at(row, col + 1),
      Home: () => at(far ? 0 : row, 0), End: () => at(far ? list.length : row, cells.length), PageUp: () => at(row - 12, col), PageDown: () => at(row + 12, col),
    }[event.key];
    if (where) { event.preventDefault(); go(where()); }
    else if (event.key === "Enter" || event.key === " ") { event.preventDefault(); open(cell); }
  });
  grid.addEventListener("click", (event) => {
    const cell = event.target.closest("td");
    const link = event.target.closest("th a");
    if (cell) { event.preventDefault(); rove(cell); open(cell); }
    else if (link) { reveal(link.hash.slice(1)); }
  });

  // The panel
  const clone = (id) => { const found = $(id); const copy = found && found.cloneNode(true); if (copy) unname(copy); return copy; };
  function unname(node) {
    node.removeAttribute("id");
    node.removeAttribute("aria-labelledby");
    node.querySelectorAll("[id]").forEach((inner) => inner.removeAttribute("id"));
  }
  const element = (name, text, kind) => { const made = document.createElement(name); made.textContent = text; if (kind) made.className = kind; return made; };
  function open(cell) {
    const row = cell.parentNode, one = facts.get(row), at = one.cells.indexOf(cell), place = data.places[at];
    show(place ? `${one.id} on ${place.label}` : one.id, cell);
    grid.querySelectorAll('[aria-selected="true"]').forEach((other) => other.removeAttribute("aria-selected"));
    cell.setAttribute("aria-selected", "true");
    const chip = element("span", "", `chip ${cell.className}`);
    const icon = cell.querySelector("svg");
    chip.append(icon.cloneNode(true), data.words[cell.className]);
    body.append(chip, element("blockquote", row.querySelector("th span").textContent));
    if (one.reasons[at]) body.append(element("p", one.reasons[at], "reason"));
    for (const number of (data.rows[one.id].incidents[at] || [])) body.append(about(clone(`incident-${number}`), one.id));
    const card = $(one.id).querySelector("dl").cloneNode(true);
    body.append(element("h4", "The clause"), card);
    if (place) history.replaceState(null, "", `#${one.id}@${place.label}`);
  }
  // the command that makes the run again, for the clause that was asked for
  function about(article, id) {
    const code = article.querySelector(".replay code");
    code.textContent = code.textContent.replace(/--select \S+/, `--select ${id}`);
    return article;
  }
  function openIncident(number, from) {
    const article = clone(`incident-${number}`);
    show(article.querySelector("h3").textContent, from);
    article.querySelector("h3").remove();
    body.append(article);
  }
  function show(title, from) {
    back = from;
    body.replaceChildren();
    body.scrollTop = 0;
    $("panel-title").textContent = title;
    panel.hidden = false;
    document.body.classList.add("with-panel");
    $("panel-title").focus({ preventScroll: true });
  }
  function close() {
    if (panel.hidden) return false;
    panel.hidden = true;
    document.body.classList.remove("with-panel");
    grid.querySelectorAll('[aria-selected="true"]').forEach((other) => other.removeAttribute("aria-selected"));
    history.replaceState(null, "", location.pathname + location.search);
    if (back) { if (back.closest("#grid") && !back.hidden && !back.parentNode.hidden) go(back); else back.focus(); }
    return true;
  }
  $("close").addEventListener("click", close);
  function step(by) {
    const cells = shownRows().flatMap(shownCells), marked = cells.filter((cell) => bad.has(cell.className));
    if (!marked.length) return;
    const start = cells.indexOf(current);
    const ahead = by > 0 ? marked.find((cell) => cells.indexOf(cell) > start) : marked.findLast((cell) => cells.indexOf(cell) < start);
    const next = ahead || (by > 0 ? marked[0] : marked.at(-1));
    const wasOpen = !panel.hidden;
    go(next);
    if (wasOpen) open(next);
  }
  $("before").addEventListener("click", () => step(-1));
  $("after").addEventListener("click", () => step(1));

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea");
    if (event.key === "Escape") {
      if (close()) { event.preventDefault(); return; }
      if (typing && typing.id === "search") { typing.value = ""; filter(); if (current) go(current); event.preventDefault(); }
      return;
    }
    if (typing || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "/") { event.preventDefault(); $("search").focus(); $("search").select(); }
    else if (event.key === "n") step(1);
    else if (event.key === "p") step(-1);
  });
  $("search").addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "ArrowDown") { event.preventDefault(); rove(); if (current) go(current); }
  });

  // Links of other parts
  document.addEventListener("click", async (event) => {
    const copy = event.target.closest("[data-copy]");
    if (copy) { await take(copy); return; }
    const link = event.target.closest("a[href^='#']");
    if (!link || link.closest("#grid")) return;
    if (link.dataset.incident) { event.preventDefault(); openIncident(link.dataset.incident, link); }
    else { if (link.closest("#panel")) close(); reveal(link.hash.slice(1)); }
  });
  function reveal(id) { const found = $(id); if (found && found.tagName === "DETAILS") found.open = true; }
  async function take(button) {
    const code = button.parentNode.querySelector("code");
    let done = true;
    try { await navigator.clipboard.writeText(code.textContent); }
    catch { const range = document.createRange(); range.selectNodeContents(code); const all = getSelection(); all.removeAllRanges(); all.addRange(range); done = document.execCommand("copy"); }
    button.textContent = done ? "Copied" : "Select and copy";
    setTimeout(() => { button.textContent = "Copy"; }, 1600);
  }
  const map = document.querySelector(".map .target");
  if (map) map.addEventListener("click", (event) => {
    const box = map.getBoundingClientRect();
    const at = Math.floor((event.clientX - box.left) / box.width * rows.length), place = Math.floor((event.clientY - box.top) / box.height * data.places.length);
    const row = rows[Math.max(0, Math.min(rows.length - 1, at))];
    const cell = facts.get(row).cells[Math.max(0, Math.min(data.places.length - 1, place))];
    if (row.hidden || cell.hidden) tools.reset();
    setTimeout(() => { go(cell); open(cell); });
  });

  addEventListener("beforeprint", () => document.querySelectorAll(".incident details").forEach((one) => { one.open = true; }));
  filter();
  const asked = decodeURIComponent(location.hash.slice(1)), split = asked.indexOf("@");
  if (split > 0) {
    const row = rows.find((one) => one.dataset.id === asked.slice(0, split)), at = data.places.findIndex((p) => p.label === asked.slice(split + 1));
    if (row && at >= 0) { const cell = facts.get(row).cells[at]; go(cell); open(cell); }
  } else if (asked) reveal(asked);
})();
