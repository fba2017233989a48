// @ts-check
/** Sign-in as a user of the seed. The session is in a cookie that scripts cannot read. */
import { byId, messageOf, showRows } from "./dom.js";

/** Notes that this tab has signed in. It is no secret: the session is in the cookie. */
const SIGNED_IN = "strata-demo-signed-in";

/**
 * @typedef {import("./ask.js").Ask} Ask
 * @param {{ ask: (path: string, ask?: Ask) => Promise<Response>, has: (route: string) => boolean }} options
 */
export function createAccount({ ask, has }) {
  const say = (/** @type {string} */ text) => (byId("account-status").textContent = text);
  if (!has("POST /sessions")) {
    say("This Worker has no sessions.");
    for (const control of byId("sign-in").elements) control.disabled = true;
    return;
  }

  /** @param {() => Promise<void>} action */
  async function run(action) {
    try {
      await action();
    } catch (error) {
      say(messageOf(error));
    }
  }

  /** @param {string} id */
  async function showProfile(id) {
    const profile = await (await ask(`users/${id}`)).json();
    sessionStorage.setItem(SIGNED_IN, "yes");
    say(`Signed in as user ${id}.`);
    showRows(
      byId("profile"),
      Object.entries(profile).map(([name, value]) => [name, String(value)]),
    );
    byId("sign-out").hidden = false;
  }

  async function signIn() {
    const id = byId("user").value;
    await ask("sessions", { method: "POST", body: { userId: Number(id) } });
    await showProfile(id);
  }

  /** Shows the profile of the session that the browser has, after a reload. */
  async function resume() {
    sessionStorage.removeItem(SIGNED_IN);
    const { userId } = await (await ask("sessions/current")).json();
    await showProfile(String(userId));
  }

  async function signOut() {
    sessionStorage.removeItem(SIGNED_IN);
    showRows(byId("profile"), []);
    byId("sign-out").hidden = true;
    await ask("sessions/current", { method: "DELETE" });
    say("Signed out.");
  }

  byId("sign-in").addEventListener("submit", (/** @type {Event} */ event) => {
    event.preventDefault();
    void run(signIn);
  });
  byId("sign-out").addEventListener("click", () => run(signOut));
  if (sessionStorage.getItem(SIGNED_IN) !== null) void run(resume);
}
