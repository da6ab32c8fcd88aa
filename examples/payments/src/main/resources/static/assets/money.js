/** The minor units of what a person typed ("12.5", "12,50"), or null when it is no amount. */
export function parseAmount(text) {
  const match = /^(\d{1,9})(?:[.,](\d{1,2}))?$/.exec(text.trim());
  if (!match) {
    return null;
  }
  const minor = Number(match[1]) * 100 + Number((match[2] ?? '').padEnd(2, '0'));
  return minor > 0 ? minor : null;
}

/** Minor units as a person reads them. */
export function formatAmount(minor, tag, options = {}) {
  return (minor / 100).toLocaleString(tag, {
    minimumFractionDigits: 2,
    maximumFractionDigits: 2,
    ...options,
  });
}
