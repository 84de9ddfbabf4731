// The page as a whole: live changes, unread counts, threads, buttons, themes. Works on what the server draws; nothing
// here decides what a message looks like.

import { composer, person, post } from "./composer.js";
import { drops } from "./drop.js";
import { follow, group, localTimes, newKey, prune, remove, show, showRoot, zone } from "./log.js";

const $ = (id) => document.getElementById(id);
const live = $("live");
let main = null;
let thread = null;
let unseen = 0;
let readTimer = 0;
// The last changes that came. A part of the page that is fetched may have been drawn before some of them: those are
// applied to it once it is there.
const recent = [];
const kept = 300;
const waiting = new Map();

// What went wrong

function problem(words) {
  const toast = document.createElement("div");
  toast.className = "toast";
  const text = document.createElement("span");
  text.textContent = words;
  const away = document.createElement("button");
  away.type = "button";
  away.className = "quiet";
  away.textContent = "✕";
  away.setAttribute("aria-label", "Dismiss");
  const gone = setTimeout(() => toast.remove(), 9000);
  away.addEventListener("click", () => {
    clearTimeout(gone);
    toast.remove();
  });
  toast.append(text, away);
  $("toasts").append(toast);
}

// What is waited for

function wait(id) {
  waiting.set(id, setTimeout(() => stopWaiting(id), 60_000));
  $("working").hidden = false;
}

function stopWaiting(id) {
  for (const key of id === undefined ? [...waiting.keys()] : [id]) {
    clearTimeout(waiting.get(key));
    waiting.delete(key);
    for (const message of document.querySelectorAll(`.message[data-id="${CSS.escape(key)}"]`)) release(message);
  }
  const working = $("working");
  if (working) working.hidden = waiting.size === 0;
}

/** What was waited for has come: an answer says what it answers, and a message that changed is its own answer. */
function answered(log, message) {
  if (message.mine) return;
  const { answers } = log.querySelector(`:scope > .message[data-id="${CSS.escape(message.id)}"]`)?.dataset ?? {};
  if (waiting.has(message.id)) stopWaiting(message.id);
  else if (!answers || waiting.has(answers)) stopWaiting(answers);
}

// Unread

function count() {
  let all = unseen;
  for (const badge of document.querySelectorAll("#rooms .count")) all += Number(badge.dataset.count);
  const title = $("main")?.dataset.title ?? "Bellhop";
  document.title = `${all ? `(${all > 99 ? "99+" : all}) ` : ""}${title} · Bellhop`;
}

function setUnread(room, to) {
  const link = document.querySelector(`#rooms [data-room="${CSS.escape(room)}"]`);
  if (!link) return;
  const badge = link.querySelector(".count");
  const unread = to(Number(badge.dataset.count));
  badge.dataset.count = String(unread);
  badge.textContent = unread > 99 ? "99+" : String(unread);
  badge.hidden = unread === 0;
  link.querySelector(".count-words").hidden = unread === 0;
  link.classList.toggle("unread", unread > 0);
  count();
}

function seen() {
  if (document.visibilityState !== "visible" || !main?.end.following) return;
  $("jump").hidden = true;
  if (unseen) {
    unseen = 0;
    count();
  }
  clearTimeout(readTimer);
  readTimer = setTimeout(() => {
    const last = [...main.log.querySelectorAll(":scope > .message[data-id]")].at(-1);
    if (!last || main.read === last.dataset.id) return;
    main.read = last.dataset.id;
    post("/console/read", new URLSearchParams({ channel: main.channel, message: last.dataset.id }), "application/x-www-form-urlencoded").catch(() => {
      main.read = null; // the next message tries again
    });
  }, 400);
}

// Messages

function shownNew(mine) {
  $("welcome").hidden = true;
  if (mine || main.end.following) {
    prune(main.log, main.channel);
    main.end.end();
    if (document.visibilityState !== "visible" && !mine) unseen += 1;
  } else {
    $("jump").hidden = false;
    unseen += 1;
  }
  seen();
  count();
}

