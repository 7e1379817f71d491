/** A line the size of a word; decoration beside a number that says the same. */

const WIDTH = 64;
const HEIGHT = 18;
// Two or three points are a slope, not a course.
const FEWEST = 4;

export function sparkPath(values: number[]): string {
  if (values.length < FEWEST) return "";
  const low = Math.min(...values);
  const range = Math.max(...values) - low || 1;
  const step = WIDTH / (values.length - 1);
  return values
    .map((value, at) => `${at ? "L" : "M"}${(at * step).toFixed(1)} ${(HEIGHT - 2 - ((value - low) / range) * (HEIGHT - 4)).toFixed(1)}`)
    .join("");
}

export function Sparkline({ values }: { values: number[] }) {
  return (
    <svg className="sparkline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} aria-hidden="true">
      <path d={sparkPath(values)} fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinejoin="round" />
    </svg>
  );
}
