// Passkeys: the only thing on these pages that needs a script. The buttons stay hidden where there are none.
const box = document.getElementById("passkey");
const trouble = document.getElementById("passkey-error");
const form = document.querySelector('input[name="__RequestVerificationToken"]');

const words = {
  NotAllowedError: "It was cancelled, or took too long.",
  InvalidStateError: "This device has a passkey for you already.",
  SecurityError: "Passkeys belong to a name: open the panel as http://localhost or by its https address, not by an IP address.",
};

async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", RequestVerificationToken: form.value },
    body: JSON.stringify(body),
  });
  const json = answer.headers.get("content-type")?.includes("json") ? await answer.json() : {};
  if (json.location && !answer.ok) location.assign(json.location);
  if (!answer.ok) throw new Error(json.message ?? "It did not work. Load the page again, and try once more.");
  return json;
}

async function signIn(button) {
  const options = await post("/admin/sign-in/passkey-options", {});
  const credential = await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  const done = await post("/admin/sign-in/passkey", { credential: credential.toJSON(), return_to: button.dataset.returnTo });
  location.assign(done.location);
}

async function add() {
  const name = document.getElementById("passkey-name").value;
  const options = await post("/admin/account/passkeys/options", {});
  const credential = await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
  const done = await post("/admin/account/passkeys", { credential: credential.toJSON(), name });
  location.assign(done.location);
}

if (box && window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  box.hidden = false;
  const button = box.querySelector("[data-passkey]");
  button.addEventListener("click", async () => {
    trouble.hidden = true;
    button.disabled = true;
    try {
      await (button.dataset.passkey === "add" ? add() : signIn(button));
    } catch (failure) {
      trouble.textContent = words[failure.name] ?? failure.message;
      trouble.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
}
