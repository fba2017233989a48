import { describe, expect, it } from "vitest";
import { sessionCookie } from "../../src/sessions/cookie.ts";

const HTTPS = "https://shop.example/a";
const LOCAL = "http://127.0.0.1:8787/a";
const ID = "A".repeat(42) + "_";
const OTHER = "B".repeat(43);

describe("the session cookie", () => {
  it.each([
    [HTTPS, "__Host-session", "; Secure"],
    ["https://127.0.0.1/", "__Host-session", "; Secure"],
    ["http://shop.example/", "__Host-session", "; Secure"],
    ["http://127.0.0.1.example/", "__Host-session", "; Secure"],
    ["http://localhost.example/", "__Host-session", "; Secure"],
    [LOCAL, "session", ""],
    ["http://localhost/", "session", ""],
    ["http://[::1]:8787/", "session", ""],
  ])(
    "the session cookie of a page at %s has the name %s and the attributes Path=/%s; HttpOnly; SameSite=Lax",
    (url, name, secure) => {
      const { set, cleared } = sessionCookie(url, undefined);
      const attributes = `Path=/${secure}; HttpOnly; SameSite=Lax`;
      expect(set(ID, 90_000)).toBe(`${name}=${ID}; Max-Age=90; ${attributes}`);
      expect(cleared).toBe(`${name}=; Max-Age=0; ${attributes}`);
    },
  );

  it.each([
    [HTTPS, `__Host-session=${ID}`, ID],
    [HTTPS, `a=b; __Host-session=${ID} ; c=d`, ID],
    [HTTPS, `session=${OTHER}; __Host-session=${ID}`, ID],
    [LOCAL, `session=${ID}`, ID],
    [HTTPS, `\u2000__Host-session=${ID}`, undefined],
    [HTTPS, `\u00a0__Host-session=${ID}`, undefined],
    [HTTPS, `session=${ID}`, undefined],
    [HTTPS, `x__Host-session=${ID}`, undefined],
    [HTTPS, `__host-session=${ID}`, undefined],
    [LOCAL, `__Host-session=${ID}`, undefined],
    [HTTPS, `__Host-session=${ID}; __Host-session=${OTHER}`, undefined],
    [LOCAL, `session=${ID}; session=${OTHER}`, undefined],
    [LOCAL, `session=${ID}; session=${ID}`, undefined],
    [HTTPS, `__Host-session=${ID}A`, undefined],
    [HTTPS, `__Host-session=${ID.slice(1)}`, undefined],
    [HTTPS, `__Host-session="${ID}"`, undefined],
    [HTTPS, `__Host-session=${"é".repeat(43)}`, undefined],
    [HTTPS, `__Host-session=${"*".repeat(43)}`, undefined],
    [HTTPS, "__Host-session=", undefined],
    [HTTPS, "__Host-session", undefined],
    [HTTPS, "", undefined],
    [HTTPS, `${"a=b; ".repeat(4_000)}__Host-session=${ID}`, undefined],
  ])(
    "a request for %s with the field Cookie: %.60s carries the session id %s",
    (url, field, id) => {
      expect(sessionCookie(url, field).id).toBe(id);
    },
  );

  it.each([
    [HTTPS, `__Host-session=${ID}`, undefined],
    [HTTPS, `a=b; __Host-session=${ID}; c=d`, "a=b; c=d"],
    [HTTPS, `__Host-session=${ID}; a=b`, "a=b"],
    [HTTPS, `__Host-session=${ID}; a=b;__Host-session=x`, "a=b"],
    [HTTPS, `session=${ID}; x__Host-session=1`, `session=${ID}; x__Host-session=1`],
    [LOCAL, `session=${ID}; a==;b`, "a==;b"],
    [HTTPS, "a=b", "a=b"],
  ])(
    "a request for %s with the field Cookie: %.60s has the other cookies %s",
    (url, field, others) => {
      expect(sessionCookie(url, field).others()).toBe(others);
    },
  );
});
