// The message box: sending, completion, what was said before, and files on their way.

import { localTimes, newKey, zone } from "./log.js";

const recall = "bellhop-said";
const store = {
  get(key) {
    try {
      return JSON.parse(sessionStorage.getItem(key) ?? "null");
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      sessionStorage.setItem(key, JSON.stringify(value));
    } catch {
      // Without storage nothing is recalled, and everything else works.
    }
  },
};

/** For whom this page was drawn. */
export const person = () => document.getElementById("app").dataset.person;

/** Sends text to the server; throws an Error whose message is for people. */
export async function post(address, body, type = "application/json") {
  let answer;
  try {
    answer = await fetch(address, { method: "POST", headers: { "content-type": type, "x-bellhop-person": person() }, body });
  } catch {
    throw new Error("The bot can't be reached just now.");
  }
  if (answer.status === 401) location.assign("/");
  if (!answer.ok) throw new Error((await answer.text()) || `The bot answered ${answer.status}.`);
  return answer;
}

/** Makes a message box work. `page` shows what was sent and says what went wrong. */
export function composer(form, page) {
  const text = form.querySelector("textarea");
  const list = form.querySelector("[role=listbox]");
  const panel = form.querySelector(".completion");
  const usage = form.querySelector(".usage");
  const attached = form.querySelector(".attached");
  const { channel, thread } = form.dataset;
  const direct = channel.startsWith("@");
  const draft = `bellhop-draft ${channel} ${thread ?? ""}`;
  let files = [];
  let selected = -1;
  let from = 0;
  let asked = 0;
  let timer = 0;
  let back = -1;

  const isCommand = () => direct || /^\s*(\/|@bellhop\b)/i.test(text.value);
  const dress = () => text.classList.toggle("command", isCommand() && text.value.trim() !== "");

  function write(line) {
    text.value = line;
    store.set(draft, line);
    dress();
  }

  // Completion

  function close() {
    asked += 1;
    clearTimeout(timer);
    panel.hidden = true;
    selected = -1;
    text.removeAttribute("aria-activedescendant");
  }

  function select(at) {
    const options = [...list.children];
    selected = options.length ? (at + options.length) % options.length : -1;
    for (const [place, option] of options.entries()) option.setAttribute("aria-selected", String(place === selected));
    const option = options[selected];
    if (!option) return;
    text.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  function accept(at) {
    const option = list.children[at];
    if (!option) return;
    const line = text.value.slice(0, from) + option.dataset.value;
    write(/\s$|=$|\/$/.test(line) ? line : `${line} `);
    text.focus();
    ask();
  }

  function ask() {
    clearTimeout(timer);
    const atEnd = text.selectionStart === text.value.length && text.selectionEnd === text.value.length;
    if (!isCommand() || !atEnd || text.value.trim() === "" || text.value.includes("\n")) {
      close();
      return;
    }
    asked += 1;
    const mine = asked;
    timer = setTimeout(async () => {
      const query = new URLSearchParams({ channel, line: text.value });
      if (thread) query.set("thread", thread);
      const answer = await fetch(`/console/complete?${query}`).catch(() => null);
      if (mine !== asked || !answer?.ok) return;
      const found = await answer.json();
      if (mine === asked) offer(found);
    }, 110);
  }

  function offer(found) {
    from = found.from;
    selected = -1;
    text.removeAttribute("aria-activedescendant");
    list.replaceChildren(
      ...found.suggestions.slice(0, 50).map((suggestion, at) => {
        const option = document.createElement("li");
        option.id = `${list.id}-${at}`;
        option.role = "option";
        option.setAttribute("aria-selected", "false");
        option.dataset.value = suggestion.value;
        const value = document.createElement("code");
        value.textContent = suggestion.value;
        const about = document.createElement("span");
        about.textContent = suggestion.about;
        option.append(value, about);
        return option;
      }),
    );
    usage.hidden = !found.usage && !found.summary;
    usage.querySelector("code").textContent = found.usage;
    usage.querySelector("span").textContent = found.summary;
    panel.hidden = usage.hidden && !found.suggestions.length;
    list.scrollTop = 0;
  }

  list.addEventListener("pointerdown", (event) => {
    event.preventDefault(); // the focus stays in the box
    accept([...list.children].indexOf(event.target.closest("li")));
  });

  // Keys

  text.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const open = !panel.hidden && list.children.length > 0;
    const plain = !event.shiftKey && !event.altKey && !event.ctrlKey && !event.metaKey;
    if (event.key === "Enter" && plain) {
      event.preventDefault();
      if (open && selected >= 0) accept(selected);
      else form.requestSubmit();
    } else if (open && plain && event.key === "Tab") {
      event.preventDefault();
      accept(Math.max(selected, 0));
    } else if (open && plain && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      if (event.key === "ArrowDown") select(selected + 1);
      else select(selected < 0 ? -1 : selected - 1);
    } else if (event.key === "Escape" && !panel.hidden) {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (plain && (event.key === "ArrowUp" || event.key === "ArrowDown") && (text.value === "" || back >= 0)) {
      const lines = store.get(recall) ?? [];
      const to = back + (event.key === "ArrowUp" ? 1 : -1);
      if (to >= lines.length || to < -1) return;
      event.preventDefault();
      back = to;
      write(to < 0 ? "" : lines[to]);
      text.setSelectionRange(text.value.length, text.value.length);
    }
  });

  text.addEventListener("input", () => {
    back = -1;
    write(text.value);
    ask();
  });
  text.addEventListener("blur", () => setTimeout(() => document.activeElement !== text && close(), 150));

  // Files

  function attach(chosen) {
    for (const file of chosen) {
      const item = document.createElement("li");
      const icon = document.createElement("span");
      icon.className = "hidden";
      icon.textContent = "File";
      const name = document.createElement("b");
      name.textContent = file.name;
      const bar = document.createElement("progress");
      bar.max = 100;
      bar.value = 0;
      bar.setAttribute("aria-label", `Uploading ${file.name}`);
      const note = document.createElement("small");
      note.setAttribute("role", "status");
      const away = document.createElement("button");
      away.type = "button";
      away.className = "quiet";
      away.textContent = "✕";
      away.setAttribute("aria-label", `Remove ${file.name}`);
      item.append(icon, name, bar, note, away);
      attached.append(item);
      const upload = send(file, bar, note, item);
      files.push(upload);
      away.addEventListener("click", () => {
        upload.stop();
        files = files.filter((other) => other !== upload);
        item.remove();
        text.focus();
      });
    }
    // What Enter would do is there to be read before it is done.
    if (files.length && text.value.trim() === "") {
      write(direct ? "file put" : "/file put");
      ask();
    }
    text.focus();
  }

  function send(file, bar, note, item) {
    const request = new XMLHttpRequest();
    const upload = { file, item, id: null, problem: null, stop: () => request.abort() };
    upload.done = new Promise((resolve) => {
      const fail = (why) => {
        upload.problem = why;
        note.textContent = why;
        item.classList.add("wrong");
        bar.hidden = true;
        resolve();
      };
      request.upload.addEventListener("progress", (event) => {
        if (event.lengthComputable && event.total) bar.value = (event.loaded / event.total) * 100;
      });
      request.addEventListener("load", () => {
        if (request.status !== 200) return fail(request.responseText || `The bot answered ${request.status}.`);
        upload.id = JSON.parse(request.responseText).id;
        bar.hidden = true;
        note.textContent = "Ready to send";
        return resolve();
      });
      request.addEventListener("error", () => fail("The upload broke off. Remove the file and attach it again."));
      request.addEventListener("abort", () => fail("The upload was stopped."));
    });
    request.open("POST", "/console/upload");
    request.setRequestHeader("x-bellhop-person", person());
    request.setRequestHeader("x-file-name", encodeURIComponent(file.name));
    request.setRequestHeader("content-type", file.type || "application/octet-stream");
    request.send(file);
    upload.stop = () => {
      if (upload.id) post(`/console/upload/${upload.id}/drop`, "").catch(() => {}); // it goes after a day anyway
      else request.abort();
    };
    return upload;
  }

  form.querySelector("input[type=file]").addEventListener("change", (event) => {
    attach(event.target.files);
    event.target.value = "";
  });
  text.addEventListener("paste", (event) => {
    if (event.clipboardData?.files.length) {
      event.preventDefault();
      attach(event.clipboardData.files);
    }
  });

  // Sending

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const line = text.value.trim();
    if (line === "" && !files.length) return;
    if (new TextEncoder().encode(line).length > 64 * 1024) {
      page.problem("This message is over 64 KiB. Attach long text as a file instead.");
      return;
    }
    const broken = files.find((upload) => upload.problem);
    if (broken) {
      page.problem(`${broken.file.name}: ${broken.problem}`);
      return;
    }
    const sent = { channel, thread, text: line, key: newKey(), zone, files };
    if (line) store.set(recall, [line, ...(store.get(recall) ?? []).filter((other) => other !== line)].slice(0, 50));
    files = [];
    attached.replaceChildren();
    back = -1;
    write("");
    close();
    deliver(sent, pending(sent));
  });

  function pending(sent) {
    const bubble = document.createElement("article");
    bubble.className = "message person pending";
    bubble.dataset.author = person();
    bubble.dataset.at = new Date().toISOString();
    const content = document.createElement("div");
    content.className = "content";
    const said = document.createElement("p");
    said.className = "said";
    said.textContent = sent.text || sent.files.map((upload) => upload.file.name).join(", ");
    const note = document.createElement("p");
    note.className = "faint note";
    note.textContent = "Sending…";
    content.append(said, note);
    bubble.append(document.createElement("span"), content);
    page.pending(bubble, thread);
    return bubble;
  }

  async function deliver(sent, bubble) {
    const note = bubble.querySelector(".note");
    try {
      if (sent.files.some((upload) => !upload.id)) note.textContent = "Uploading…";
      await Promise.all(sent.files.map((upload) => upload.done));
      const broken = sent.files.find((upload) => upload.problem);
      if (broken) throw new Error(`${broken.file.name}: ${broken.problem}`);
      note.textContent = "Sending…";
      const { channel, thread, text, key, zone } = sent;
      const answer = await post("/console/say", JSON.stringify({ channel, thread, text, key, zone, uploads: sent.files.map((upload) => upload.id) }));
      const taken = await answer.json();
      bubble.remove();
      page.sent(taken, thread);
    } catch (error) {
      bubble.classList.replace("pending", "failed");
      note.setAttribute("role", "alert");
      note.textContent = `Not sent. ${error.message} `;
      const again = document.createElement("button");
      again.type = "button";
      again.className = "button retry";
      again.textContent = "Try again";
      // The same key: if the first attempt arrived after all, it stays one message.
      again.addEventListener("click", () => {
        bubble.classList.replace("failed", "pending");
        note.removeAttribute("role");
        deliver(sent, bubble);
      });
      const away = document.createElement("button");
      away.type = "button";
      away.className = "button retry";
      away.textContent = "Discard";
      away.addEventListener("click", () => bubble.remove());
      note.append(again, " ", away);
    }
    localTimes(bubble);
  }

  const left = store.get(draft);
  if (left && !text.value) write(left);

  return {
    attach,
    /** Puts a line into the box, to be completed by the reader. */
    prefill(line) {
      // A command is one in a channel only with its mark.
      const marked = direct || /^\s*[/@]/.test(line) ? line : `/${line}`;
      write(/\s$/.test(marked) ? marked : `${marked} `);
      text.focus();
      text.setSelectionRange(text.value.length, text.value.length);
      ask();
    },
  };
}
