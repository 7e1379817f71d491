/** What stands out in a chart: abnormal stretches of time behind the lines, points outside the band before them. */
import type uPlot from "uplot";
import { type Drawing, outside } from "./drawing";
import type { Inks } from "./inks";

export function shadeSpans(plot: uPlot, drawing: Drawing, ink: Inks): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  for (const span of drawing.spans ?? []) {
    const left = Math.max(bbox.left, plot.valToPos(span.from_us / 1e6, "x", true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(span.to_us / 1e6, "x", true));
    if (right < bbox.left || left > bbox.left + bbox.width) continue;
    ctx.fillStyle = ink.span;
    ctx.fillRect(left, bbox.top, Math.max(right - left, ratio), bbox.height);
    ctx.fillStyle = ink.alarm;
    ctx.fillRect(left, bbox.top, Math.max(right - left, 3 * ratio), 2 * ratio);
  }
}

export function markOutside(plot: uPlot, drawing: Drawing, ink: Inks): void {
  const values = drawing.lines[0]?.values;
  if (!drawing.band || !values) return;
  const { ctx } = plot;
  ctx.fillStyle = ink.alarm;
  values.forEach((value, at) => {
    if (value === null || !outside(drawing, at)) return;
    const x = plot.valToPos((drawing.at_us[at] ?? 0) / 1e6, "x", true);
    const y = plot.valToPos(value, "y", true);
    ctx.beginPath();
    ctx.arc(x, y, 2.25 * devicePixelRatio, 0, 2 * Math.PI);
    ctx.fill();
  });
}
