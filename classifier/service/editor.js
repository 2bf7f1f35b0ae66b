"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const form = at("form"), text = at("text"), said = at("said"), result = at("result");
  let name = null;    // of the file that was chosen
  let asking = null;  // what is under way, to be given up
  let kept = null;    // the address under which the report can be saved

  const say = (words, wrong = false) => {
    said.textContent = words;
    said.classList.toggle("wrong", wrong);
    said.setAttribute("role", wrong ? "alert" : "status");
  };

  const busy = (yes) => {
    at("read").setAttribute("aria-disabled", String(yes));
    form.setAttribute("aria-busy", String(yes));
  };

  // As the command reads files: by their mark, as UTF-8, else as Windows has it.
  const decoded = (bytes) => {
    const [a, b] = new Uint8Array(bytes, 0, Math.min(2, bytes.byteLength));
    if (a === 0xff && b === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
    if (a === 0xfe && b === 0xff) return new TextDecoder("utf-16be").decode(bytes);
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      return new TextDecoder("windows-1252").decode(bytes);
    }
  };

  const take = async (file) => {
    if (!file) return;
    if (file.size > Number(form.dataset.most)) {
      say(`${file.name} is too long: it has ${file.size} bytes, ${form.dataset.most} are taken`, true);
      return;
    }
    try {
      text.value = decoded(await file.arrayBuffer());
    } catch {
      say(`${file.name} can't be read`, true);
      return;
    }
    name = file.name;
    await read();
  };

  const wanted = () => {
    const address = at("address")?.value.trim();
    if (!text.value.trim()) return address ? { url: address } : null;
    const page = /\.x?html?$/i.test(name ?? "") ? "html" : "text";
    const id = name?.replace(/\.[^.]*$/, "").slice(0, 300);
    return id ? { [page]: text.value, id } : { [page]: text.value };
  };

  const show = (page) => {
    const frame = at("report");
    // What a report links to opens beside it; its frame has room for nothing else.
    frame.srcdoc = page.replaceAll('<a href="http', '<a target="_blank" rel="noopener noreferrer" href="http');
    URL.revokeObjectURL(kept);
    kept = URL.createObjectURL(new Blob([page], { type: "text/html" }));
    at("save").href = kept;
    result.hidden = false;
    at("result-name").focus();
  };

  const why = async (answer) => {
    const again = answer.headers.get("retry-after");
    const found = await answer.json().catch(() => ({}));
    const words = found.error ?? `the service answered ${answer.status}`;
    return answer.status === 429 && again ? `Busy just now: try again in ${again} seconds` : words;
  };

  const read = async () => {
    const posted = wanted();
    if (posted === null) {
      say("Paste a text first, or choose a file", true);
      text.focus();
      return;
    }
    asking?.abort();
    const mine = asking = new AbortController();
    busy(true);
    say("Reading…");
    try {
      const headers = { "Content-Type": "application/json", Accept: "text/html" };
      const token = at("token")?.value.trim();
      if (token) headers.Authorization = `Bearer ${token}`;
      const body = JSON.stringify(posted);
      const answer = await fetch("score", { method: "POST", headers, body, signal: mine.signal });
      if (answer.ok) {
        show(await answer.text());
        say("The report is below");
      } else {
        say(await why(answer), true);
        if (answer.status === 401) at("token")?.focus();
      }
    } catch (error) {
      if (error.name !== "AbortError") say("The service can't be reached", true);
    } finally {
      if (asking === mine) busy(false);
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    read();
  });
  for (const one of document.querySelectorAll(".example")) {
    one.addEventListener("click", () => {
      text.value = one.dataset.example;
      name = null;
      read();
    });
  }
  text.addEventListener("input", () => { name = null; });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) read();
  });
  at("file").addEventListener("change", (event) => {
    take(event.target.files[0]);
    event.target.value = "";  // the same file may be chosen again
  });
  at("clear").addEventListener("click", () => {
    asking?.abort();
    form.reset();
    name = null;
    result.hidden = true;
    say("");
    text.focus();
  });
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      if (![...event.dataTransfer.types].includes("Files")) return;
      event.preventDefault();
      form.classList.toggle("over", kind === "dragover");
      if (kind === "drop") take(event.dataTransfer.files[0]);
    });
  }
})();
