// The page is complete without this: all articles then stand on it, the reasons as lists below them.
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
  const MOST_STRETCHES = 3;
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
    if (event.target.closest("a[href^='#']")) setTimeout(follow); // also where it already points
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
    const flags = article ? [...article.querySelectorAll(".flag:not(.off)")] : [];
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
    if (event.target.matches("input[type=search], select")) return;
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

  // --- the address says which article of several is open, and whose reasons are shown

  const folds = [...document.querySelectorAll("details.fold")];
  let article = document.querySelector("main article"); // the one in view

  // To a browser with scripts, what is in noscript is text.
  function layOut(fold) {
    const kept = fold.querySelector("noscript");
    if (kept) kept.outerHTML = kept.textContent;
  }

  function open(fold) {
    layOut(fold);
    for (const other of folds) other.open = other === fold;
    article = fold.querySelector("article");
    filter();
  }

  function follow() {
    const id = location.hash.slice(1);
    const fold = document.getElementById(`${id.match(/^a\d+|$/)[0]}f`);
    if (fold) open(fold);
    const aim = document.getElementById(id);
    hide();
    if (aim) (aim === article && fold || aim).scrollIntoView();
    if (aim && aim.dataset.note) {
      aim.focus({ preventScroll: true });
      show(aim);
    }
  }
  addEventListener("hashchange", follow);
  document.addEventListener("toggle", (event) => {
    if (!article || event.target.open || event.target !== article.closest("details.fold")) return;
    article = null;
    filter();
  }, true);

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

  // Of all that is shown for a sentence, no more than three stretches of words.
  function underline(marks) {
    let stretches = 0;
    marks.forEach((mark, at) => {
      if (!at || mark.previousSibling !== marks[at - 1]) stretches += 1;
      mark.classList.toggle("off", stretches > MOST_STRETCHES);
    });
  }

  function filter() {
    hide();
    const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.dataset.signal));
    const flags = article ? [...article.querySelectorAll(".flag")] : [];
    const met = flags.flatMap((flag) => flag.dataset.signals.split(" "));
    let count = 0;
    for (const flag of flags) {
      const on = highlight(flag, wanted);
      count += on ? 1 : 0;
      underline([...flag.querySelectorAll(".ev")].filter((mark) => highlight(mark, wanted)));
      if (on) {
        flag.tabIndex = 0;
        flag.setAttribute("role", "button");
      } else {
        flag.removeAttribute("tabindex");
        flag.removeAttribute("role");
      }
      document.getElementById(flag.dataset.note).classList.toggle("off", !on);
    }
    for (const box of boxes) {
      const number = met.filter((name) => name === box.dataset.signal).length;
      box.closest(".kind").querySelector(".kind-count").textContent = number;
    }
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

  if (folds.length) article = null;
  filter();
  if (location.hash) follow();

  // On paper everything that is folded is told.
  addEventListener("beforeprint", () => {
    folds.forEach(layOut);
    for (const fold of document.querySelectorAll("main details")) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of folds) fold.open = fold.contains(article);
  });

  const panel = document.querySelector(".panel details");
  if (panel && matchMedia("(max-width: 62rem)").matches) panel.open = false;

  // --- the list of several articles

  const table = document.getElementById("rows");
  if (!table) return;
  const rows = [...table.tBodies[0].rows];
  const { compare } = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

  const NUMBER = /^[<>]?[\d.]+$/;
  const DAY = /^\d{4}(-\d\d){0,2}$/;

  // Below numbers or days stand words, and nothing below all, whichever way the column goes.
  function rank(text, form) {
    return text === "" ? 2 : form && !form.test(text) ? 1 : 0;
  }

  function sort(head) {
    const at = head.cellIndex;
    const number = head.matches(".n") || head.textContent === "record";
    const form = number ? NUMBER : head.textContent === "date" && DAY;
    const ways = number ? ["descending", "ascending"] : ["ascending", "descending"];
    const way = ways[head.ariaSort === ways[0] ? 1 : 0];
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.ariaSort = way;
    const sign = way === "ascending" ? 1 : -1;
    const value = (text) => Number(text.replace(/[<>]/, ""));
    rows.sort((one, other) => {
      const [a, b] = [one, other].map((row) => row.cells[at].textContent.trim());
      const ranks = [rank(a, form), rank(b, form)];
      if (ranks[0] !== ranks[1]) return ranks[0] - ranks[1];
      if (!number) return sign * compare(a, b);
      return ranks[0] ? compare(a, b) : sign * (value(a) - value(b));
    });
    table.tBodies[0].append(...rows);
  }
  for (const head of table.tHead.rows[0].cells) {
    head.firstElementChild.addEventListener("click", () => sort(head));
  }

  const find = document.querySelector(".find");
  const [words, signal, technique, control] = find.querySelectorAll("input, select");
  for (const select of [signal, technique, control]) {
    select.disabled = select.options.length < 2;
    if (select.disabled) select.options[0].textContent = "none shown";
  }
  let lists = null; // of each article, its sentences: text, and signals

  // Return a row's own words: the title and the outlet, or the input and why it wasn't read.
  function ownWords(row) {
    const why = row.dataset.page ? "" : row.querySelector(".brief").textContent;
    const title = row.cells[0].firstElementChild.textContent;
    return `${title} ${row.cells[1].textContent} ${why}`.toLowerCase();
  }

  // Return the sentences of a row, by number, that have the words and the signals.
  function hits(row, asked, wanted) {
    const around = ownWords(row);
    const list = (lists[row.dataset.page] || []).entries();
    return [...list].filter(([, [text, signals]]) => {
      const said = text.toLowerCase();
      return wanted.every((name) => signals.includes(name) || row.dataset.flags.includes(name))
        && asked.every((word) => said.includes(word) || around.includes(word));
    });
  }

  // Return whether a sentence, and not only the title or the outlet, has one of the words.
  function says(text, asked) {
    const said = text.toLowerCase();
    return asked.some((word) => said.includes(word));
  }

  // Return whether a row is found whatever its sentences are, which it may lack.
  function named(row, asked, wanted) {
    const own = ownWords(row);
    return !wanted.length && asked.every((word) => own.includes(word));
  }

  function narrow() {
    lists ??= JSON.parse(document.getElementById("sentences").textContent);
    const asked = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = [signal.value, technique.value].filter(Boolean);
    const any = !asked.length && !wanted.length;
    let count = 0;
    for (const row of rows) {
      const found = any ? [] : hits(row, asked, wanted);
      row.hidden = (control.value && row.cells[3].textContent !== control.value)
        || !(any || found.length || named(row, asked, wanted));
      count += row.hidden ? 0 : 1;
      row.querySelector(".hit")?.remove();
      const told = found.filter(([, [text]]) => wanted.length || says(text, asked));
      if (!row.hidden && told.length) row.cells[0].append(hit(row, told));
    }
    const all = any && !control.value;
    find.querySelector(".found").value = all ? "" : `${count} of ${rows.length}`;
  }

  function hit(row, [[at, [text]], ...more]) {
    const line = document.createElement("span");
    const link = document.createElement("a");
    line.className = "hit";
    link.href = `#a${Number(row.dataset.page) + 1}s${at + 1}`;
    link.textContent = at + 1;
    line.append(link, ` ${text.slice(0, 160)}${text.length > 160 ? "…" : ""}`);
    if (more.length) line.append(` (and ${more.length} more)`);
    return line;
  }
  find.addEventListener("input", narrow);
})();
