/** Light, dark or as the system says; public/theme.js does the same before the first paint. */
import { useEffect, useState } from "react";
import { keep, kept } from "./kept";

export type Theme = "system" | "light" | "dark";
export const THEMES: readonly Theme[] = ["system", "light", "dark"];
export const THEME_CHANGED = "yeoul:theme";

function read(): Theme {
  const found = kept("theme");
  return found === "light" || found === "dark" ? found : "system";
}

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, set] = useState(read);
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
    keep("theme", theme === "system" ? null : theme);
    dispatchEvent(new Event(THEME_CHANGED));
  }, [theme]);
  return [theme, set];
}