function arrived(message) {
  const here = main && message.channel === main.channel;
  if (message.root && here) {
    const link = main.log.querySelector(`:scope > .message[data-id="${CSS.escape(message.thread)}"] .thread-link`);
    if (link) {
      link.outerHTML = message.root;
      const fresh = main.log.querySelector(`:scope > .message[data-id="${CSS.escape(message.thread)}"] .thread-link`);
      localTimes(fresh.parentElement);
      htmx.process(fresh);
    }
  }
  if (message.thread) {
    if (!here || thread?.root !== message.thread) return;
    if (message.gone) return remove(thread.log, message.id);
    if (show(thread.log, message.html, message.id)) {
      if (message.mine || thread.end.following) thread.end.end();
    }
    answered(thread.log, message);
    return;
  }
  if (!here) {
    if (message.fresh && !message.mine && !message.gone) setUnread(message.channel, (before) => before + 1);
    return;
  }
  if (message.gone) return remove(main.log, message.id);
  if (thread?.root === message.id) showRoot($("thread"), message.html, message.id);
  if (show(main.log, message.html, message.id)) shownNew(message.mine);
  answered(main.log, message);
}

const page = {
  problem,
  pending(bubble, inThread) {
    const side = inThread ? thread : main;
    side.log.append(bubble);
    group(side.log);
    side.end.end();
    if (!inThread) $("welcome").hidden = true;
  },
  sent(taken, inThread) {
    const side = inThread ? thread : main;
    if (!side) return;
    if (taken.command && !document.querySelector(`[data-answers="${CSS.escape(taken.id)}"]`)) wait(taken.id);
    show(side.log, taken.html, taken.id);
    side.end.end();
  },
};

// The parts of the page, which come and go

/** Applies the changes that came after a part of the page was drawn. */
function catchUp(element, concerns) {
  const newest = Number(element.dataset.newest);
  if (recent.length === kept && recent[0].number > newest + 1) return location.reload();
  for (const { number, message } of recent) if (number > newest && concerns(message)) arrived(message);
}

function openMain() {
  const element = $("main");
  if (!element || main?.element === element) return;
  const log = $("log");
  main = { element, log, channel: element.dataset.channel, read: null };
  main.end = follow($("scroller"), log, seen);
  const form = $("main-composer");
  main.composer = form ? composer(form, page) : null;
  localTimes(log);
  group(log);
  main.end.end();
  stopWaiting();
  $("jump").addEventListener("click", () => main.end.end());
  unseen = 0;
  for (const link of document.querySelectorAll("#rooms [data-room]")) {
    if (link.dataset.room === main.channel) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  setUnread(main.channel, () => 0);
  catchUp(element, (message) => message.channel === main.channel && !message.thread);
  count();
  seen();
}

function openThread() {
  const element = $("thread");
  if (!element || thread?.element === element) return;
  const before = thread?.root;
  thread = null;
  if (!element.dataset.root) {
    if (before) document.querySelector(`#log > .message[data-id="${CSS.escape(before)}"] .thread-link`)?.focus({ preventScroll: true });
    return;
  }
  const log = $("thread-log");
  thread = { element, log, root: element.dataset.root };
  thread.end = follow($("thread-scroller"), log);
  const form = $("thread-composer");
  thread.composer = form ? composer(form, page) : null;
  localTimes(element);
  group(log);
  catchUp(element, (message) => message.channel === main.channel && message.thread === thread.root);
}

function menu(open) {
  $("sidebar").classList.toggle("open", open);
  $("veil").hidden = !open;
  $("open-menu")?.setAttribute("aria-expanded", String(open));
  $("main").inert = open;
  if (open) ($("rooms").querySelector("[aria-current]") ?? $("close-menu")).focus();
  else if (matchMedia("(max-width: 720px)").matches) $("open-menu")?.focus();
}

// Clicks

document.addEventListener("click", async (event) => {
  const target = event.target.closest("button, a, #veil");
  if (!target) return;
  if (target.id === "open-menu") menu(true);
  else if (target.id === "close-menu" || target.id === "veil") menu(false);
  else if (target.id === "theme") {
    const dark = getComputedStyle(document.documentElement).colorScheme.trim() === "dark" || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    try {
      localStorage.setItem("bellhop-theme", document.documentElement.dataset.theme);
    } catch {
      // Without storage the choice holds until the page is loaded again.
    }
    $("said").textContent = dark ? "Light colours" : "Dark colours";
  } else if ("prefill" in target.dataset) {
    const side = target.closest("#thread") ? (thread ?? main) : main;
    side.composer?.prefill(target.dataset.prefill);
  } else if ("copy" in target.dataset) {
    const code = target.parentElement.querySelector("code");
    try {
      await navigator.clipboard.writeText(code.textContent);
      target.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      target.textContent = "Selected";
    }
    setTimeout(() => {
      target.textContent = "Copy";
    }, 1600);
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented) return;
  if ($("sidebar").classList.contains("open")) menu(false);
  else if (thread && $("thread").contains(document.activeElement)) $("close-thread").click();
});

// Tabs of one browser share their session: when one becomes another person, the others follow.
const tabs = new BroadcastChannel("bellhop-person");
tabs.addEventListener("message", (event) => event.data !== person() && location.reload());
tabs.postMessage(person());

$("person").addEventListener("change", (event) => event.target.form.submit());
document.addEventListener("visibilitychange", seen);

// Requests by htmx: buttons, forms, navigation

document.addEventListener("htmx:configRequest", (event) => {
  if (!event.target.matches("[data-press], [data-form]")) return;
  event.detail.headers["x-bellhop-person"] = person();
  event.detail.parameters.key = newKey();
  event.detail.parameters.zone = zone;
});
document.addEventListener("htmx:beforeRequest", (event) => {
  const pressed = event.target;
  if (!pressed.matches("[data-press], [data-form]")) return;
  const message = pressed.closest(".message");
  const buttons = message.querySelectorAll("[data-press], [data-form] [type=submit]");
  for (const button of buttons) button.disabled = true;
  (pressed.matches("form") ? pressed.querySelector("[type=submit]") : pressed).classList.add("busy");
  wait(message.dataset.id);
  // Where the answer is another message, the buttons come back by and by.
  setTimeout(() => release(message), 12_000);
});
function release(message) {
  for (const button of message.querySelectorAll("[data-press], [data-form] [type=submit]")) {
    button.disabled = false;
    button.classList.remove("busy");
  }
}
function failed(event, words) {
  const message = event.target.closest?.(".message");
  if (message) {
    release(message);
    stopWaiting(message.dataset.id);
  }
  problem(words);
}
document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  if (xhr.status === 401) location.assign("/");
  const plain = xhr.getResponseHeader("content-type")?.startsWith("text/plain");
  failed(event, plain && xhr.responseText ? xhr.responseText : `The bot answered ${xhr.status}.`);
});
document.addEventListener("htmx:sendError", (event) => failed(event, "The bot can't be reached just now."));

