// Adds files to a release: each with its labels, one after the other, with progress, speed, cancel and the hash at the end.

import { Speed, bytes, formToken, onDrop, pace, put, unfit } from "./upload.js";

const signatures = /\.(sig|asc|minisig|gpg|p7s)$/i;
const boms = /(\.|-|_)(spdx|cdx|sbom|bom)\b.*$/i;
const platforms = [["windows", /win(dows|32|64)?(?![a-z])|\.(exe|msi)$/i], ["macos", /mac(os)?(?![a-z])|darwin|osx|\.(dmg|pkg)$/i], ["linux", /linux|\.(deb|rpm|appimage)$/i]];
const archs = [["arm64", /arm64|aarch64/i], ["x64", /x64|amd64|x86[_-]64/i], ["x86", /x86(?![_-]64)|i[36]86/i]];

/** What a file's name says of it. */
function guess(name) {
  const kind = signatures.test(name) ? "signature" : boms.test(name) ? "sbom" : "file";
  const found = pairs => pairs.find(([, pattern]) => pattern.test(name))?.[0] ?? "";
  return { kind, platform: found(platforms), arch: found(archs), of: kind === "signature" ? name.replace(signatures, "") : name.replace(boms, "") };
}

/** One file in the list. */
class Row {
  constructor(pattern, file) {
    this.file = file;
    this.guess = guess(file.name);
    this.element = document.createElement("li");
    this.element.append(...pattern.cloneNode(true).children);
    this.part("name").textContent = file.name;
    this.part("size").textContent = bytes(file.size);
    this.part("remove").setAttribute("aria-label", `Leave out ${file.name}`);
    this.part("kind").value = this.guess.kind;
    this.part("platform").value = this.guess.platform;
    this.part("arch").value = this.guess.arch;
  }

  part(name) {
    return this.element.querySelector(`[data-${name}]`);
  }

  get kind() {
    return this.part("kind").value;
  }

  /** A signature is for what its file is for. */
  drawLabels(mains) {
    const isMain = this.kind === "file";
    for (const name of ["platform", "arch"]) this.part(name).parentElement.hidden = !isMain;
    const beside = this.part("beside");
    beside.parentElement.hidden = isMain;
    const chosen = beside.value || mains.find(name => name === this.guess.of) || mains.find(name => name.startsWith(this.guess.of)) || mains[0];
    beside.replaceChildren(...mains.map(name => new Option(name, name, false, name === chosen)));
  }

  query(idOf) {
    const query = new URLSearchParams({ kind: this.kind });
    if (this.kind === "file") {
      for (const name of ["platform", "arch"]) if (this.part(name).value.trim()) query.set(name, this.part(name).value.trim());
    } else if (idOf(this.part("beside").value)) {
      query.set("beside_id", idOf(this.part("beside").value));
    }
    return query;
  }

  progress(sent, speed) {
    const percent = Math.floor(sent / this.file.size * 100);
    const bar = this.element.querySelector("progress");
    bar.hidden = false;
    bar.value = percent;
    this.say(`${bytes(sent)} of ${bytes(this.file.size)} · ${percent} % · ${pace(sent, this.file.size, speed.get())}`);
  }

  say(text, ...more) {
    this.part("status").replaceChildren(text, ...more);
  }

  stored(sha256) {
    this.isStored = true;
    this.element.classList.add("stored");
    this.element.querySelector("progress").remove();
    this.element.querySelector(".queue-labels").remove();
    this.part("remove").remove();
    this.say("Stored. SHA-256: ", Object.assign(document.createElement("code"), { className: "sha", textContent: sha256 }));
  }

  failed(message) {
    this.element.querySelector("progress").hidden = true;
    this.say(Object.assign(document.createElement("span"), { className: "bad", textContent: message }));
  }
}

class UploadQueue {
  #root;
  #page;
  #rows = [];
  #request;
  #cancelled = false;
  #gone = false;
  #stop = new AbortController();

