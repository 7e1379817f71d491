/** Steps through: as the system, light, dark. */
import { useWords } from "../messages/language";
import { THEMES, type Theme, useTheme } from "./theme";

const SHAPES: Record<Theme, string> = {
  system: "M3 4h14v9H3zM7 17h6M10 13v4",
  light: "M10 6.5a3.5 3.5 0 100 7 3.5 3.5 0 000-7M10 1.5v2M10 16.5v2M1.5 10h2M16.5 10h2M4 4l1.4 1.4M14.6 14.6L16 16M16 4l-1.4 1.4M5.4 14.6L4 16",
  dark: "M16.5 12A7 7 0 018 3.5 7 7 0 1016.5 12z",
};

export function ThemeChoice() {
  const { t } = useWords();
  const [theme, choose] = useTheme();
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
  const label = `${t("theme.label")}: ${t(`theme.${theme}`)}`;
  return (
    <button
      type="button"
      className="button button--quiet"
      aria-label={label}
      title={label}
      data-testid="theme"
      onClick={() => choose(next)}
    >
      <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true" className="icon">
        <path d={SHAPES[theme]} />
      </svg>
    </button>
  );
}
