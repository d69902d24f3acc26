// What the browser tests measure in the page itself: contrast, texts cut off, names for screen readers, visible focus.
window.qzChecks = (() => {
  const colour = (text) => {
    const parts = text.match(/[\d.]+/g).map(Number);
    return parts.length < 4 ? [...parts, 1] : parts;
  };
  const over = (top, below) => {
    const alpha = top[3] + below[3] * (1 - top[3]);
    const mixed = [0, 1, 2].map((i) => top[i] * top[3] + below[i] * below[3] * (1 - top[3]));
    return [...mixed.map((value) => value / (alpha || 1)), alpha];
  };
  const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = (c) => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
  const ratio = (one, two) => {
    const [high, low] = [luminance(one), luminance(two)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const ground = (element) => {
    let found = [0, 0, 0, 0];
    for (let e = element; e; e = e.parentElement) found = over(found, colour(getComputedStyle(e).backgroundColor));
    return over(found, [255, 255, 255, 1]);
  };
  const ownText = (e) => [...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent.trim()).join("");
  const shown = (e) => e.getClientRects().length && getComputedStyle(e).visibility !== "hidden";
  const all = (css) => [...document.querySelectorAll(css)].filter(shown);

  // Texts below 4.5 to 1, or 3 to 1 where they are large (WCAG 2.1), and how many were looked at; disabled ones may be pale
  const contrast = () => {
    const texts = all("body *").filter((e) => ownText(e) && !e.closest("svg, script, style, .q-icon")
      && !e.closest("[disabled], .disabled, [aria-disabled=true]"));
    const poor = texts.flatMap((e) => {
      const style = getComputedStyle(e), size = parseFloat(style.fontSize);
      let ink = colour(style.color);
      for (let p = e; p; p = p.parentElement) ink[3] *= Number(getComputedStyle(p).opacity);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      const value = ratio(over(ink, ground(e)), ground(e));
      return value < (large ? 3 : 4.5) ? [`${ownText(e).slice(0, 40)}: ${value.toFixed(2)}`] : [];
    });
    return [texts.length, poor];
  };

  // Texts that their element cuts off
  const cutOff = () => all(".qz-head *, .qz-left *, .qz-right *").filter((e) => ownText(e) && !e.closest("svg")
    && getComputedStyle(e).overflowX !== "visible" && e.scrollWidth > e.clientWidth + 1).map(ownText);

  // What takes the focus or a click without a name for those who cannot see it
  const unnamed = () => all("button, a, input, [role=slider], [role=combobox], [tabindex='0']").filter((e) => !e.innerText
    && !e.getAttribute("aria-label") && !e.closest("label") && !e.closest("[aria-label]")
    && !e.closest(".q-scrollarea")).map((e) => e.outerHTML);

  // Where the focus is, and the contrast of the outline that shows it; 0 where none does
  const focus = () => {
    const e = document.activeElement;
    const rings = [e, e.closest(".q-field__control"), e.closest(".q-slider")].filter(Boolean)
      .map((p) => [p, getComputedStyle(p)]);
    const colours = rings.flatMap(([p, s]) => {
      const outline = s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2 ? [s.outlineColor] : [];
      // A shadow without blur of three pixels or more is a ring as well
      const shadow = [...s.boxShadow.matchAll(/(rgba?\([^)]*\)) 0px 0px 0px (\d+)px/g)].filter((m) => Number(m[2]) >= 3);
      return [...outline, ...shadow.map((m) => m[1])].map((c) => ratio(colour(c), ground(p.parentElement)));
    });
    const value = Math.max(0, ...colours);
    return [e.closest("[class*=qz-]")?.className || "", value];
  };
  return { contrast, cutOff, unnamed, focus };
})();
