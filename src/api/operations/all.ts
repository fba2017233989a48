/** The operations of all routes. A room of routes adds one line here. */
import { adminOperations } from "./admin.ts";
import { catalogueOperations } from "./catalogue.ts";
import { chatOperations } from "./chat.ts";
import { compareOperations } from "./compare.ts";
import { frontOperations } from "./front.ts";
import { healthOperations } from "./health.ts";
import { messageOperations } from "./messages.ts";
import type { Operations } from "./operation.ts";
import { productOperations } from "./products.ts";
import { queueOperations } from "./queue.ts";
import { sessionOperations } from "./sessions.ts";
import { stockOperations } from "./stock.ts";
import { userOperations } from "./users.ts";
import { whyOperations } from "./why.ts";

export const operations: Operations = {
  ...frontOperations,
  ...productOperations,
  ...catalogueOperations,
  ...stockOperations,
  ...userOperations,
  ...sessionOperations,
  ...messageOperations,
  ...chatOperations,
  ...healthOperations,
  ...adminOperations,
  ...whyOperations,
  ...compareOperations,
  ...queueOperations,
};
