import { startGateway } from './gateway.mjs';
import { startRecordingUpstream } from './recording_upstream.mjs';

/** A gateway for one test. What `body` throws comes first; a bad end of the gateway is told too. */
export async function withGateway(options, body) {
  const gateway = await startGateway(options);
  try {
    await body(gateway);
  } catch (error) {
    await gateway.stop().catch((end) => (error.message += `\nand at the gateway's end: ${end.message}`));
    throw error;
  }
  await gateway.stop();
}

/** The same in front of an n8n that records what it is asked. */
export async function withUpstream(env, body) {
  const upstream = await startRecordingUpstream();
  try {
    await withGateway({ env: { N8N_WEBHOOK_URL: upstream.url, ...env } }, (gateway) => body(gateway, upstream));
  } finally {
    await upstream.stop();
  }
}
