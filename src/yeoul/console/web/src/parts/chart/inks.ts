/** The design tokens as colours that a canvas understands. */

export type Inks = Record<"line" | "fill" | "band" | "quiet" | "grid" | "alarm" | "span" | "font", string>;

export function inks(host: HTMLElement): Inks {
  const probe = document.createElement("span");
  host.append(probe);
  const colour = (token: string) => {
    probe.style.color = `var(${token})`;
    return getComputedStyle(probe).color;
  };
  const found: Inks = {
    line: colour("--water"),
    fill: colour("--water-wash"),
    band: colour("--band"),
    quiet: colour("--ink-3"),
    grid: colour("--line"),
    alarm: colour("--alarm"),
    span: colour("--alarm-wash"),
    font: `12px ${getComputedStyle(host).fontFamily}`,
  };
  probe.remove();
  return found;
}
