import { cookies } from "next/headers";
import { Suspense } from "react";

export default function Streamed() {
  return (
    <>
      <h1>Streamed</h1>
      <Suspense fallback={<p>Loading</p>}>
        <Late />
      </Suspense>
    </>
  );
}

async function Late() {
  const user = (await cookies()).get("user");
  await new Promise((resolve) => setTimeout(resolve, 100));
  return <p>Late for {user?.value ?? "a stranger"}</p>;
}
