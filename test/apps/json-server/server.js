/** json-server as its README starts it from Node, with a collection that each visitor writes to. */
import jsonServer from "json-server";

const server = jsonServer.create();
server.use(jsonServer.defaults({ logger: false }));
server.use(
  jsonServer.router({
    posts: Array.from({ length: 30 }, (_, index) => ({
      id: index + 1,
      title: `Post ${index + 1}`,
    })),
    comments: [{ id: 1, postId: 1, body: "A comment" }],
    notes: [],
    profile: { name: "json-server" },
  }),
);
server.listen(process.env.PORT, "127.0.0.1");
