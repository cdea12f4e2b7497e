// What the panel does in the browser. Listens on the document: pages come and go below it.

const announcer = Object.assign(document.createElement("div"), { className: "visually-hidden" });
announcer.setAttribute("role", "status");
document.documentElement.append(announcer);

/** Says a sentence to screen readers. */
export function announce(text) {
  announcer.textContent = "";
  setTimeout(() => { announcer.textContent = text; }, 50);
}

const fields = "input, textarea, select, [contenteditable], dialog, [role=dialog]";

let awaitedHeading;

/** Called by each new page: it is read from its heading on, which may come with its data; unless somebody is typing already. */
export function focusHeading() {
  awaitedHeading?.disconnect();
  awaitedHeading = new MutationObserver(tryHeading);
  awaitedHeading.observe(document.body, { childList: true, subtree: true });
  tryHeading();
}

function tryHeading() {
  const heading = document.querySelector("h1");
  const isTyping = document.activeElement?.closest(fields);
  if (!heading && !isTyping) return;
  awaitedHeading.disconnect();
  if (isTyping) return;
  heading.tabIndex = -1;
  heading.focus();
}

export async function copy(text, near) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without https there is no clipboard: the old way, beside the button (a dialog keeps the focus in).
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    (near?.parentElement ?? document.body).append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    near?.focus();
    if (!done) return announce("Copying failed");
  }
  near?.classList.add("copied");
  setTimeout(() => near?.classList.remove("copied"), 1500);
  announce("Copied");
}

const themes = ["system", "light", "dark"];
const themeNames = { system: "follows the system", light: "light", dark: "dark" };

function labelThemeSwitches() {
  const choice = document.documentElement.dataset.themeChoice;
  for (const button of document.querySelectorAll("[data-theme-switch]")) {
    button.setAttribute("aria-label", `Color theme: ${themeNames[choice]}`);
    button.title = `Color theme: ${themeNames[choice]}`;
  }
}

function switchTheme() {
  const choice = document.documentElement.dataset.themeChoice;
  const next = themes[(themes.indexOf(choice) + 1) % themes.length];
  document.dispatchEvent(new CustomEvent("latchkey-theme-choose", { detail: next }));
  announce(`Color theme: ${themeNames[next]}`);
}

/** The proof that a change comes from one of our pages. */
export async function csrfToken() {
  const answer = await fetch("csrf-token", { headers: { accept: "application/json" } });
  return answer.ok ? (await answer.json()).token : "";
}

async function signOut() {
  await fetch("sign-out", { method: "POST", headers: { "RequestVerificationToken": await csrfToken() }, redirect: "manual" });
  location.assign("sign-in");
}

document.addEventListener("latchkey-theme", labelThemeSwitches);

document.addEventListener("click", event => {
  const on = selector => event.target.closest?.(selector);
  const copyButton = on("[data-copy]");
  if (copyButton) copy(copyButton.dataset.copy, copyButton);
  if (on("[data-theme-switch]")) switchTheme();
  if (on("[data-reload]")) location.reload();
  if (on("[data-sign-out]")) signOut();
  if (on("[data-reconnect]")) Blazor.reconnect().then(back => { if (!back) location.reload(); });
  if (on("[popover] a")) on("[popover]").hidePopover();
  if (on(".skip-link")) {
    event.preventDefault();
    document.getElementById("content")?.focus();
  }
}, true);

document.addEventListener("keydown", event => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.(fields)) return;
  const search = document.getElementById("global-search");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
});

// What was searched for is on the next page: typing is over.
document.addEventListener("submit", event => {
  if (event.target.matches?.("form.search")) document.activeElement?.blur();
});

const reconnect = document.getElementById("components-reconnect-modal");
reconnect?.addEventListener("components-reconnect-state-changed", ({ detail }) => {
  reconnect.dataset.state = detail.state;
  if (detail.state === "hide") reconnect.close();
  else if (!reconnect.open) reconnect.showModal();
});
reconnect?.addEventListener("cancel", event => event.preventDefault());

const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const utcDay = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });

/** The end of a day in UTC is that day for everybody, also where the next has begun. */
const isEndOfDay = date => date.getUTCHours() === 23 && date.getUTCMinutes() === 59 && date.getUTCSeconds() === 59;
const ago = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const units = [["year", 31557600], ["month", 2629800], ["day", 86400], ["hour", 3600], ["minute", 60]];

function relative(date) {
  const seconds = (date - Date.now()) / 1000;
  for (const [unit, length] of units) {
    if (Math.abs(seconds) >= length) return ago.format(Math.trunc(seconds / length), unit);
  }
  return ago.format(0, "second");
}

/** <local-time datetime="…Z" relative dateonly>: the reader's own zone and language; UTC in the title. */
class LocalTime extends HTMLElement {
  static observedAttributes = ["datetime", "relative", "dateonly"];
  #time;
  #timer;

  connectedCallback() {
    if (!this.#time) {
      this.#time = document.createElement("time");
      this.attachShadow({ mode: "open" }).append(this.#time);
    }
    this.#draw();
    if (this.hasAttribute("relative")) this.#timer = setInterval(() => this.#draw(), 30000);
  }

  disconnectedCallback() {
    clearInterval(this.#timer);
  }

  attributeChangedCallback() {
    if (this.isConnected) this.#draw();
  }

  #draw() {
    const date = new Date(this.getAttribute("datetime"));
    if (!this.#time) return;
    if (isNaN(date)) {
      this.#time.textContent = this.textContent;
      return;
    }
    const utc = date.toISOString().replace("T", " ").replace(/(:\d\d)\.\d+Z$/, "$1 UTC");
    this.#time.dateTime = date.toISOString();
    this.#time.title = this.hasAttribute("relative") ? `${full.format(date)} (${utc})` : utc;
    this.#time.textContent = this.hasAttribute("relative") ? relative(date) : this.#format(date).format(date);
  }

  #format(date) {
    if (!this.hasAttribute("dateonly")) return full;
    return isEndOfDay(date) ? utcDay : day;
  }
}

customElements.define("local-time", LocalTime);
new MutationObserver(() => {
  for (const button of document.querySelectorAll("[data-theme-switch]:not([data-ready])")) {
    button.dataset.ready = "";
    labelThemeSwitches();
  }
}).observe(document.body, { childList: true, subtree: true });
labelThemeSwitches();
