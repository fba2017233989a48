import { cookies } from "next/headers";
import { redirect } from "next/navigation";

export default async function Account() {
  const user = (await cookies()).get("user");
  if (user === undefined) redirect("/");
  return <h1>Account of {user.value}</h1>;
}
