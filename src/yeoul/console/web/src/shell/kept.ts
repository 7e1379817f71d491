/** Choices kept in this browser; storage that is switched off is no error. */

export function kept(name: string): string | null {
  try {
    return localStorage.getItem(`yeoul.${name}`);
  } catch {
    return null;
  }
}

export function keep(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`yeoul.${name}`);
    else localStorage.setItem(`yeoul.${name}`, value);
  } catch {
    // Nothing to do: the choice holds until the page is closed.
  }
}
