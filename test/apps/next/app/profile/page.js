import { updateTag } from "next/cache";
import { cookies } from "next/headers";
import { redirect } from "next/navigation";

/** A form that works without scripts: it posts to its own page. */
async function rename(form) {
  "use server";
  const jar = await cookies();
  jar.set("nickname", `${jar.get("user").value} ${form.get("nickname")}`);
  updateTag("profiles");
  redirect("/profile");
}

export default async function Profile() {
  const jar = await cookies();
  return (
    <form action={rename}>
      <p>
        {jar.get("user")?.value} is called {jar.get("nickname")?.value}
      </p>
      <input name="nickname" />
    </form>
  );
}