let heightBefore = 0;
document.addEventListener("htmx:beforeSwap", (event) => {
  if (!event.target.classList.contains("older")) return;
  heightBefore = $("scroller").scrollHeight - $("scroller").scrollTop;
  $("log").setAttribute("aria-live", "off"); // what is older is no news
});
document.addEventListener("htmx:afterSettle", () => {
  if (heightBefore) {
    localTimes($("log"));
    group($("log"));
    $("scroller").scrollTop = $("scroller").scrollHeight - heightBefore;
    heightBefore = 0;
    setTimeout(() => $("log").removeAttribute("aria-live"), 1000);
  }
  const moved = main?.element !== $("main");
  const opened = thread?.element !== $("thread") && "root" in $("thread").dataset;
  openMain();
  openThread();
  if (moved) {
    if ($("sidebar").classList.contains("open")) menu(false);
    $("main-text")?.focus();
  } else if (opened) $("thread-text")?.focus();
});

// Live changes

let offline = null;
live.addEventListener("htmx:sseBeforeMessage", (event) => {
  event.preventDefault(); // what goes where is decided here
  const { type, data, lastEventId } = event.detail;
  live.setAttribute("sse-connect", `/console/events?after=${encodeURIComponent(lastEventId)}`);
  if (type === "reload") location.reload();
  else if (type === "channels") {
    $("rooms").innerHTML = data;
    htmx.process($("rooms"));
    document.querySelector(`#rooms [data-room="${CSS.escape(main.channel)}"]`)?.setAttribute("aria-current", "page");
    setUnread(main.channel, () => 0);
    htmx.ajax("GET", `/c/${encodeURIComponent(main.channel)}`, { target: "#main .topbar-words", select: "#main .topbar-words", swap: "outerHTML" });
  } else if (type === "message") {
    const message = JSON.parse(data);
    recent.push({ number: Number(lastEventId), message });
    if (recent.length > kept) recent.shift();
    arrived(message);
  }
});
live.addEventListener("htmx:sseError", () => {
  offline ??= setTimeout(() => {
    const note = document.createElement("p");
    note.className = "offline";
    note.id = "offline";
    note.setAttribute("role", "status");
    note.textContent = "Reconnecting to the bot…";
    if (!$("offline")) document.body.append(note);
  }, 1500);
});
live.addEventListener("htmx:sseOpen", () => {
  clearTimeout(offline);
  offline = null;
  $("offline")?.remove();
});

drops((target) => (target.closest?.("#thread") ? (thread ?? main) : main)?.composer);
localTimes(document);
openMain();
openThread();
if (!matchMedia("(max-width: 720px)").matches) ($("thread-text") ?? $("main-text"))?.focus();
