// Hands files in piece by piece, and goes on where it was when the line breaks or the page was closed. Without this the
// form sends them in one go.
const form = document.getElementById("hand-in-form");
const look = document.getElementById("look-form");
const said = document.getElementById("upload-status");
const bar = document.getElementById("upload-bar");
const PIECE = 8 * 1024 * 1024;
const TUS = { "Tus-Resumable": "1.0.0" };

const pause = (seconds) => new Promise((resume) => setTimeout(resume, seconds * 1000));

class Refused extends Error {}

const kept = {
  get(key) {
    try { return localStorage.getItem(key); } catch { return null; }
  },
  set(key, value) {
    try { localStorage.setItem(key, value); } catch { /* then it begins anew the next time */ }
  },
  remove(key) {
    try { localStorage.removeItem(key); } catch { /* nothing was kept */ }
  },
};

// Where it goes on, if it was begun before.
async function offset(place) {
  const answer = await fetch(place, { method: "HEAD", headers: TUS });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(String(answer.status));
  return Number(answer.headers.get("Upload-Offset"));
}

async function create(part, file) {
  const headers = { ...TUS, "Upload-Length": String(file.size), "Upload-Metadata": `part ${btoa(part)}` };
  const answer = await fetch("/newcomers/uploads", { method: "POST", headers });
  if (answer.status === 413) throw new Refused(form.dataset.tooLarge);
  if (answer.status === 507) throw new Refused(form.dataset.full);
  if (answer.status !== 201) throw new Error(String(answer.status));
  return answer.headers.get("Location");
}

async function send(part, file, far) {
  const key = `pappus ${form.dataset.id} ${part} ${file.name} ${file.size} ${file.lastModified}`;
  let place = kept.get(key);
  let broken = 0;
  for (;;) {
    try {
      let at = place ? await offset(place) : null;
      if (at === null) {
        place = await create(part, file);
        kept.set(key, place);
        at = 0;
      }
      while (at < file.size) {
        far(at);
        const headers = { ...TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(at) };
        const answer = await fetch(place, { method: "PATCH", headers, body: file.slice(at, at + PIECE) });
        if (!answer.ok) throw new Error(String(answer.status));
        at = Number(answer.headers.get("Upload-Offset"));
        broken = 0;
      }
      kept.remove(key);
      far(file.size);
      return;
    } catch (error) {
      if (error instanceof Refused) throw error;
      broken += 1;
      if (broken > 100) throw error;
      said.textContent = form.dataset.broken;
      await pause(Math.min(30, 2 ** broken));
    }
  }
}

if (form && look && said && bar && "fetch" in window) {
  form.addEventListener("submit", async (event) => {
    const files = ["photos", "archive"]
      .map((part) => [part, form.elements[part]?.files[0]])
      .filter(([, file]) => file && file.size > 0);
    if (!files.some(([part]) => part === "archive")) return;
    event.preventDefault();
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    bar.hidden = false;
    const total = files.reduce((sum, [, file]) => sum + file.size, 0);
    let before = 0;
    try {
      for (const [part, file] of files) {
        await send(part, file, (at) => {
          const percent = Math.floor(((before + at) * 100) / total);
          bar.value = percent;
          said.textContent = `${form.dataset.sending} ${percent} %`;
        });
        before += file.size;
      }
      look.elements.passphrase.value = form.elements.passphrase?.value ?? "";
      look.elements.photos.disabled = !files.some(([part]) => part === "photos");
      look.submit();
    } catch (error) {
      said.textContent = error instanceof Refused ? error.message : form.dataset.failed;
      button.disabled = false;
    }
  });
}
