// Publishes a product's file: drag and drop or a button, progress, speed, cancel, the hash at the end.

const unitNames = ["bytes", "KiB", "MiB", "GiB", "TiB"];

function bytes(count) {
  let unit = 0;
  while (count >= 1024 && unit < unitNames.length - 1) {
    count /= 1024;
    unit++;
  }
  return `${unit === 0 ? count : count.toFixed(1)} ${unitNames[unit]}`;
}

function duration(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.round(seconds % 3600 / 60)} min`;
}

/** Bytes a second over the last few seconds: neither jumpy nor a matter of the past. */
class Speed {
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

async function formToken() {
  const answer = await fetch("csrf-token", { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(answer.status === 401 ? "You are signed out: sign in again." : `The server answered ${answer.status}.`);
  return (await answer.json()).token;
}

class UploadBox {
  #root;
  #page;
  #request;
  #cancelled = false;
  #gone = false;
  #told = 0;
  #drag = 0;
  #stop = new AbortController();

  constructor(root, page) {
    this.#root = root;
    this.#page = page;
    const signal = this.#stop.signal;
    const zone = this.#part("drop");
    const input = root.querySelector("input[type=file]");
    input.addEventListener("change", () => this.#chosen(input), { signal });
    zone.addEventListener("dragenter", event => { event.preventDefault(); this.#drag++; zone.classList.add("over"); }, { signal });
    zone.addEventListener("dragleave", () => { if (--this.#drag <= 0) this.#endDrag(zone); }, { signal });
    zone.addEventListener("dragover", event => event.preventDefault(), { signal });
    zone.addEventListener("drop", event => {
      event.preventDefault();
      this.#endDrag(zone);
      this.#send([...event.dataTransfer.files]);
    }, { signal });
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

  #endDrag(zone) {
    this.#drag = 0;
    zone.classList.remove("over");
  }

  async #send(files) {
    if (this.#request) return;
    if (files.length !== 1) return this.#fail("Publish one file at a time: pack several into an archive.");
    const [file] = files;
    const most = Number(this.#root.dataset.maxBytes);
    if (file.size > most) return this.#fail(`${file.name} has ${bytes(file.size)}; at most ${bytes(most)} are taken (the setting Uploads:MaxBytes).`);
    if (file.size === 0) return this.#fail(`${file.name} is empty, or a folder: choose a file.`);
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
    return new Promise((resolve, reject) => {
      request.open("PUT", `/api/admin/products/${this.#root.dataset.product}/files/${encodeURIComponent(file.name)}${query}`);
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.setRequestHeader("RequestVerificationToken", token);
      request.upload.onprogress = event => {
        speed.note(event.loaded);
        this.#draw(event.loaded, file.size, speed);
      };
      request.onload = () => request.status === 201 ? resolve(JSON.parse(request.responseText)) : reject(new Error(reason(request)));
      request.onerror = () => reject(new Error("The connection broke off before the file was there. Nothing was kept: send it again."));
      request.onabort = () => reject(new DOMException("", "AbortError"));
      request.send(file);
    });
  }

  #draw(sent, size, speed) {
    const percent = Math.floor(sent / size * 100);
    const rate = speed.get();
    const bar = this.#root.querySelector("progress");
    bar.value = percent;
    bar.textContent = `${percent} %`;
    this.#part("sent").textContent = `${bytes(sent)} of ${bytes(size)} · ${percent} %`;
    this.#part("rate").textContent = sent >= size ? "storing it …" : rate > 0 ? `${bytes(rate)}/s · ${duration((size - sent) / rate)} left` : "";
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
