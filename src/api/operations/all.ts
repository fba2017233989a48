/** The operations of all routes. A room of routes adds one line here. */
import { adminOperations } from "./admin.ts";
import { frontOperations } from "./front.ts";
import { healthOperations } from "./health.ts";
import { messageOperations } from "./messages.ts";
import type { Operations } from "./operation.ts";
import { productOperations } from "./products.ts";
import { queueOperations } from "./queue.ts";
import { sessionOperations } from "./sessions.ts";
import { userOperations } from "./users.ts";

export const operations: Operations = {
  ...frontOperations,
  ...productOperations,
  ...userOperations,
  ...sessionOperations,
  ...messageOperations,
  ...healthOperations,
  ...adminOperations,
  ...queueOperations,
};