  constructor(root, page) {
    this.#root = root;
    this.#page = page;
    const signal = this.#stop.signal;
    const input = root.querySelector("input[type=file]");
    input.addEventListener("change", () => this.#chosen(input), { signal });
    onDrop(this.#part("drop"), signal, files => this.#take(files));
    this.#part("send").addEventListener("click", () => this.#sendAll(), { signal });
    this.#part("cancel").addEventListener("click", () => this.#cancel(), { signal });
    this.#part("queue").addEventListener("change", () => this.#draw(), { signal });

    // On a slow line files may be chosen before this script is there.
    this.#chosen(input);
  }

  #part(name) {
    return this.#root.querySelector(`[data-${name}]`);
  }

  #chosen(input) {
    if (input.files.length > 0) this.#take([...input.files]);
    input.value = "";
  }

  get #waiting() {
    return this.#rows.filter(row => !row.isStored);
  }

  #take(files) {
    if (this.#request) return;
    for (const row of this.#rows.filter(row => row.isStored)) this.#leaveOut(row);
    const faults = files.map(file => unfit(file, Number(this.#root.dataset.maxBytes))).filter(fault => fault);
    this.#part("failed").textContent = faults.join(" ");
    this.#part("failed").hidden = faults.length === 0;
    for (const file of files.filter(file => !unfit(file, Number(this.#root.dataset.maxBytes)))) {
      const row = new Row(this.#part("row"), file);
      row.part("remove").addEventListener("click", () => {
        this.#leaveOut(row);
        this.#draw();
        this.#root.querySelector("input[type=file]").focus();
      });
      this.#rows.push(row);
      this.#part("queue").append(row.element);
    }
    this.#draw();
    if (this.#waiting.length > 0) this.#part("send").focus();
  }

  #leaveOut(row) {
    this.#rows.splice(this.#rows.indexOf(row), 1);
    row.element.remove();
  }

  /** The release's files by number, as the page last knew them. */
  get #files() {
    return JSON.parse(this.#root.dataset.files);
  }

  #draw() {
    const mains = [...new Set([...Object.values(this.#files), ...this.#waiting.filter(row => row.kind === "file").map(row => row.file.name)])];
    for (const row of this.#waiting) row.drawLabels(mains);
    const count = this.#waiting.length;
    this.#part("actions").hidden = count === 0;
    this.#part("send").textContent = count === 1 ? "Upload the file" : `Upload ${count} files`;
  }

  async #sendAll() {
    if (this.#request) return;
    this.#run(true);

    // What lies beside a file needs it to be there.
    const order = [...this.#waiting].sort((a, b) => (a.kind !== "file") - (b.kind !== "file"));
    const files = this.#files;
    for (const row of order) {
      if (this.#cancelled) break;
      await this.#send(row, files);
    }
    this.#run(false);
    this.#draw();
    this.#root.querySelector("input[type=file]").focus();
    const left = this.#waiting.length;
    this.#say(left === 0 ? "All files are stored" : `${left} not stored`);
  }

  async #send(row, files) {
    const speed = new Speed();
    const query = row.query(name => Object.keys(files).find(id => files[id] === name));
    try {
      const token = await formToken();
      if (this.#cancelled) throw new DOMException("", "AbortError");
      this.#request = new XMLHttpRequest();
      this.#say(`Sending ${row.file.name}`);
      row.progress(0, speed);
      const address = `/api/admin/releases/${this.#root.dataset.release}/files/${encodeURIComponent(row.file.name)}?${query}`;
      const release = await put(this.#request, address, row.file, token, sent => {
        speed.note(sent);
        row.progress(sent, speed);
      });

      // The last that was added.
      const stored = release.artifacts.at(-1);
      if (stored.kind === "file") files[stored.id] = stored.file_name;
      row.stored(stored.sha256);
      await this.#tell("Stored");
    } catch (failure) {
      row.failed(failure.name === "AbortError" ? "Cancelled. Nothing of it was kept." : failure.message);
    }
  }

  #run(running) {
    this.#cancelled = false;
    if (!running) this.#request = undefined;
    this.#part("drop").hidden = running;
    this.#part("send").hidden = running;
    this.#part("cancel").hidden = !running;
    for (const row of this.#rows) for (const field of row.element.querySelectorAll("input, select, [data-remove]")) field.disabled = running;
    if (running) this.#part("cancel").focus();
    this.#tell("Running", running);
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
  return new UploadQueue(root, page);
}
