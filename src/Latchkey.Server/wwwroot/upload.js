// Publishes a release of one file: drag and drop or a button, progress, speed, cancel, the hash at the end.

const unitNames = ["bytes", "KiB", "MiB", "GiB", "TiB"];

export function bytes(count) {
  let unit = 0;
  while (count >= 1024 && unit < unitNames.length - 1) {
    count /= 1024;
    unit++;
  }
  return `${unit === 0 ? count : count.toFixed(1)} ${unitNames[unit]}`;
}

export function duration(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.round(seconds % 3600 / 60)} min`;
}

/** Bytes a second over the last few seconds: neither jumpy nor a matter of the past. */
export class Speed {
  #marks = [];

  note(sent) {
    const now = performance.now();
    this.#marks.push({ now, sent });
    while (this.#marks.length > 2 && now - this.#marks[0].now > 4000) this.#marks.shift();
  }

  get() {
    const first = this.#marks[0];
    const last = this.#marks.at(-1);
    return first && last.now > first.now ? (last.sent - first.sent) / (last.now - first.now) * 1000 : 0;
  }
}

/** How fast, and how long it takes. */
export function pace(sent, size, rate) {
  if (sent >= size) return "storing it …";
  return rate > 0 ? `${bytes(rate)}/s · ${duration((size - sent) / rate)} left` : "";
}

/** What the server says of a refusal, in its own words; field by field where it names fields. */
function reason(request) {
  try {
    const problem = JSON.parse(request.responseText);
    const fields = (problem.errors ?? []).map(field => field.detail);
    return fields.length > 0 ? fields.join(" ") : problem.detail ?? problem.title;
  } catch {
    return `The server answered ${request.status}.`;
  }
}

export async function formToken() {
  const answer = await fetch("csrf-token", { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(answer.status === 401 ? "You are signed out: sign in again." : `The server answered ${answer.status}.`);
  return (await answer.json()).token;
}

/** Sends a file as the body of a PUT; what it answers, or why it was refused. */
export function put(request, address, file, token, progress) {
  return new Promise((resolve, reject) => {
    request.open("PUT", address);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("RequestVerificationToken", token);
    request.upload.onprogress = event => progress(event.loaded);
    request.onload = () => request.status === 201 ? resolve(JSON.parse(request.responseText)) : reject(new Error(reason(request)));
    request.onerror = () => reject(new Error("The connection broke off before the file was there. Nothing was kept: send it again."));
    request.onabort = () => reject(new DOMException("", "AbortError"));
    request.send(file);
  });
}

/** Why a file cannot be taken, before any of it is sent. */
export function unfit(file, most) {
  if (file.size > most) return `${file.name} has ${bytes(file.size)}; at most ${bytes(most)} are taken (the setting Uploads:MaxBytes).`;
  if (file.size === 0) return `${file.name} is empty, or a folder: choose a file.`;
}

/** Calls back with the files that are dropped on an element. */
export function onDrop(zone, signal, take) {
  let depth = 0;
  const end = () => {
    depth = 0;
    zone.classList.remove("over");
  };
  zone.addEventListener("dragenter", event => { event.preventDefault(); depth++; zone.classList.add("over"); }, { signal });
  zone.addEventListener("dragleave", () => { if (--depth <= 0) end(); }, { signal });
  zone.addEventListener("dragover", event => event.preventDefault(), { signal });
  zone.addEventListener("drop", event => {
    event.preventDefault();
    end();
    take([...event.dataTransfer.files]);
  }, { signal });
}

class UploadBox {
  #root;
  #page;
  #request;
  #cancelled = false;
  #gone = false;
  #told = 0;
  #stop = new AbortController();

  constructor(root, page) {
    this.#root = root;
    this.#page = page;
    const signal = this.#stop.signal;
    const input = root.querySelector("input[type=file]");
    input.addEventListener("change", () => this.#chosen(input), { signal });
    onDrop(this.#part("drop"), signal, files => this.#send(files));
    this.#part("cancel").addEventListener("click", () => this.#cancel(), { signal });

    // On a slow line a file may be chosen before this script is there.
    this.#chosen(input);
  }

  #chosen(input) {
    if (input.files.length > 0) this.#send([...input.files]);
    input.value = "";
  }

  #part(name) {
    return this.#root.querySelector(`[data-${name}]`);
  }

  async #send(files) {
    if (this.#request) return;
    if (files.length !== 1) return this.#fail("One file at a time is published here. Several make one release: choose “New release”, and drop them there.");
    const [file] = files;
    const fault = unfit(file, Number(this.#root.dataset.maxBytes));
    if (fault) return this.#fail(fault);
    const request = this.#begin(file);
    try {
      const token = await formToken();
      if (this.#cancelled) throw new DOMException("", "AbortError");
      this.#done(file, await this.#put(request, file, token));
    } catch (failure) {
      this.#fail(failure.name === "AbortError" ? "Cancelled. Nothing was kept, and the download is the same as before." : failure.message);
    }
    this.#request = undefined;
    this.#part("running").hidden = true;
    this.#part("drop").hidden = false;
    this.#root.querySelector("input[type=file]").focus();
    await this.#tell("Running", false);
  }

  #begin(file) {
    this.#request = new XMLHttpRequest();
    this.#cancelled = false;
    this.#told = 0;
    this.#part("done").hidden = this.#part("failed").hidden = true;
    this.#part("drop").hidden = true;
    this.#part("running").hidden = false;
    this.#part("name").textContent = file.name;
    this.#draw(0, file.size, new Speed());
    this.#part("cancel").focus();
    this.#say(`Sending ${file.name}`);
    this.#tell("Running", true);
    return this.#request;
  }

  #put(request, file, token) {
    const version = this.#part("version").value.trim();
    const query = version ? `?version=${encodeURIComponent(version)}` : "";
    const speed = new Speed();
    return put(request, `/api/admin/products/${this.#root.dataset.product}/files/${encodeURIComponent(file.name)}${query}`, file, token, sent => {
      speed.note(sent);
      this.#draw(sent, file.size, speed);
    });
  }

  #draw(sent, size, speed) {
    const percent = Math.floor(sent / size * 100);
    const rate = speed.get();
    const bar = this.#root.querySelector("progress");
    bar.value = percent;
    bar.textContent = `${percent} %`;
    this.#part("sent").textContent = `${bytes(sent)} of ${bytes(size)} · ${percent} %`;
    this.#part("rate").textContent = pace(sent, size, rate);
    const quarter = Math.floor(percent / 25) * 25;
    if (quarter > this.#told && quarter < 100) {
      this.#told = quarter;
      this.#say(`${quarter} % sent`);
    }
  }

  #done(file, release) {
    // The last that was added.
    const stored = release.artifacts.at(-1);
    const code = Object.assign(document.createElement("code"), { className: "sha", textContent: stored.sha256 });
    const text = document.createElement("span");
    text.append(`${stored.file_name} is published as version ${release.version} (${bytes(stored.file_size)}). SHA-256: `, code);
    this.#part("done").replaceChildren(text);
    this.#part("done").hidden = false;
    this.#part("version").value = "";
    this.#say(`${file.name} is published`);
    this.#tell("Arrived");
  }

  #fail(message) {
    const box = this.#part("failed");
    box.textContent = message;
    box.hidden = false;
    this.#part("done").hidden = true;
    this.#say(message);
  }

  #cancel() {
    this.#cancelled = true;
    this.#request?.abort();
  }

  #say(text) {
    this.#part("says").textContent = text;
  }

  /** The page may have lost its connection; the upload does not depend on it. */
  async #tell(method, ...values) {
    if (this.#gone) return;
    try {
      await this.#page.invokeMethodAsync(method, ...values);
    } catch {
      // It is told by what is drawn.
    }
  }

  dispose() {
    this.#gone = true;
    this.#cancel();
    this.#stop.abort();
  }
}

/** Called by the page once the elements are there. */
export function attach(root, page) {
  return new UploadBox(root, page);
}
