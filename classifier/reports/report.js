// The page is complete without this: the reasons then stand as a list under each article.
(() => {
  "use strict";
  const root = document.documentElement;
  const pop = document.getElementById("pop");
  const popBody = pop.querySelector(".pop-body");
  const sheet = matchMedia("(max-width: 40rem)");
  const margin = matchMedia("(min-width: 62.01rem)");
  const SHOW_MS = 90;
  const HIDE_MS = 300; // time for the pointer to reach the pop-up
  const GAP = 8;
  root.classList.add("js");

  // --- the reasons of one sentence

  let shown = null;
  let timer = 0;

  function show(flag) {
    clearTimeout(timer);
    if (shown) shown.classList.remove("current");
    shown = flag;
    flag.classList.add("current");
    const note = document.getElementById(flag.dataset.note).cloneNode(true);
    for (const element of note.querySelectorAll("[id]")) element.removeAttribute("id");
    popBody.replaceChildren(...note.childNodes);
    pop.hidden = false;
    pop.scrollTop = 0;
    place(flag);
  }

  function hide() {
    clearTimeout(timer);
    if (shown) shown.classList.remove("current");
    shown = null;
    pop.hidden = true;
  }

  function place(flag) {
    pop.style.left = pop.style.top = "";
    const box = flag.getBoundingClientRect();
    const height = pop.offsetHeight;
    if (sheet.matches) {
      // A sheet at the bottom: move the sentence out from under it.
      const covered = box.bottom - (innerHeight - height - 12);
      if (covered > 0) scrollBy(0, Math.min(covered, box.top - 12));
    } else if (margin.matches) {
      // Beside the text, so that none of it is covered, and level with the sentence.
      const text = document.getElementById("articles").getBoundingClientRect();
      const top = Math.max(GAP, Math.min(box.top - GAP, innerHeight - height - GAP));
      put(text.right + 4 * GAP, top);
    } else {
      const under = box.bottom + GAP + height <= innerHeight || box.top - GAP - height < 0;
      const most = root.clientWidth - pop.offsetWidth - GAP;
      put(Math.max(GAP, Math.min(box.left, most)),
        under ? box.bottom + GAP : box.top - GAP - height);
    }
  }

  function put(left, top) {
    pop.style.left = `${left + scrollX}px`;
    pop.style.top = `${top + scrollY}px`;
  }

  const liveFlag = (target) =>
    target instanceof Element ? target.closest(".flag:not(.off)") : null;

  // What stays when the pointer leaves: the sentence that has the focus, or nothing.
  function settle() {
    const focused = liveFlag(document.activeElement);
    if (focused) show(focused);
    else hide();
  }

  function later(action, delay) {
    clearTimeout(timer);
    timer = setTimeout(action, delay);
  }

  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse") return;
    if (pop.contains(event.target)) {
      clearTimeout(timer);
      return;
    }
    const flag = liveFlag(event.target);
    if (flag && flag !== shown) later(() => show(flag), SHOW_MS);
    else if (flag) clearTimeout(timer);
  });
  document.addEventListener("pointerout", (event) => {
    if (event.pointerType !== "mouse") return;
    const left = pop.contains(event.target) ? pop : liveFlag(event.target);
    if (left && !left.contains(event.relatedTarget)) later(settle, HIDE_MS);
  });
  document.addEventListener("focusin", (event) => {
    const flag = liveFlag(event.target);
    if (flag) show(flag);
    else if (!pop.contains(event.target)) hide();
  });
  // A tap focuses the sentence, and the page may move under the finger before the click comes.
  let pressed = null;
  document.addEventListener("pointerdown", (event) => {
    pressed = liveFlag(event.target);
  });
  document.addEventListener("click", (event) => {
    const flag = pressed || liveFlag(event.target);
    const link = event.target.closest("a[href^='#']");
    const aim = link && document.getElementById(link.hash.slice(1));
    // Once the page has moved there, which gives the focus to a mark that is shown.
    if (aim && aim.dataset.note) setTimeout(() => show(aim));
    else if (flag) show(flag);
    else if (!pop.contains(event.target)) hide();
    pressed = null;
  });
  pop.querySelector("[data-close]").addEventListener("click", hide);
  for (const button of pop.querySelectorAll("[data-go]")) {
    button.addEventListener("click", () => go(Number(button.dataset.go)));
  }
  addEventListener("resize", () => shown && place(shown));

  // --- from mark to mark

  function go(step) {
    const flags = [...document.querySelectorAll(".flag:not(.off)")]
      .filter((flag) => !flag.closest("details.fold:not([open])"));
    if (!flags.length) return;
    const from = shown || liveFlag(document.activeElement);
    let index = flags.indexOf(from) + step;
    if (!flags.includes(from)) {
      // Start from what is on the screen.
      const ahead = flags.findIndex((flag) => flag.getBoundingClientRect().bottom > 0);
      index = step > 0 ? Math.max(ahead, 0) : (ahead < 0 ? flags.length : ahead) - 1;
    }
    const flag = flags[(index + flags.length) % flags.length];
    flag.scrollIntoView({ block: "center" });
    flag.focus({ preventScroll: true });
    show(flag);
  }

  const STEPS = { j: 1, k: -1, ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const flag = liveFlag(event.target);
    if (event.key === "Escape" && !pop.hidden) {
      hide();
    } else if (flag && (event.key === "Enter" || event.key === " ")) {
      event.preventDefault();
      if (shown === flag) hide();
      else show(flag);
    } else if (event.key in STEPS && (flag || !event.key.startsWith("Arrow"))) {
      // Arrows belong to scrolling, except on a marked sentence.
      event.preventDefault();
      go(STEPS[event.key]);
    }
  });

  // --- a link to the sentence

  const copy = pop.querySelector("[data-link]");
  copy.addEventListener("click", async () => {
    if (!shown) return;
    const link = new URL(`#${shown.id}`, location.href).href;
    try {
      await navigator.clipboard.writeText(link);
      copy.textContent = "✓";
    } catch { // no clipboard there: the address bar has it
      location.hash = shown.id;
    }
    setTimeout(() => { copy.textContent = "§"; }, 1500);
  });

  // --- several articles: each is laid out when it is opened

  function unfold() {
    const aim = location.hash && document.getElementById(location.hash.slice(1));
    const fold = aim && aim.closest("details.fold");
    if (!fold) return;
    fold.open = true;
    aim.scrollIntoView();
  }
  addEventListener("hashchange", unfold);
  unfold();

  const table = document.getElementById("rows");
  if (table) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const value = (row, at, number) => {
      const text = row.cells[at].innerText.trim();
      return number ? (text === "" ? -Infinity : Number(text.replace(/[^0-9.]/g, ""))) : text;
    };
    for (const button of table.querySelectorAll("[data-sort]")) {
      button.addEventListener("click", () => {
        const at = Number(button.dataset.sort);
        const number = button.dataset.as === "number";
        const head = button.closest("th");
        const falling = head.ariaSort === "ascending" || (number && head.ariaSort !== "descending");
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.ariaSort = falling ? "descending" : "ascending";
        const keyed = rows.map((row) => [value(row, at, number), row]);
        keyed.sort(([a], [b]) => (number ? a - b : a.localeCompare(b)) * (falling ? -1 : 1));
        body.replaceChildren(...keyed.map(([, row]) => row));
      });
    }
    const box = document.querySelector("[data-find]");
    box.addEventListener("input", () => {
      const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        count += row.hidden ? 0 : 1;
      }
      document.querySelector(".found").value = words.length ? `${count} of ${rows.length}` : "";
    });
  }

  // --- which marks are shown

  const boxes = [...document.querySelectorAll("input[data-signal]")];
  const families = [...document.querySelectorAll("input[data-family]")];
  const familyOf = new Map(boxes.map((box) => [box.dataset.signal, box.dataset.of]));

  function highlight(element, wanted) {
    const on = element.dataset.signals.split(" ").filter((name) => wanted.has(name));
    const live = new Set(on.map((name) => familyOf.get(name)));
    for (const family of new Set(familyOf.values())) {
      element.classList.toggle(family, live.has(family));
    }
    element.classList.toggle("off", on.length === 0);
    return on.length > 0;
  }

  function filter() {
    hide();
    const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.dataset.signal));
    let count = 0;
    for (const flag of document.querySelectorAll(".flag")) {
      const on = highlight(flag, wanted);
      count += on ? 1 : 0;
      if (on) {
        flag.tabIndex = 0;
        flag.setAttribute("role", "button");
      } else {
        flag.removeAttribute("tabindex");
        flag.removeAttribute("role");
      }
      document.getElementById(flag.dataset.note).classList.toggle("off", !on);
    }
    for (const mark of document.querySelectorAll(".ev")) highlight(mark, wanted);
    for (const family of families) {
      const own = boxes.filter((box) => box.dataset.of === family.dataset.family);
      const checked = own.filter((box) => box.checked).length;
      family.checked = checked === own.length;
      family.indeterminate = checked > 0 && checked < own.length;
    }
    const output = document.querySelector(".shown");
    if (output) output.value = count === 1 ? "1 sentence marked" : `${count} sentences marked`;
  }

  for (const box of boxes) box.addEventListener("change", filter);
  for (const family of families) {
    family.addEventListener("change", () => {
      for (const box of boxes) {
        if (box.dataset.of === family.dataset.family) box.checked = family.checked;
      }
      filter();
    });
  }
  filter();

  // On paper everything that is folded is told.
  addEventListener("beforeprint", () => {
    for (const fold of document.querySelectorAll("main details")) fold.open = true;
  });

  const panel = document.querySelector(".panel details");
  if (panel && matchMedia("(max-width: 62rem)").matches) panel.open = false;
})();
