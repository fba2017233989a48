/** A GraphQL server whose operator lets all GET responses be fresh for a minute. */
import { createServer } from "node:http";
import { createSchema, createYoga } from "graphql-yoga";

const TOKENS = new Map([
  ["Bearer token-of-Adalbert", "Adalbert"],
  ["Bearer token-of-Brunhild", "Brunhild"],
]);

const yoga = createYoga({
  logging: false,
  schema: createSchema({
    typeDefs: /* GraphQL */ `
      type Query {
        products: [String!]!
        me: String
      }
      type Mutation {
        rename(to: String!): String
      }
      type Subscription {
        countdown(from: Int!): Int!
      }
    `,
    resolvers: {
      Query: {
        products: () => ["lamp", "chair"],
        me: (_parent, _args, { user }) => user,
      },
      Mutation: { rename: (_parent, { to }, { user }) => [user, "is now", to].join(" ") },
      Subscription: {
        countdown: {
          async *subscribe(_parent, { from }) {
            for (let count = from; count > 0; count--) yield { countdown: count };
          },
        },
      },
    },
  }),
  context: ({ request }) => ({ user: TOKENS.get(request.headers.get("Authorization")) }),
  plugins: [
    {
      onResponse({ request, response }) {
        if (request.method === "GET") response.headers.set("Cache-Control", "max-age=60");
      },
    },
  ],
});

createServer((request, response) => void yoga(request, response)).listen(
  process.env.PORT,
  "127.0.0.1",
);
