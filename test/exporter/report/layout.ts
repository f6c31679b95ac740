/** What a browser made of a page. */
export interface Layout {
  /** Of everything in it, px. */
  readonly width: number;
  /** Elements that reach beyond the screen and do not scroll by themselves. */
  readonly beyond: readonly string[];
  /** Sections, images, tables and marks without an area. */
  readonly empty: readonly string[];
  /** Texts whose contrast with what is behind them is below 4.5 (WCAG 2.1, 1.4.3). */
  readonly faint: readonly string[];
  readonly texts: number;
}

/** An expression for the page itself: gives its `Layout`. */
export const LAYOUT = `(() => {
  const shown = (element) => element.checkVisibility() && element.closest('details:not([open]) > :not(summary)') === null;
  const all = [...document.querySelectorAll('main *')].filter(shown);
  const describe = (element) => element.tagName + '.' + (element.getAttribute('class') ?? '') + ' ' + element.textContent.trim().slice(0, 40);

  const beyond = all.filter((element) => {
    if (element.closest('.scroll table') !== null || getComputedStyle(element).display === 'contents') return false;
    const { left, right, width } = element.getBoundingClientRect();
    return width > 0 && (left < -0.5 || right > innerWidth + 0.5);
  });

  const boxed = 'section, figure, svg, table, .tiles > div, text, .bars i, .key i';
  const empty = all.filter((element) => {
    const { width, height } = element.getBoundingClientRect();
    return element.matches(boxed) && (width === 0 || height === 0);
  });

  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = numbers(colour).map((value) => value / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (numbers(colour)[3] !== 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const texts = all.filter((element) =>
    !['TITLE', 'DESC'].includes(element.tagName.toUpperCase()) &&
    [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== ''));
  const faint = texts.filter((element) => {
    const style = getComputedStyle(element);
    const ink = luminance(element instanceof SVGElement ? style.fill : style.color);
    const paper = luminance(behind(element));
    return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05) < 4.5;
  });
  return {
    width: document.documentElement.scrollWidth,
    beyond: beyond.map(describe),
    empty: empty.map(describe),
    faint: faint.map(describe),
    texts: texts.length,
  };
})()`;
