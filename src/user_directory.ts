/**
 * Directories of the user, as the XDG base directory specification has them.
 *
 * @module
 */

/** Where they are below HOME when nobody says. */
const BELOW_HOME = { XDG_CONFIG_HOME: ".config", XDG_DATA_HOME: ".local/share" } as const;

/** The user's directory for configuration or for data; undefined where neither the variable nor HOME is set. Relative paths do not count. */
export function userDirectory(
  variable: keyof typeof BELOW_HOME,
  environment: (name: string) => string | undefined = (name) => Deno.env.get(name),
): string | undefined {
  const own = environment(variable);
  if (own?.startsWith("/")) return own;
  const home = environment("HOME");
  return home?.startsWith("/") ? `${home}/${BELOW_HOME[variable]}` : undefined;
}
