export const generateStaticParams = () => [];

/** The page is made at its first request, and stays for an hour or until the tag is revalidated. */
export default async function News({ params }) {
  const { slug } = await params;
  const response = await fetch(`${process.env.NEWS_URL}/${slug}`, {
    next: { tags: ["news"], revalidate: 3600 },
  });
  return <h1>{await response.text()}</h1>;
}
