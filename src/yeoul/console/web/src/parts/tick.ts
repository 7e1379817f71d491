/** The browser's clock as state, so that "12 s ago" grows older. */
import { useEffect, useState } from "react";

export function useTick(every_ms = 1000): number {
  const [now, set] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => set(Date.now()), every_ms);
    return () => clearInterval(timer);
  }, [every_ms]);
  return now;
}
