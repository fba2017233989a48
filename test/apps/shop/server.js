/** An Express application as people write it: it says nothing about caching but where a page is careless. */
import { createServer } from "node:http";
import compression from "compression";
import csurf from "csurf";
import express from "express";
import session from "express-session";
import serveStatic from "serve-static";
import { Server } from "socket.io";

const app = express();
const sessions = session({ secret: "keyboard cat", resave: false, saveUninitialized: false });

app.use(compression({ threshold: 100 }));
app.use("/static", serveStatic(`${import.meta.dirname}/public`, { maxAge: "1h" }));
app.use(sessions);
app.use(serveStatic(`${import.meta.dirname}/public`));
const page = (title, text) => `<!doctype html><title>${title}</title><h1>${title}</h1>${text}\n`;
const greeting = (request) => `Hello ${request.session.user ?? "stranger"}`;
const form = (action, request, inputs) =>
  `<form method="post" action="${action}">
<input type="hidden" name="_csrf" value="${request.csrfToken()}">${inputs}</form>`;
const signedIn = (request, response, next) => {
  if (request.session.user === undefined) response.redirect("/login");
  else next();
};

// Careless: the page is different for each user, and says that it is fresh for a minute.
app.get("/careless", (request, response) => {
  response.set("Cache-Control", "max-age=60").send(page("Careless", greeting(request)));
});
app.get("/careless/modified", (request, response) => {
  response.set("Last-Modified", new Date(0).toUTCString());
  response.send(page("Careless", greeting(request)));
});

app.use(express.urlencoded({ extended: false }));
// From here on every visitor has a session.
app.use(csurf());

app.get("/", (request, response) => response.send(page("Shop", greeting(request))));
app.get("/catalog", (_request, response) => {
  response.set("Cache-Control", "public, max-age=60");
  response.send(page("Catalog", "<p>A lamp.</p>".repeat(100)));
});
app.get("/login", (request, response) => {
  response.send(page("Log in", form("/login", request, '<input name="user">')));
});
app.post("/login", (request, response) => {
  request.session.user = request.body.user;
  response.cookie("last-user", request.body.user, { httpOnly: true }).redirect("/account");
});
app.post("/logout", (request, response) => {
  request.session.destroy(() => response.clearCookie("connect.sid").redirect("/"));
});
app.get("/account", signedIn, (request, response) => {
  const notes = (request.session.notes ?? []).map((note) => `<li>${note}`).join("");
  const content = `${greeting(request)}<ul>${notes}</ul>${form("/notes", request, '<input name="note">')}`;
  response.send(page("Account", content));
});
app.get("/account.json", signedIn, ({ session: { user, notes = [] } }, response) => {
  response.json({ user, notes });
});
app
  .route("/notes")
  .post(signedIn, (request, response) => {
    request.session.notes = [...(request.session.notes ?? []), request.body.note];
    response.redirect(303, "/account");
  })
  .delete(signedIn, (request, response) => {
    request.session.notes = [];
    response.status(204).end();
  });

app.get("/old", (_request, response) => response.redirect(301, "/catalog"));
app.get("/download", (_request, response) => {
  response.download(`${import.meta.dirname}/public/terms.txt`, "terms.txt");
});
app.get("/events", (request, response) => {
  response.set("Content-Type", "text/event-stream");
  response.write(`data: ${greeting(request)}\n\n`);
  setTimeout(() => response.end("data: end\n\n"), 50);
});
app.get("/broken", () => {
  throw new Error("broken");
});

const server = createServer(app);
const io = new Server(server);
io.engine.use(sessions);
io.on("connection", (socket) => {
  socket.on("whoami", (answer) => answer(socket.request.session.user));
});
server.listen(process.env.PORT, "127.0.0.1");
