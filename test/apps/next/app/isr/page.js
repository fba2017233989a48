export const revalidate = 3600;

export default function Isr() {
  return <h1>Rendered again every hour</h1>;
}
