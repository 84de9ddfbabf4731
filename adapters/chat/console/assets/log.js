// The messages on the page: where a new one goes, how a changed one takes the place of the old, what the reader's clock
// says, and whether the page follows.

const minutes = 60_000;
const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const near = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const far = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const dayName = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";

/** A key that nobody else makes; works without TLS too, where crypto.randomUUID does not. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Says moments in the reader's own zone. */
export function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = `${full.format(at)} (${at.toISOString().replace(".000Z", "Z")})`;
    const inByline = time.closest(".byline");
    time.textContent = inByline ? hour.format(at) : (at.getFullYear() === new Date().getFullYear() ? near : far).format(at);
  }
}

function dayOf(at) {
  const today = new Date();
  const yesterday = new Date(today);
  yesterday.setDate(today.getDate() - 1);
  if (at.toDateString() === today.toDateString()) return "Today";
  if (at.toDateString() === yesterday.toDateString()) return "Yesterday";
  return dayName.format(at) + (at.getFullYear() === today.getFullYear() ? "" : ` ${at.getFullYear()}`);
}

/** Puts messages of one author together and a line between days. */
export function group(log) {
  if (!log) return;
  let before = null;
  let day = null;
  for (const node of [...log.children]) {
    if (node.classList.contains("day")) {
      node.remove();
      continue;
    }
    if (!node.classList.contains("message")) continue;
    const at = new Date(node.dataset.at);
    const name = dayOf(at);
    if (name !== day) {
      const line = document.createElement("div");
      line.className = "day";
      line.setAttribute("aria-hidden", "true"); // each message says its own time
      line.textContent = name;
      node.before(line);
    }
    const follows = before !== null && name === day && before.dataset.author === node.dataset.author && at - new Date(before.dataset.at) < 5 * minutes && before.classList.contains("private") === node.classList.contains("private");
    node.classList.toggle("follows", follows);
    day = name;
    before = node;
  }
}

export function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html; // made by our own server, which escapes everything
  return template.content.firstElementChild;
}

/** Takes over what the reader typed into a form that is drawn anew. */
function keepTyped(old, fresh) {
  for (const field of old.querySelectorAll("[name^='a.']")) {
    const twin = fresh.querySelector(`[name="${CSS.escape(field.name)}"]`);
    if (!twin || twin.type !== field.type) continue;
    if (field.type === "checkbox") twin.checked = field.checked;
    else if (field.tagName === "SELECT" || field.value !== field.defaultValue) twin.value = field.value;
  }
}

/** Changes a message in place: the element stays, so neither focus nor a screen reader loses it. */
function change(old, fresh) {
  const title = old.querySelector(".title")?.textContent;
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const place = focused ? [...old.querySelectorAll("button, a, input, select, textarea")].indexOf(focused) : -1;
  keepTyped(old, fresh);
  old.setAttribute("aria-live", "off"); // a progress bar is not read out at every step
  for (const { name, value } of [...fresh.attributes]) if (name !== "class") old.setAttribute(name, value);
  const follows = old.classList.contains("follows");
  old.className = fresh.className;
  old.classList.toggle("follows", follows);
  old.replaceChildren(...fresh.childNodes);
  if (focused) ([...old.querySelectorAll("button, a, input, select, textarea")][place] ?? old.querySelector("a, button"))?.focus({ preventScroll: true });
  const said = old.querySelector(".title")?.textContent;
  if (said && said !== title) document.getElementById("said").textContent = said;
}

/** Shows a message: in the place of the same one, or where it belongs by its id. True when it is new here. */
export function show(log, html, id) {
  const fresh = parse(html);
  const old = log.querySelector(`:scope > .message[data-id="${CSS.escape(id)}"]`);
  if (old) {
    change(old, fresh);
    finish(log, old);
    return false;
  }
  const messages = [...log.querySelectorAll(":scope > .message[data-id]")];
  // Older than what is loaded: it comes when the reader scrolls there.
  if (messages.length && id < messages[0].dataset.id && log.querySelector(":scope > .older")) return false;
  const next = messages.find((message) => message.dataset.id > id);
  fresh.classList.add("arrived");
  if (next) next.before(fresh);
  else {
    const waiting = log.querySelector(":scope > .message.pending");
    if (waiting) waiting.before(fresh);
    else log.append(fresh);
  }
  finish(log, fresh);
  return true;
}

export function remove(log, id) {
  log.querySelector(`:scope > .message[data-id="${CSS.escape(id)}"]`)?.remove();
  group(log);
}

const most = 300;

/** Lets go of the oldest messages of a page that has been open for long; they are loaded again where the reader goes. */
export function prune(log, channel) {
  const messages = [...log.querySelectorAll(":scope > .message[data-id]")];
  if (messages.length <= most) return;
  const first = messages[messages.length - most / 2];
  while (log.firstElementChild !== first) log.firstElementChild.remove();
  const older = document.createElement("button");
  older.type = "button";
  older.className = "older";
  older.textContent = "Load older messages";
  older.setAttribute("hx-get", `/console/older?${new URLSearchParams({ channel, before: first.dataset.id })}`);
  older.setAttribute("hx-trigger", "click, intersect once");
  older.setAttribute("hx-swap", "outerHTML");
  log.prepend(older);
  htmx.process(older);
  group(log);
}

/** The copy of a message at the top of the thread panel has ids of its own. */
export function showRoot(place, html, id) {
  const old = place.querySelector(`.message[data-id="${CSS.escape(id)}"]`);
  if (!old) return;
  const fresh = parse(html);
  fresh.querySelector(".thread-link")?.remove();
  for (const element of [fresh, ...fresh.querySelectorAll("[id], [for], [aria-describedby], [aria-labelledby]")]) {
    for (const name of ["id", "for", "aria-labelledby", "aria-describedby"]) {
      const value = element.getAttribute(name);
      if (value) element.setAttribute(name, value.replaceAll(`-${id}`, `-root-${id}`));
    }
  }
  change(old, fresh);
  localTimes(old);
  htmx.process(old);
}

function finish(log, message) {
  localTimes(message);
  group(log);
  htmx.process(message);
}

/** Keeps a scrolling region at its end while the reader is there. */
export function follow(scroller, content, onEnd) {
  let following = true;
  const end = () => {
    scroller.scrollTop = scroller.scrollHeight;
  };
  const look = () => {
    following = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 48;
    if (following) onEnd?.();
  };
  scroller.addEventListener("scroll", look, { passive: true });
  const sizes = new ResizeObserver(() => following && end());
  sizes.observe(content);
  sizes.observe(scroller);
  end();
  return {
    get following() {
      return following;
    },
    end() {
      following = true;
      end();
      onEnd?.();
    },
  };
}
