/**
 * A script for a page of a browser. It lists the visible texts whose contrast to their background is
 * less than 4.5, the least that WCAG 2.2 allows (1.4.3, level AA).
 */
export const UNREADABLE_TEXT = `(() => {
  const channels = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
  const luminance = (color) => {
    const [r, g, b] = channels(color).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backgroundOf = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (channels(color)[3] !== 0) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const hasText = (element) =>
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== "") ||
    element.matches("input, select");
  return [...document.body.querySelectorAll("*")]
    .filter((element) => hasText(element) && element.checkVisibility())
    .flatMap((element) => {
      const color = getComputedStyle(element).color;
      const [light, dark] = [luminance(color), luminance(backgroundOf(element))].toSorted((a, b) => b - a);
      const ratio = (light + 0.05) / (dark + 0.05);
      return ratio >= 4.5 ? [] : [element.tagName + " " + element.textContent.trim().slice(0, 40) + ": " + ratio.toFixed(2)];
    });
})()`;
