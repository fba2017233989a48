import { cookies } from "next/headers";
import { redirect } from "next/navigation";

export async function POST(request) {
  const form = await request.formData();
  (await cookies()).set("user", form.get("user"), { httpOnly: true });
  redirect("/account");
}
