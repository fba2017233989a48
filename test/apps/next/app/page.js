import Link from "next/link";

export default function Home() {
  return (
    <>
      <h1>Static home</h1>
      <Link href="/isr">ISR</Link>
    </>
  );
}
