/// Pays for a request where the gateway asks for it: another script of ours does the work, or shows
/// the captcha.

interface Challenge {
  readonly kind?: string; // of a captcha; else it is work
}

type Body = { readonly challenge?: Challenge } | null;
type Call = (headers: Record<string, string>) => Promise<Response>;
/// Gives what is sent for it; null where the visitor did not pass.
type Pass = (challenge: Challenge, answeredBy: string) => Promise<string | null>;

// Names with a hash, by the build.
declare const CAPTCHA_SCRIPT: string;
declare const WORK_SCRIPT: string;

/// Set while a visitor is at a captcha: that may take its time.
export const visitor = { asked: 0 };

/// Makes the call; where the answer is a challenge, passes it and makes it once more. Where the
/// captcha's provider is away, or the page cannot show it, work may be asked for after all.
export async function paying(
  call: Call,
  headers: Record<string, string> = {},
  pass: Pass = passByScript,
  captchas = true,
): Promise<Response> {
  const response = await call(headers);
  if (response.status !== 403) return response;
  const body = (await response.clone().json().catch(() => null)) as Body;
  const challenge = body?.challenge;
  if (!challenge || (challenge.kind && !captchas)) return response;
  const solution = await pass(challenge, response.url).catch(() => null);
  if (!solution) return response; // nothing helps against it
  const paid = { ...headers, 'X-Challenge-Solution': solution };
  return challenge.kind ? paying(call, paid, pass, false) : call(paid);
}

/// The script lies beside embed.js, below the same prefix as the API.
async function passByScript(challenge: Challenge, answeredBy: string): Promise<string | null> {
  const waits = challenge.kind ? 1 : 0;
  visitor.asked += waits;
  try {
    const name = waits ? CAPTCHA_SCRIPT : WORK_SCRIPT;
    return await (await import(new URL(`../../../widget/${name}`, answeredBy).href)).pass(challenge);
  } finally {
    visitor.asked -= waits;
  }
}
