// The page's way to the server: the same doors story tests use.

const token = document.querySelector('meta[name="sandbox-token"]').content;

// A person could not do that; `fields` holds what the form says, by block id.
export class NotPossible extends Error {
  constructor(sentence, fields) {
    super(sentence);
    this.fields = fields;
  }
}

// The sandbox does not answer: it was stopped.
export class Unreachable extends Error {}

export async function ask(door, request = {}) {
  const response = await fetch(`/door/${door}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Sandbox-Token": token },
    body: JSON.stringify(request),
  }).catch(() => {
    throw new Unreachable("The sandbox has stopped.");
  });
  if (response.status === 409) {
    const refusal = await response.json();
    throw new NotPossible(refusal.not_possible, refusal.fields);
  }
  if (!response.ok) throw new Error(`the sandbox answered ${response.status}`);
  return response.json();
}

// Calls back at every change of the workspace, and with false while the server cannot be reached.
export function onChange(changed) {
  const stream = new EventSource(`/door/changes?token=${encodeURIComponent(token)}`);
  stream.addEventListener("message", () => changed(true));
  stream.addEventListener("error", () => changed(false));
}
